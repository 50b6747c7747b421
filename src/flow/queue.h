/*
 * A bounded queue between producer and consumer threads: the only place where
 * two stages meet.  Bounded by items and by bytes, so that a slow consumer
 * holds back its producer instead of filling the memory.
 *
 * Ownership: an item belongs to the queue from the moment queue_push() returns
 * true until queue_pop() hands it out.  On false the caller still owns it.
 */
#ifndef FLOW_QUEUE_H
#define FLOW_QUEUE_H

#include <stdbool.h>
#include <stddef.h>

struct queue;

typedef void queue_free_fn(void *item);

/* Holds at most max_items items and max_bytes bytes (both > 0); one larger
 * item is still let in when the queue is empty.  free_item frees what is left
 * in it at the end.  NULL when out of memory. */
struct queue *queue_new(size_t max_items, size_t max_bytes,
    queue_free_fn *free_item);

/* Frees the queue and what is in it; no thread may use it.  NULL is allowed. */
void queue_free(struct queue *q);

/* Blocks while full.  False once the queue is closed or aborted. */
bool queue_push(struct queue *q, void *item, size_t bytes);

/* Blocks while empty and open.  NULL at the end: closed and drained, or
 * aborted. */
void *queue_pop(struct queue *q);

void queue_close(struct queue *q);	/* producer: no more; the rest is read */
void queue_abort(struct queue *q);	/* either side: stop now; idempotent */
bool queue_aborted(struct queue *q);

#endif
