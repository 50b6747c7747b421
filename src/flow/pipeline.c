#include <pthread.h>
#include <stdlib.h>

#include "base/cancel.h"
#include "flow/pipeline.h"

#define STAGES_MAX 8
#define WATCHED_MAX 8
#define THREADS_MAX 256

struct stage {
	struct pipeline_stage what;
	unsigned running;	/* threads not yet ended */
};

struct worker {
	struct pipeline *pipeline;
	struct stage *stage;
	unsigned number;
	pthread_t thread;
};

struct pipeline {
	pthread_mutex_t lock;	/* guards first, failed and stage.running */
	struct stage stages[STAGES_MAX];
	size_t n_stages;
	struct queue *queues[WATCHED_MAX];
	size_t n_queues;
	struct credit *credits[WATCHED_MAX];
	size_t n_credits;
	struct worker workers[THREADS_MAX];
	size_t n_workers;
	bool failed;
	struct err first;
};

struct pipeline *
pipeline_new(void)
{
	struct pipeline *p;

	if ((p = calloc(1, sizeof(*p))) == NULL)
		return NULL;
	if (pthread_mutex_init(&p->lock, NULL) != 0) {
		free(p);
		return NULL;
	}
	return p;
}

void
pipeline_free(struct pipeline *p)
{

	if (p == NULL)
		return;
	pthread_mutex_destroy(&p->lock);
	free(p);
}

bool
pipeline_add(struct pipeline *p, const struct pipeline_stage *stage)
{

	if (p->n_stages == STAGES_MAX ||
	    stage->threads > THREADS_MAX - p->n_workers)
		return false;
	p->stages[p->n_stages].what = *stage;
	p->stages[p->n_stages].running = stage->threads;
	p->n_stages++;
	p->n_workers += stage->threads;
	return stage->out == NULL || pipeline_watch_queue(p, stage->out);
}

bool
pipeline_watch_queue(struct pipeline *p, struct queue *q)
{

	if (p->n_queues == WATCHED_MAX)
		return false;
	p->queues[p->n_queues++] = q;
	return true;
}

bool
pipeline_watch_credit(struct pipeline *p, struct credit *c)
{

	if (p->n_credits == WATCHED_MAX)
		return false;
	p->credits[p->n_credits++] = c;
	return true;
}

static void
abort_all(struct pipeline *p)
{
	size_t i;

	for (i = 0; i < p->n_queues; i++)
		queue_abort(p->queues[i]);
	for (i = 0; i < p->n_credits; i++)
		credit_abort(p->credits[i]);
}

/* The first real error wins; ERR_CANCELLED only holds the place. */
static void
note_failure(struct pipeline *p, const struct err *err)
{

	pthread_mutex_lock(&p->lock);
	if (!p->failed || (p->first.kind == ERR_CANCELLED &&
	    err->kind != ERR_CANCELLED))
		p->first = *err;
	p->failed = true;
	pthread_mutex_unlock(&p->lock);
	abort_all(p);
}

static void *
worker_main(void *arg)
{
	struct worker *w = arg;
	struct pipeline *p = w->pipeline;
	struct err err;
	bool last;

	err_clear(&err);
	if (!w->stage->what.run(w->stage->what.arg, w->number, &err))
		note_failure(p, &err);
	pthread_mutex_lock(&p->lock);
	last = --w->stage->running == 0;
	pthread_mutex_unlock(&p->lock);
	if (last && w->stage->what.out != NULL)
		queue_close(w->stage->what.out);
	return NULL;
}

/* Starts every thread; *started tells how many are to be joined. */
static bool
start_all(struct pipeline *p, size_t *started, struct err *err)
{
	size_t i;
	unsigned number;

	*started = 0;
	for (i = 0; i < p->n_stages; i++) {
		for (number = 0; number < p->stages[i].what.threads; number++) {
			struct worker *w = &p->workers[*started];

			w->pipeline = p;
			w->stage = &p->stages[i];
			w->number = number;
			if (pthread_create(&w->thread, NULL, worker_main, w))
				return err_set(err, ERR_NOMEM,
				    "cannot start a thread for %s",
				    p->stages[i].what.name);
			(*started)++;
		}
	}
	return true;
}

bool
pipeline_run(struct pipeline *p, struct err *err)
{
	struct err start_err;
	size_t i, started;

	if (!start_all(p, &started, &start_err))
		note_failure(p, &start_err);
	for (i = 0; i < started; i++)
		pthread_join(p->workers[i].thread, NULL);
	if (p->failed) {
		*err = p->first;
		return false;
	}
	if (cancel_requested())
		return cancel_err(err);
	return true;
}
