#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/progress.h"

struct progress_item {
	const char *phase;
	char *name;
	atomic_uint_least64_t items;
	atomic_uint_least64_t items_total;
	atomic_uint_least64_t bytes;
	atomic_uint_least64_t bytes_total;
	atomic_bool finished;
};

struct progress {
	pthread_mutex_t lock;	/* guards the list, not the items */
	struct progress_item **items;
	size_t n;
};

struct progress *
progress_new(void)
{
	struct progress *p;

	if ((p = calloc(1, sizeof(*p))) == NULL)
		return NULL;
	if (pthread_mutex_init(&p->lock, NULL) != 0) {
		free(p);
		return NULL;
	}
	return p;
}

void
progress_free(struct progress *p)
{
	size_t i;

	if (p == NULL)
		return;
	for (i = 0; i < p->n; i++) {
		free(p->items[i]->name);
		free(p->items[i]);
	}
	free(p->items);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

static bool
append(struct progress *p, struct progress_item *item)
{
	struct progress_item **grown;

	pthread_mutex_lock(&p->lock);
	grown = realloc(p->items, (p->n + 1) * sizeof(struct progress_item *));
	if (grown != NULL) {
		p->items = grown;
		grown[p->n++] = item;
	}
	pthread_mutex_unlock(&p->lock);
	return grown != NULL;
}

struct progress_item *
progress_item_new(struct progress *p, const char *phase, const char *name)
{
	struct progress_item *item;

	if ((item = calloc(1, sizeof(*item))) == NULL)
		goto fail;
	item->phase = phase;
	if ((item->name = strdup(name)) == NULL)
		goto fail_item;
	if (!append(p, item))
		goto fail_name;
	return item;

fail_name:
	free(item->name);
fail_item:
	free(item);
fail:
	return NULL;
}

void
progress_item_total(struct progress_item *item, uint64_t items, uint64_t bytes)
{

	if (item == NULL)
		return;
	atomic_store(&item->items_total, items);
	atomic_store(&item->bytes_total, bytes);
}

void
progress_item_add(struct progress_item *item, uint64_t items, uint64_t bytes)
{

	if (item == NULL)
		return;
	atomic_fetch_add_explicit(&item->items, items, memory_order_relaxed);
	atomic_fetch_add_explicit(&item->bytes, bytes, memory_order_relaxed);
}

void
progress_item_finish(struct progress_item *item)
{

	if (item != NULL)
		atomic_store(&item->finished, true);
}

static void
view_item(struct progress_item *item, struct progress_view *v)
{

	/* First: who is seen as finished is seen with all that was added. */
	v->finished = atomic_load(&item->finished);
	v->phase = item->phase;
	v->name = item->name;
	v->items = atomic_load(&item->items);
	v->items_total = atomic_load(&item->items_total);
	v->bytes = atomic_load(&item->bytes);
	v->bytes_total = atomic_load(&item->bytes_total);
}

size_t
progress_snapshot(struct progress *p, struct progress_view *views, size_t max)
{
	size_t i, n = 0, surplus;

	pthread_mutex_lock(&p->lock);
	surplus = p->n > max ? p->n - max : 0;
	for (i = 0; i < p->n && n < max; i++) {
		view_item(p->items[i], &views[n]);
		if (views[n].finished && surplus > 0)
			surplus--;
		else
			n++;
	}
	pthread_mutex_unlock(&p->lock);
	return n;
}
