#include <stdio.h>
#include <string.h>

#include "base/cancel.h"
#include "base/log.h"
#include "flow/pipeline.h"
#include "job/accounts.h"
#include "job/copy.h"
#include "job/delta.h"
#include "job/drift.h"
#include "job/export.h"
#include "job/file_conflict.h"
#include "job/files.h"
#include "job/job.h"
#include "job/links.h"
#include "job/migrate.h"
#include "job/moment.h"
#include "job/move.h"
#include "job/part.h"
#include "job/plan.h"
#include "job/preflight.h"
#include "job/quota.h"
#include "job/run.h"
#include "job/snapshot_needs.h"
#include "job/state_key.h"
#include "job/target.h"
#include "job/verify_data.h"
#include "state/quarantine.h"

/* --- the steps of a migration, in their order --- */

static bool
open_state(struct run *r, struct err *err)
{

	if (!run_make_key(r, err))
		return false;
	if ((r->journal = state_key_open_journal(&r->key, &r->job, err)) == NULL)
		return false;
	/* --delta compares anew, whatever was done. */
	r->job.resumed = journal_resumed(r->journal) && !r->job.options->delta;
	if (r->job.resumed)
		log_info("resuming the run that was interrupted");
	r->quarantine = quarantine_open(journal_place(r->journal), err);
	return r->quarantine != NULL;
}

/* Documents of partitions that are read again are judged again.  Those that
 * held refused ones are all read again (part.c), so none is lost by this. */
static bool
forget_quarantine(struct run *r, struct err *err)
{
	size_t i, j;

	for (i = 0; i < r->data.n_moves; i++) {
		struct move *m = &r->data.moves[i];

		for (j = 0; j < m->n_parts && m->parts[j].done; j++)
			continue;
		if (j < m->n_parts &&
		    !quarantine_forget(r->quarantine, m->info->ns, err))
			return false;
	}
	return true;
}

static bool
find_moment(struct run *r, struct err *err)
{

	/* Bringing up to date is to the source as it is, not as it was. */
	r->data.moment = moment_new(&r->data, &r->job,
	    r->job.options->delta ? NULL : r->journal, err);
	return r->data.moment != NULL;
}

static bool
prepare_data(struct run *r, struct err *err)
{
	size_t i;

	if (!target_check(&r->data, &r->job, r->journal, err) ||
	    !accounts_check(&r->data, &r->job, r->journal, err))
		return false;
	for (i = 0; i < r->data.n_moves; i++) {
		if (!part_make_all(&r->data.moves[i], &r->data, r->journal,
		    err))
			return false;
	}
	target_tell_left(&r->data, &r->job, r->journal);
	return journal_sync(r->journal, err) && forget_quarantine(r, err) &&
	    target_prepare(&r->data, &r->job, r->journal, err);
}

static bool
copy_data(struct run *r, struct err *err)
{
	struct copy copy = {
		.job = &r->job,
		.data = &r->data,
		.journal = r->journal,
		.quarantine = r->quarantine,
		.links = r->links,
		.write = true,
		.ours = r->job.options->drop ||
		    r->job.options->on_conflict == SPACEFERRY_ABORT,
	};
	struct err ignored;

	if (copy_run(&copy, err))
		return drift_check(&r->data, &r->job, err);
	/* A collection that vanished may be why: say which. */
	if (err->kind == ERR_NOT_FOUND || err->kind == ERR_UNSUPPORTED)
		drift_check(&r->data, &r->job, &ignored);
	return false;
}

static bool
index_worker(void *arg, unsigned number, struct err *err)
{
	struct run *r = arg;
	struct mongo_session *s;
	bool ok;

	(void)number;
	if ((s = mongo_session_new(r->data.target.server, err)) == NULL)
		return err_prefix(err, "target");
	ok = target_build_indexes(&r->data, &r->job, s, err);
	mongo_session_free(s);
	return ok;
}

static bool
verify_worker(void *arg, unsigned number, struct err *err)
{
	struct run *r = arg;
	struct verify_data v = {
		.job = &r->job, .data = &r->data, .journal = r->journal,
	};

	(void)number;
	return verify_data_run(&v, err);
}

/* Reading back and building indexes need different things of the target, so
 * they run side by side. */
static bool
index_and_verify(struct run *r, struct err *err)
{
	struct pipeline_stage stages[] = {
		{ .name = "indexes", .threads = 1, .run = index_worker,
		    .arg = r },
		{ .name = "verification", .threads = 1, .run = verify_worker,
		    .arg = r },
	};
	struct pipeline *p;
	bool ok;

	if ((p = pipeline_new()) == NULL)
		return err_nomem(err, "verification");
	ok = pipeline_add(p, &stages[0]) && pipeline_add(p, &stages[1]);
	ok = ok ? pipeline_run(p, err) : err_nomem(err, "verification");
	pipeline_free(p);
	return ok;
}

static bool
move_data(struct run *r, struct err *err)
{

	return copy_data(r, err) && index_and_verify(r, err) &&
	    target_finish(&r->data, &r->job, err) &&
	    accounts_move(&r->data, &r->job, r->journal, err) &&
	    target_compare(&r->data, &r->job, err);
}

/* The journal is told, too, so that a run of files alone is known to have been
 * interrupted. */
static bool
move_files(struct run *r, struct err *err)
{

	return files_begin(&r->files, journal_place(r->journal), err) &&
	    journal_put(r->journal, "files", "begun", err) &&
	    files_copy(&r->files, err);
}

