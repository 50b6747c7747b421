#include "backup/each.h"
#include "backup/prune_internal.h"
#include "base/log.h"

/* Once others may take us for dead nothing more may go. */
static bool
remove_object(struct prune *p, struct repo_session *s, const char *key,
    struct err *err)
{

	if (!repo_lock_held(p->lock, err))
		return false;
	atomic_store(&p->job->changed, true);
	if (store_delete(repo_session_store(s), key, err))
		return true;
	if (err->kind == ERR_DENIED)
		err_hint(err, "prune needs the right to delete: run it with "
		    "other credentials than backup");
	return false;
}

static bool
remove_snapshots(struct prune *p, struct err *err)
{
	size_t i;

	for (i = 0; i < p->list.n; i++) {
		if (!p->fates[i].goes)
			continue;
		if (!remove_object(p, p->session, p->list.v[i].object, err))
			return false;
		p->fates[i].gone = true;
	}
	return true;
}

static bool
remove_blob(void *arg, struct repo_session *s, size_t i, struct err *err)
{
	char object[REPO_OBJECT_MAX];
	struct prune *p = arg;

	repo_object_name(p->repository->repo, p->blobs[i].name, object);
	if (!remove_object(p, s, object, err))
		return false;
	atomic_fetch_add(&p->removed_blobs, 1);
	atomic_fetch_add(&p->removed_bytes, p->blobs[i].size);
	return true;
}

static bool
remove_notes(struct prune *p, struct err *err)
{
	size_t i;

	for (i = 0; i < p->notes.n; i++)
		if (!remove_object(p, p->session, p->notes.v[i], err))
			return false;
	return true;
}

bool
prune_remove(struct prune *p, struct err *err)
{
	const struct each blobs = { .name = "prune",
		.repo = p->repository->repo, .n = p->n_blobs,
		.fn = remove_blob, .arg = p };
	size_t locks;

	if (!remove_snapshots(p, err) || !each_run(p->job, &blobs, err) ||
	    !remove_notes(p, err) ||
	    !repo_lock_sweep(p->session, p->lock, &locks, err))
		return false;
	if (locks > 0 || p->notes.n > 0)
		log_info("%s: %zu locks and %zu notes of runs that are over "
		    "removed", repo_name(p->repository->repo), locks,
		    p->notes.n);
	return true;
}
