#include <string.h>

#include "base/cancel.h"
#include "base/log.h"
#include "job/delta_internal.h"
#include "job/file_extras.h"
#include "job/file_walk.h"

/* --- counting --- */

struct counting {
	struct files *files;
	struct file_pair *pair;
	uint64_t n;
};

static bool
count_object(void *arg, const struct store_object *o, struct err *err)
{
	struct counting *c = arg;

	if (cancel_requested())
		return cancel_err(err);
	if (file_walk_selects(c->files->job, o->key) &&
	    file_index_find(c->pair->index, o->key, strlen(o->key)) == NULL)
		c->n++;
	return true;
}

static bool
pass_over(void *arg, enum store_oddity kind, const char *name, const char *why,
    struct err *err)
{

	(void)arg;
	(void)kind;
	(void)name;
	(void)why;
	(void)err;
	return true;
}

static bool
count_pair(struct counting *c, struct err *err)
{
	static const struct store_list_ops ops = { count_object, pass_over };
	struct store_session *s;
	bool ok;

	if (c->pair->target == NULL)
		return true;
	if ((s = store_session_new(c->pair->target, err)) == NULL)
		return false;
	ok = store_list(s, &ops, c, err);
	store_session_free(s);
	return ok || err_prefix(err, "files to %s",
	    store_name(c->pair->target));
}

/* What could not be read on the source may be there all the same. */
static bool
is_source_whole(const struct files *f)
{

	return atomic_load(&f->failed) == 0;
}

bool
delta_files_count(struct run *r, uint64_t *n, struct err *err)
{
	struct counting c = { .files = &r->files };
	bool ok = true;
	size_t i;

	*n = 0;
	if (!r->has_files || !r->job.options->delete_extra ||
	    !is_source_whole(&r->files))
		return true;
	for (i = 0; ok && i < r->files.n; i++) {
		c.pair = &r->files.v[i];
		ok = count_pair(&c, err);
	}
	*n = c.n;
	return ok;
}

/* True when place is a folder or prefix of store, or the same. */
static bool
lies_in(const char *place, const char *store)
{
	size_t len = strlen(store);

	if (len > 0 && store[len - 1] == '/')
		len--;
	return strncmp(place, store, len) == 0 &&
	    (place[len] == '/' || place[len] == '\0');
}

bool
delta_files_check(struct run *r, struct err *err)
{
	struct store_options options = { .may_be_missing = true };
	struct store *state;
	const char *target = NULL;
	size_t i;

	if (!r->has_files || !r->job.options->delete_extra ||
	    r->journal == NULL)
		return true;
	state = store_open(place_path(journal_place(r->journal)), &options,
	    err);
	if (state == NULL)
		return err_prefix(err, "state");
	for (i = 0; i < r->files.n; i++) {
		const struct file_pair *pair = &r->files.v[i];

		if (pair->target != NULL && lies_in(store_identity(state),
		    store_identity(pair->target)))
			target = store_name(pair->target);
	}
	store_free(state);
	if (target == NULL)
		return true;
	err_set(err, ERR_CONFLICT, "--delete would remove this run's state, "
	    "which lies in %s", target);
	return err_hint(err, "--state keeps it elsewhere");
}

/* --- removing --- */

struct removing {
	struct run *run;
	struct store_session *session;	/* for removals, while it lists */
	uint64_t most;		/* that may go yet */
};

static bool
remove_object(void *arg, const struct file_pair *pair,
    const struct store_object *o, struct err *err)
{
	struct removing *g = arg;
	struct spaceferry_delta *done = &g->run->job.report.summary->delta;

	/* It was on the source when this run began. */
	if (file_index_find(pair->index, o->key, strlen(o->key)) != NULL)
		return true;
	if (g->most == 0) {
		err_set(err, ERR_CONFLICT, "more files are only on the target "
		    "than when they were counted, and more than --max-delete "
		    "allows to remove");
		return err_hint(err, "see who writes to the target; the same "
		    "command counts again");
	}
	atomic_store(&g->run->job.changed, true);
	if (!store_delete(g->session, o->key, err))
		return err_prefix(err, "removing %s", o->key);
	g->most--;
	done->files_deleted++;
	if (g->run->files.extra > 0)
		g->run->files.extra--;
	return pair->manifest == NULL ||
	    manifest_remove(pair->manifest, o->key, err);
}

static bool
remove_from(struct removing *g, struct file_pair *pair, struct err *err)
{
	bool ok;

	if (pair->target == NULL || file_index_count(pair->there) ==
	    file_index_count_marked(pair->there))
		return true;
	if ((g->session = store_session_new(pair->target, err)) == NULL)
		return false;
	ok = file_extras(&g->run->files, pair, remove_object, g, err);
	store_session_free(g->session);
	return ok && (pair->manifest == NULL ||
	    manifest_sync(pair->manifest, err));
}

bool
delta_files(struct run *r, struct err *err)
{
	const struct spaceferry_options *o = r->job.options;
	const struct spaceferry_delta *done = &r->job.report.summary->delta;
	struct removing g = { .run = r, .most = UINT64_MAX };
	size_t i;

	if (!o->delete_extra || r->files.extra == 0)
		return true;
	if (!is_source_whole(&r->files)) {
		report_note(&r->job.report, "files_kept", "mend what is named, "
		    "then run the same command again", "no file was removed "
		    "from the target, for not every one of the source could "
		    "be read or sent");
		return true;
	}
	if (o->max_delete > 0)
		g.most = o->max_delete > done->deleted ?
		    o->max_delete - done->deleted : 0;
	for (i = 0; i < r->files.n; i++) {
		if (!remove_from(&g, &r->files.v[i], err))
			return false;
	}
	return true;
}
