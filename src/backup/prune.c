#include <stdlib.h>
#include <string.h>

#include "backup/prune_internal.h"

/* --- the summary --- */

static bool
is_removed(const struct prune *p, size_t i)
{

	return p->lock == NULL ? p->fates[i].goes : p->fates[i].gone;
}

static bool
describe(const struct prune *p, size_t i, struct spaceferry_snapshot *out)
{
	char text[RETENTION_TEXT_SIZE];

	if (!repository_describe(&p->list.v[i], out))
		return false;
	retention_text(p->fates[i].reasons, text);
	free(out->reason);
	out->reason = strdup(p->fates[i].future ? "future" : text);
	out->removed = is_removed(p, i);
	return out->reason != NULL;
}

/* prune tells all, a backup those that it removed. */
static bool
add_snapshots(const struct prune *p, struct err *err)
{
	struct spaceferry_summary *s = p->job->report.summary;
	struct spaceferry_snapshot *v;
	size_t i;

	v = reallocarray(s->snapshots, s->n_snapshots + p->list.n + 1,
	    sizeof(*v));
	if (v == NULL)
		return err_nomem(err, "summary");
	s->snapshots = v;
	for (i = 0; i < p->list.n; i++) {
		if (p->only_of != NULL && !is_removed(p, i))
			continue;
		if (!describe(p, i, &v[s->n_snapshots++]))
			return err_nomem(err, "summary");
	}
	return true;
}

static bool
summarise(const struct prune *p, struct err *err)
{
	struct spaceferry_repository *r = &p->job->report.summary->repository;
	bool dry_run = p->lock == NULL;
	size_t i;

	if (r->name == NULL)
		r->name = strdup(repo_name(p->repository->repo));
	if (p->fates == NULL)	/* it never began */
		return true;
	r->blobs_removed = dry_run ? p->n_blobs :
	    atomic_load(&p->removed_blobs);
	r->bytes_removed = dry_run ? p->unneeded_bytes :
	    atomic_load(&p->removed_bytes);
	if (p->all_blobs > 0 || p->only_of == NULL) {
		r->blobs = p->all_blobs - r->blobs_removed;
		r->bytes = p->all_bytes - r->bytes_removed;
	}
	r->snapshots = p->list.n;
	for (i = 0; i < p->list.n; i++)
		r->snapshots -= is_removed(p, i);
	return add_snapshots(p, err);
}

/* --- */

/* False with *err; ERR_LOCKED costs a backup nothing: the next one prunes. */
static bool
take_lock(struct prune *p, bool *later, struct err *err)
{
	const struct repo_lock_options options = {
		.repo = p->repository->repo, .kind = REPO_LOCK_REMOVE,
		.command = p->job->command,
		.patience_ms = p->job->patience_ms,
	};

	if (p->job->options->dry_run)
		return true;
	p->lock = repo_lock_take(&options, err);
	*later = p->lock == NULL && p->only_of != NULL &&
	    err->kind == ERR_LOCKED;
	if (*later)
		report_note(&p->job->report, "not_pruned", "the next run "
		    "removes it, or spaceferry prune", "what the policy does "
		    "not keep was not removed: %s", err->message);
	return p->lock != NULL || *later;
}

static bool
run(struct prune *p, struct err *err)
{
	bool later = false;

	if ((p->session = repo_session_new(p->repository->repo, err)) == NULL ||
	    !take_lock(p, &later, err))
		return false;
	if (later)
		return true;
	return prune_plan_list(p, err) && prune_policy(p, err) &&
	    prune_plan(p, err) && (p->lock == NULL || prune_remove(p, err));
}

/* The snapshot that the run has just made; NULL: it makes none. */
static const char *
new_snapshot(const struct job *job)
{
	const struct spaceferry_summary *s = job->report.summary;

	return strcmp(job->command, "backup") == 0 && s->n_snapshots > 0 ?
	    s->snapshots[0].id : NULL;
}

bool
prune_run(struct job *job, struct repository *repository, struct err *err)
{
	struct prune p = { .job = job, .repository = repository,
		.only_of = new_snapshot(job) };
	struct err late;
	bool ok;

	ok = run(&p, err);
	/* Whatever else went wrong when the lock was lost, that is the cause. */
	if (!ok && p.lock != NULL && !repo_lock_held(p.lock, &late))
		*err = late;
	if (!summarise(&p, &late) && ok) {
		*err = late;
		ok = false;
	}
	repo_lock_free(p.lock);
	repo_session_free(p.session);
	snapshot_list_free(&p.list);
	free(p.fates);
	free(p.blobs);
	prune_names_free(&p.needed);
	strings_free(&p.notes);
	return ok;
}

int
spaceferry_prune(const struct spaceferry_options *options,
    struct spaceferry_summary *summary)
{
	struct repository repository = { .repo = NULL };
	struct job job;
	struct err err;
	bool ok;

	err_clear(&err);
	ok = job_open(&job, options, "prune", summary, &err) &&
	    repository_open(&repository, &job, REPOSITORY_READ, &err) &&
	    prune_run(&job, &repository, &err);
	repository_close(&repository);
	return job_close(&job, ok, &err);
}
