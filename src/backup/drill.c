#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backup/drill_internal.h"
#include "backup/restore.h"
#include "base/cancel.h"
#include "job/migrate.h"
#include "job/snapshot_source.h"

/* What must come back is what is in the snapshot, all of it and as it is. */
static bool
check_options(const struct spaceferry_options *o, struct err *err)
{
	const char *other = o->query != NULL ? "--query" :
	    o->n_rename > 0 ? "--rename" :
	    o->users_and_roles ? "--users-and-roles" :
	    o->dry_run ? "--dry-run" : NULL;

	if (other != NULL) {
		err_set(err, ERR_USAGE, "--drill restores what is in the "
		    "snapshot into a scratch place: %s does not go with it",
		    other);
		return err_hint(err, "leave it out");
	}
	if (o->to != NULL && mongo_is_uri(o->to))
		return true;
	err_set(err, ERR_USAGE, "--drill needs a MongoDB to restore into: "
	    "--to mongodb://…");
	return err_hint(err, "databases named " DRILL_PREFIX "… are made there, "
	    "and removed again");
}

static bool
opened(void *arg, struct run *r, struct err *err)
{
	struct drill *d = arg;

	if (!check_options(r->job.options, err) ||
	    !drill_choose(d, r, err) || !restore_describe(r, err) ||
	    !restore_settle(r, &d->options, err))
		return false;
	r->job.options = &d->options;
	return true;
}

static bool
planned(void *arg, struct run *r, struct err *err)
{
	struct drill *d = arg;

	if (r->has_data && !drill_sweep(d, r, err))
		return false;
	drill_sweep_files(d, r);
	d->began = true;
	return true;
}

/* --- the verdict --- */

static const struct snapshot_collection *
find(const struct snapshot_source *s, const char *ns)
{
	size_t i;

	for (i = 0; i < snapshot_source_count(s); i++) {
		if (strcmp(snapshot_source_collection(s, i)->ns, ns) == 0)
			return snapshot_source_collection(s, i);
	}
	return NULL;
}

/* The engine has held the target against what it read; here that is held against
 * what the backup counted when it was made. */
static void
compare(struct run *r)
{
	size_t i;

	for (i = 0; i < r->data.n_moves; i++) {
		const struct move *m = &r->data.moves[i];
		const struct snapshot_collection *c;

		c = find(r->job.snapshot, m->info->ns);
		/* What is due expires nowhere yet: nothing is made to before
		 * it was read back. */
		if (c != NULL && tally_equal(&m->target, &c->tally))
			continue;
		report_error(&r->job.report, "drill", "restore it elsewhere and "
		    "look: diff --from snapshot:ID names what differs",
		    "%s came back as %llu documents of %llu bytes, and the "
		    "snapshot says %llu of %llu, or others", m->info->ns,
		    (unsigned long long)m->target.count,
		    (unsigned long long)m->target.bytes,
		    c != NULL ? (unsigned long long)c->tally.count : 0,
		    c != NULL ? (unsigned long long)c->tally.bytes : 0);
	}
}

/* Scratch names are of no use to anybody once they are gone. */
static void
name_as_source(struct run *r)
{
	size_t i;

	for (i = 0; i < r->data.n_moves; i++) {
		struct move *m = &r->data.moves[i];

		snprintf(m->target_ns, sizeof(m->target_ns), "%s",
		    m->info->ns);
	}
}

static bool
ended(void *arg, struct run *r, bool ok, struct err *err)
{
	struct drill *d = arg;
	bool stop;

	if (ok)
		compare(r);
	ok = ok && drill_read_files(d, r, err);
	if (!ok && err->kind == ERR_DENIED && r->data.n_moves > 0)
		err_hint(err, "a drill makes databases of its own: its user "
		    "needs rights on all of them (readWriteAnyDatabase; Atlas: "
		    "read and write to any database)");
	stop = cancel_requested();
	cancel_reset();
	if (d->began && drill_remove(d, r, stop))
		atomic_store(&r->job.changed, false);
	if (stop)
		cancel_request();
	name_as_source(r);
	return ok;
}

int
drill_restore(const struct spaceferry_options *options,
    struct spaceferry_summary *summary)
{
	struct drill d = { .options = *options };
	struct migrate_hooks hooks = {
		.opened = opened, .planned = planned, .ended = ended,
		.arg = &d,
	};
	struct spaceferry_options o = *options;
	int status;

	/* A config file for restore may have rules; digests are of what is in
	 * the snapshot. */
	o.n_rewrite = 0;
	o.rewrite_files.n = 0;
	o.drop = false;
	o.delta = false;
	o.on_conflict = SPACEFERRY_ABORT;
	o.restart = true;
	d.options = o;
	status = migrate_run(&o, "restore", &hooks, summary);
	strings_free(&d.texts);
	free(d.rename);
	free(d.files);
	return status;
}
