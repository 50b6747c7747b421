#include <stdatomic.h>

#include "backup/each.h"
#include "base/cancel.h"
#include "flow/pipeline.h"

struct work {
	const struct each *e;
	atomic_size_t next;
	atomic_bool failed;	/* somebody: the others need not go on */
};

static bool
work(void *arg, unsigned worker, struct err *err)
{
	struct work *w = arg;
	struct repo_session *s;
	bool ok = true;
	size_t i;

	(void)worker;
	if ((s = repo_session_new(w->e->repo, err)) == NULL)
		ok = false;
	while (ok && !atomic_load(&w->failed) &&
	    (i = atomic_fetch_add(&w->next, 1)) < w->e->n) {
		ok = cancel_requested() ? cancel_err(err) :
		    w->e->fn(w->e->arg, s, i, err);
	}
	if (!ok)
		atomic_store(&w->failed, true);
	repo_session_free(s);
	return ok;
}

bool
each_run(const struct job *job, const struct each *e, struct err *err)
{
	struct work w = { .e = e };
	const struct pipeline_stage stage = {
		.name = e->name, .run = work, .arg = &w,
		.threads = e->n < job->workers ? (unsigned)e->n : job->workers,
	};
	struct pipeline *p;
	bool ok;

	if (e->n == 0)
		return true;
	if ((p = pipeline_new()) == NULL)
		return err_nomem(err, e->name);
	ok = (pipeline_add(p, &stage) || err_nomem(err, e->name)) &&
	    pipeline_run(p, err);
	pipeline_free(p);
	return ok;
}
