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
	if (!o->linked && file_walk_selects(c->files->job, o->key) &&
	    file_index_find(c->pair->index, o->key, strlen(o->key)) == NULL)
		c->n++;
	return true;
}

static bool
count_pair(struct counting *c, struct err *err)
{
	static const struct store_list_ops ops = { count_object, store_pass_over };
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

/* Where nothing is to be moved, all that is there would go. */
static bool
guard_empty(const struct file_pair *pair, uint64_t n, struct err *err)
{

	if (n == 0 || file_index_count(pair->index) > 0)
		return true;
	err_set(err, ERR_CONFLICT, "there is no file in %s, and %llu in %s: "
	    "--delete would remove them all", store_name(pair->source),
	    (unsigned long long)n, store_name(pair->target));
	return err_hint(err, "see that it is the right place, and mounted; if "
	    "they may go, --max-delete says how many at most");
}

bool
delta_files_count(struct run *r, uint64_t *n, struct err *err)
{
	struct counting c = { .files = &r->files };
	uint64_t before;
	bool ok = true;
	size_t i;

	*n = 0;
	if (!r->has_files || !r->job.options->delete_extra ||
	    !is_source_whole(&r->files))
		return true;
	for (i = 0; ok && i < r->files.n; i++) {
		c.pair = &r->files.v[i];
		before = c.n;
		ok = count_pair(&c, err);
		if (ok && r->job.options->max_delete == 0)
			ok = guard_empty(c.pair, c.n - before, err);
	}
	*n = c.n;
	return ok;
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
	uint64_t most;
	size_t i;

	if (!o->delete_extra || r->files.extra == 0)
		return true;
	/* Places may have been made since. */
	if (!delta_guard_places(r, err))
		return false;
	if (!is_source_whole(&r->files)) {
		report_note(&r->job.report, "files_kept", "mend what is named, "
		    "then run the same command again", "no file was removed "
		    "from the target, for not every one of the source could "
		    "be read or sent");
		return true;
	}
	if (job_max_delete(&r->job, &most))
		g.most = most > done->deleted ? most - done->deleted : 0;
	for (i = 0; i < r->files.n; i++) {
		if (!remove_from(&g, &r->files.v[i], err))
			return false;
	}
	return true;
}
