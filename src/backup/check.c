#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "backup/check.h"
#include "base/cancel.h"

static bool
repairs(const struct check *c)
{

	return c->job.options->repair && !c->job.options->dry_run;
}

/* Whether there is anything of a repository where none could be opened. */
struct traces {
	bool config, others;
};

static bool
take_trace(void *arg, const struct store_object *o, struct err *err)
{
	struct traces *t = arg;

	(void)err;
	if (strcmp(o->key, "config") == 0)
		t->config = true;
	if (check_is_snapshot(o->key))
		t->others = true;
	return true;
}

static bool
look_for_traces(struct check *c, struct traces *t)
{
	const struct store_options options = {
		.patience_ms = c->job.patience_ms, .quiet = true,
	};
	const struct store_list_ops ops = { take_trace, store_pass_over };
	struct store_session *ss = NULL;
	struct store *store;
	struct err err;
	bool ok;

	memset(t, 0, sizeof(*t));
	store = store_open(c->job.options->repo, &options, &err);
	ok = store != NULL && (ss = store_session_new(store, &err)) != NULL &&
	    store_list(ss, &ops, t, &err);
	store_session_free(ss);
	store_free(store);
	return ok;
}

bool
check_unopened(struct check *c, const struct err *err)
{
	const char *remedy = "put a copy of config back; the repository "
	    "cannot be used without it";
	struct traces t;

	if ((err->kind != ERR_DAMAGED && err->kind != ERR_NOT_FOUND &&
	    err->kind != ERR_CONFLICT) ||
	    strncmp(err->message, "--identity", 10) == 0 ||
	    !look_for_traces(c, &t))
		return false;
	if (!t.config && t.others)
		check_fail(c, "repository", "missing_config", remedy,
		    "config is missing, but there are snapshots: %s",
		    err->message);
	else if (t.config && (err->kind == ERR_DAMAGED || t.others))
		check_fail(c, "repository", "bad_config", remedy, "%s",
		    err->message);
	else
		return false;
	return true;
}

/* Where no identity opens anything, somebody gave the wrong one. */
static bool
judge_identities(const struct check *c, struct err *err)
{
	bool tried = false;
	size_t k;

	for (k = 0; k < c->n_keys; k++) {
		if (c->keys[k].proven || c->keys[k].opens)
			return true;
		tried = tried || c->keys[k].tried;
	}
	if (!tried || !repo_is_encrypted(c->repository.repo))
		return true;
	err_set(err, ERR_AUTH, "%s: these identities open neither a naming "
	    "key nor the details of a snapshot",
	    repo_name(c->repository.repo));
	return err_hint(err, "give the identity whose recipient backup is "
	    "given, or leave --identity out");
}

static bool
examine(struct check *c, struct err *err)
{
	const struct repo *r = c->repository.repo;

	check_pass(c, "repository", "config", "%s: a repository, %s, id %s",
	    repo_name(r), repo_is_encrypted(r) ? "encrypted" :
	    "not encrypted", repo_id(r));
	if (!check_list(c, err) || !check_snapshots(c, err))
		return false;
	check_age(c);
	return judge_identities(c, err) && check_data(c, err) &&
	    check_contents(c, err) && check_others(c, err);
}

/* What was found is told however it ended; but not when the lock was lost: a
 * prune since looks like damage. */
static bool
examine_and_tell(struct check *c, struct err *err)
{
	struct err telling;
	bool ok = examine(c, err);

	if (!repo_lock_held(c->lock, err))
		return false;
	if (!check_tell_damage(c, &telling) && ok) {
		*err = telling;
		ok = false;
	}
	if (ok && repairs(c))
		ok = check_repair(c, err);
	check_tell_rest(c);
	return ok;
}

static bool
prepare(struct check *c, struct err *err)
{
	const struct spaceferry_options *o = c->job.options;
	const struct repo_lock_options lock = {
		.repo = c->repository.repo,
		.kind = repairs(c) ? REPO_LOCK_REMOVE : REPO_LOCK_READ,
		.command = "check",
		.patience_ms = c->job.patience_ms,
	};

	c->can_open = !repo_is_encrypted(c->repository.repo) ||
	    c->repository.identities != NULL;
	c->cache = check_cache_new(c->job.memory / 4);
	c->pace = pace_new(o->bandwidth);
	if (c->cache == NULL || c->pace == NULL)
		return err_nomem(err, "check");
	if (o->read_data && c->can_open &&
	    (c->files = check_files_new(err)) == NULL)
		return false;
	if ((c->losses = check_losses_new(err)) == NULL)
		return false;
	c->session = repo_session_new(c->repository.repo, err);
	return c->session != NULL &&
	    (c->lock = repo_lock_take(&lock, err)) != NULL;
}

static void
release(struct check *c)
{

	repo_lock_free(c->lock);
	repo_session_free(c->session);
	check_index_free(&c->index);
	snapshot_list_free(&c->list);
	free(c->snapshots);
	free(c->keys);
	check_cache_free(c->cache);
	check_files_free(c->files);
	check_losses_free(c->losses);
	pace_free(c->pace);
	strings_free(&c->objects);
	strings_free(&c->key_objects);
	strings_free(&c->locks);
	strings_free(&c->notes);
	strings_free(&c->misplaced);
	strings_free(&c->stale);
	repository_close(&c->repository);
}

static void
summarise(struct check *c)
{
	struct spaceferry_repository *r =
	    &c->job.report.summary->repository;

	if (c->repository.repo == NULL)
		return;
	r->name = strdup(repo_name(c->repository.repo));
	r->snapshots = c->list.n;
	r->blobs = c->seen.blobs;
	r->bytes = c->seen.bytes;
}

int
spaceferry_check(const struct spaceferry_options *options,
    struct spaceferry_summary *summary)
{
	struct check c;
	struct err err;
	bool ok;

	memset(&c, 0, sizeof(c));
	err_clear(&err);
	ok = job_open(&c.job, options, "check", summary, &err);
	if (ok && !repository_open(&c.repository, &c.job, REPOSITORY_READ,
	    &err))
		ok = check_unopened(&c, &err);
	else if (ok)
		ok = prepare(&c, &err) && examine_and_tell(&c, &err);
	summarise(&c);
	release(&c);
	return job_close(&c.job, ok, &err);
}