static bool
bring_up_to_date(struct run *r, struct err *err)
{

	if (!delta_begin(r, err))
		return false;
	r->began = true;
	if (r->has_files && !move_files(r, err))
		return false;
	if (r->has_data && !delta_data(r, err))
		return quota_explain_delta(err);
	return !r->has_files ||
	    (files_verify(&r->files, err) && delta_files(r, err));
}

/* An archive is written whole or not at all: there is nothing to resume. */
static bool
needs_state(const struct run *r)
{

	return r->has_files || r->data.target.kind == END_MONGO;
}

static bool
migrate(struct run *r, struct err *err)
{
	bool to_archive = r->has_data && r->data.target.kind != END_MONGO;

	if (r->has_data && !preflight_check(&r->data, &r->job, err))
		return false;
	if (needs_state(r) && !open_state(r, err))
		return false;
	if (r->has_data && !find_moment(r, err))
		return false;
	if (r->has_files && !file_conflict_check(&r->files, err))
		return false;
	if (r->job.options->delta)
		return bring_up_to_date(r, err);
	if (r->has_data && !to_archive && !prepare_data(r, err))
		return quota_explain(&r->data, err);
	r->began = true;
	if (r->has_files && !move_files(r, err))
		return false;
	if (r->has_data && !(to_archive ? export_data(r, err) :
	    move_data(r, err)))
		return quota_explain(&r->data, err);
	return !r->has_files || files_verify(&r->files, err);
}

/* --- the dry run: the same steps, with nothing written --- */

static bool
count_on_target(struct run *r, struct err *err)
{
	const struct spaceferry_options *o = r->job.options;
	size_t i;

	for (i = 0; i < r->data.n_moves; i++) {
		struct move *m = &r->data.moves[i];
		const struct collection_info *there;

		there = catalog_find(r->data.target.catalog, m->target_ns);
		if (there == NULL || there->type == COLLECTION_VIEW || o->drop)
			continue;
		if (!mongo_count(r->data.target.session, m->target_ns, NULL,
		    &m->conflicts, err))
			return err_prefix(err, "target: %s", m->target_ns);
	}
	return true;
}

static uint64_t
size_on_target(const struct data *d)
{
	uint64_t bytes = 0;
	size_t i;

	for (i = 0; i < d->n_moves; i++)
		bytes += d->moves[i].source.bytes +
		    d->moves[i].info->index_bytes;
	return bytes;
}

static bool
dry_run_data(struct run *r, struct err *err)
{
	struct copy copy = {
		.job = &r->job, .data = &r->data, .links = r->links,
	};
	size_t i;

	if (!find_moment(r, err))
		return false;
	for (i = 0; i < r->data.n_moves; i++) {
		if (!part_make_all(&r->data.moves[i], &r->data, NULL, err))
			return false;
	}
	if (r->job.options->delta)
		return target_compare(&r->data, &r->job, err);
	if (!copy_run(&copy, err) || !run_count_violations(r, err) ||
	    !count_on_target(r, err))
		return false;
	r->job.report.summary->target_bytes = size_on_target(&r->data);
	r->data.judged = true;
	return true;
}

/* As the run would judge it: what an unfinished one left is known. */
static bool
judge_target(struct run *r, struct err *err)
{

	if (r->key.n == 0 && !run_make_key(r, err))
		return false;
	r->journal = state_key_open_journal(&r->key, &r->job, err);
	return r->journal != NULL &&
	    target_check(&r->data, &r->job, r->journal, err) &&
	    accounts_check(&r->data, &r->job, r->journal, err);
}

static bool
dry_run(struct run *r, struct err *err)
{

	if (r->has_data && !preflight_check(&r->data, &r->job, err))
		return false;
	r->began = true;
	if (r->has_files && (!file_conflict_check(&r->files, err) ||
	    !run_find_manifests(r, err) ||
	    !files_plan(&r->files, err)))
		return false;
	if (r->has_data && (!dry_run_data(r, err) || (r->job.options->delta &&
	    !judge_target(r, err))))
		return false;
	if (r->job.options->delta)
		return delta_plan(r, err);
	return !r->has_data || judge_target(r, err);
}

/* --- */

static bool
open_all(struct run *r, const struct migrate_hooks *hooks, struct err *err)
{

	if (hooks->opened != NULL && !hooks->opened(hooks->arg, r, err))
		return false;
	if (!run_open_ends(r, err) || !snapshot_needs_check(r, err))
		return false;
	return hooks->planned == NULL || hooks->planned(hooks->arg, r, err);
}

int
migrate_run(const struct spaceferry_options *options, const char *command,
    const struct migrate_hooks *hooks, struct spaceferry_summary *summary)
{
	static const struct migrate_hooks none;
	struct run r;
	struct err err;
	bool ok;

	if (hooks == NULL)
		hooks = &none;
	err_clear(&err);
	ok = run_open_job(&r, options, command, summary, &err) &&
	    open_all(&r, hooks, &err) &&
	    (options->dry_run ? dry_run(&r, &err) : migrate(&r, &err));
	if (ok && !options->dry_run)
		ok = run_finish_journal(&r, &err);
	if (hooks->ended != NULL)
		ok = hooks->ended(hooks->arg, &r, ok, &err);
	return run_close(&r, ok, &err);
}

int
spaceferry_migrate(const struct spaceferry_options *options,
    struct spaceferry_summary *summary)
{

	return migrate_run(options, "migrate", NULL, summary);
}

int
spaceferry_export(const struct spaceferry_options *options,
    struct spaceferry_summary *summary)
{

	return migrate_run(options, "export", NULL, summary);
}

int
spaceferry_import(const struct spaceferry_options *options,
    struct spaceferry_summary *summary)
{

	return migrate_run(options, "import", NULL, summary);
}
