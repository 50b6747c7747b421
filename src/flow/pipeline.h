/*
 * A pipeline runs stages, each with one or more threads, joined by queues, and
 * brings them to one common end: when all are through, or when the first
 * fails.  Then every queue is aborted, so that nobody waits for somebody who
 * has gone, and the first real error is the pipeline's.
 *
 * Order: pipeline_new(), pipeline_stage() for each, pipeline_run() once,
 * pipeline_free().  Queues and credits belong to the caller.
 */
#ifndef FLOW_PIPELINE_H
#define FLOW_PIPELINE_H

#include <stdbool.h>

#include "base/err.h"
#include "flow/credit.h"
#include "flow/queue.h"

struct pipeline;

/* The work of one thread of a stage: number worker of its stage, from 0.
 * False with *err ends the pipeline; ERR_CANCELLED means only that another
 * stage or the user stopped, and never hides a real error. */
typedef bool pipeline_fn(void *arg, unsigned worker, struct err *err);

struct pipeline_stage {
	const char *name;	/* for thread names and messages */
	unsigned threads;	/* > 0 */
	pipeline_fn *run;
	void *arg;
	struct queue *out;	/* closed when the last thread ends; or NULL */
};

struct pipeline *pipeline_new(void);
void pipeline_free(struct pipeline *p);	/* NULL is allowed */

/* Adds a stage (copied).  False when out of memory or too many. */
bool pipeline_add(struct pipeline *p, const struct pipeline_stage *stage);

/* Queue or credit to be aborted when a stage fails. */
bool pipeline_watch_queue(struct pipeline *p, struct queue *q);
bool pipeline_watch_credit(struct pipeline *p, struct credit *c);

/* Starts all threads and waits for all of them.  False with the first real
 * error, or with ERR_CANCELLED when a stop was requested. */
bool pipeline_run(struct pipeline *p, struct err *err);

#endif
