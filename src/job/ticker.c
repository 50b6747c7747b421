#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/retry.h"
#include "base/wake.h"
#include "job/ticker.h"

#define INTERVAL_MS 500
#define VIEWS_MAX 2048		/* what is finished is told till the end */

struct ticker {
	const struct spaceferry_callbacks *callbacks;
	struct progress *progress;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t stop_asked;
	bool stop;
	pthread_mutex_t telling; /* the caller is called once at a time */
	/* The thread's own: */
	struct progress_view views[VIEWS_MAX];
	struct spaceferry_progress shown[VIEWS_MAX + 1];
};

static void
tell(struct ticker *t)
{
	struct progress_view *views = t->views;
	struct spaceferry_progress *shown = t->shown;
	struct retry_view waiting;
	size_t i, n, first = 0;

	if (t->callbacks->progress == NULL)
		return;
	if (retry_waiting(&waiting)) {
		shown[first++] = (struct spaceferry_progress){
			.phase = "waiting",
			.name = waiting.reason,
			.items = waiting.waited_ms / 1000,
			.items_total = waiting.patience_ms / 1000,
		};
	}
	n = progress_snapshot(t->progress, views, VIEWS_MAX);
	for (i = 0; i < n; i++) {
		shown[first + i] = (struct spaceferry_progress){
			.phase = views[i].phase,
			.name = views[i].name,
			.items = views[i].items,
			.items_total = views[i].items_total,
			.bytes = views[i].bytes,
			.bytes_total = views[i].bytes_total,
			.finished = views[i].finished,
		};
	}
	pthread_mutex_lock(&t->telling);
	t->callbacks->progress(t->callbacks->arg, shown,
	    first + n);
	pthread_mutex_unlock(&t->telling);
}

void
ticker_log(struct ticker *t, enum spaceferry_level level, const char *line)
{

	if (t->callbacks->log == NULL)
		return;
	pthread_mutex_lock(&t->telling);
	t->callbacks->log(t->callbacks->arg, level, line);
	pthread_mutex_unlock(&t->telling);
}

void
ticker_difference(struct ticker *t, const struct spaceferry_difference *d)
{

	if (t->callbacks->difference == NULL)
		return;
	pthread_mutex_lock(&t->telling);
	t->callbacks->difference(t->callbacks->arg, d);
	pthread_mutex_unlock(&t->telling);
}

void
ticker_check(struct ticker *t, const struct spaceferry_check *c)
{

	if (t->callbacks->check == NULL)
		return;
	pthread_mutex_lock(&t->telling);
	t->callbacks->check(t->callbacks->arg, c);
	pthread_mutex_unlock(&t->telling);
}

void
ticker_snapshot(struct ticker *t, const struct spaceferry_snapshot *s)
{

	if (t->callbacks->snapshot == NULL)
		return;
	pthread_mutex_lock(&t->telling);
	t->callbacks->snapshot(t->callbacks->arg, s);
	pthread_mutex_unlock(&t->telling);
}

static void *
ticker_main(void *arg)
{
	struct ticker *t = arg;

	pthread_mutex_lock(&t->lock);
	while (!t->stop) {
		wake_wait(&t->stop_asked, &t->lock, INTERVAL_MS);
		pthread_mutex_unlock(&t->lock);
		tell(t);
		pthread_mutex_lock(&t->lock);
	}
	pthread_mutex_unlock(&t->lock);
	return NULL;
}

struct ticker *
ticker_new(const struct spaceferry_callbacks *callbacks,
    struct progress *progress)
{
	struct ticker *t;

	if ((t = calloc(1, sizeof(*t))) == NULL)
		goto fail;
	t->callbacks = callbacks;
	t->progress = progress;
	if (pthread_mutex_init(&t->lock, NULL) != 0)
		goto fail_t;
	if (!wake_init(&t->stop_asked))
		goto fail_lock;
	if (pthread_mutex_init(&t->telling, NULL) != 0)
		goto fail_cond;
	if (pthread_create(&t->thread, NULL, ticker_main, t) != 0)
		goto fail_telling;
	return t;

fail_telling:
	pthread_mutex_destroy(&t->telling);
fail_cond:
	pthread_cond_destroy(&t->stop_asked);
fail_lock:
	pthread_mutex_destroy(&t->lock);
fail_t:
	free(t);
fail:
	return NULL;
}

void
ticker_free(struct ticker *t)
{

	if (t == NULL)
		return;
	pthread_mutex_lock(&t->lock);
	t->stop = true;
	pthread_cond_signal(&t->stop_asked);
	pthread_mutex_unlock(&t->lock);
	pthread_join(t->thread, NULL);
	pthread_mutex_destroy(&t->telling);
	pthread_cond_destroy(&t->stop_asked);
	pthread_mutex_destroy(&t->lock);
	free(t);
}
