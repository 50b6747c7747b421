#include <pthread.h>
#include <stdlib.h>

#include "flow/queue.h"

struct slot {
	void *item;
	size_t bytes;
};

struct queue {
	pthread_mutex_t lock;
	pthread_cond_t not_empty;
	pthread_cond_t not_full;
	queue_free_fn *free_item;
	size_t max_items;
	size_t max_bytes;
	size_t head;		/* index of the oldest item */
	size_t n;
	size_t bytes;
	bool closed;
	bool aborted;
	struct slot slots[];
};

struct queue *
queue_new(size_t max_items, size_t max_bytes, queue_free_fn *free_item)
{
	struct queue *q;

	if ((q = calloc(1, sizeof(*q) + max_items * sizeof(q->slots[0]))) == NULL)
		goto fail;
	if (pthread_mutex_init(&q->lock, NULL) != 0)
		goto fail_q;
	if (pthread_cond_init(&q->not_empty, NULL) != 0)
		goto fail_lock;
	if (pthread_cond_init(&q->not_full, NULL) != 0)
		goto fail_not_empty;
	q->free_item = free_item;
	q->max_items = max_items;
	q->max_bytes = max_bytes;
	return q;

fail_not_empty:
	pthread_cond_destroy(&q->not_empty);
fail_lock:
	pthread_mutex_destroy(&q->lock);
fail_q:
	free(q);
fail:
	return NULL;
}

void
queue_free(struct queue *q)
{
	size_t i;

	if (q == NULL)
		return;
	for (i = 0; i < q->n; i++)
		q->free_item(q->slots[(q->head + i) % q->max_items].item);
	pthread_cond_destroy(&q->not_full);
	pthread_cond_destroy(&q->not_empty);
	pthread_mutex_destroy(&q->lock);
	free(q);
}

static bool
is_full(const struct queue *q, size_t bytes)
{

	if (q->n == 0)
		return false;
	return q->n == q->max_items || q->bytes >= q->max_bytes ||
	    bytes > q->max_bytes - q->bytes;
}

bool
queue_push(struct queue *q, void *item, size_t bytes)
{
	struct slot *slot;
	bool pushed;

	pthread_mutex_lock(&q->lock);
	while (!q->closed && !q->aborted && is_full(q, bytes))
		pthread_cond_wait(&q->not_full, &q->lock);
	pushed = !q->closed && !q->aborted;
	if (pushed) {
		slot = &q->slots[(q->head + q->n) % q->max_items];
		slot->item = item;
		slot->bytes = bytes;
		q->n++;
		q->bytes += bytes;
		pthread_cond_signal(&q->not_empty);
	}
	pthread_mutex_unlock(&q->lock);
	return pushed;
}

void *
queue_pop(struct queue *q)
{
	void *item = NULL;

	pthread_mutex_lock(&q->lock);
	while (q->n == 0 && !q->closed && !q->aborted)
		pthread_cond_wait(&q->not_empty, &q->lock);
	if (q->n > 0 && !q->aborted) {
		item = q->slots[q->head].item;
		q->bytes -= q->slots[q->head].bytes;
		q->head = (q->head + 1) % q->max_items;
		q->n--;
		/* Items differ in size: one that is too large may wait beside
		 * one that fits, so everybody looks. */
		pthread_cond_broadcast(&q->not_full);
	}
	pthread_mutex_unlock(&q->lock);
	return item;
}

static void
end(struct queue *q, bool *flag)
{

	pthread_mutex_lock(&q->lock);
	*flag = true;
	pthread_cond_broadcast(&q->not_empty);
	pthread_cond_broadcast(&q->not_full);
	pthread_mutex_unlock(&q->lock);
}

void
queue_close(struct queue *q)
{

	end(q, &q->closed);
}

void
queue_abort(struct queue *q)
{

	end(q, &q->aborted);
}

bool
queue_aborted(struct queue *q)
{
	bool aborted;

	pthread_mutex_lock(&q->lock);
	aborted = q->aborted;
	pthread_mutex_unlock(&q->lock);
	return aborted;
}
