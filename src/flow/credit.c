#include <pthread.h>
#include <stdlib.h>

#include "flow/credit.h"

struct credit {
	pthread_mutex_t lock;
	pthread_cond_t freed;
	size_t limit;
	size_t taken;
	bool aborted;
};

struct credit *
credit_new(size_t limit)
{
	struct credit *c;

	if ((c = calloc(1, sizeof(*c))) == NULL)
		goto fail;
	if (pthread_mutex_init(&c->lock, NULL) != 0)
		goto fail_c;
	if (pthread_cond_init(&c->freed, NULL) != 0)
		goto fail_lock;
	c->limit = limit;
	return c;

fail_lock:
	pthread_mutex_destroy(&c->lock);
fail_c:
	free(c);
fail:
	return NULL;
}

void
credit_free(struct credit *c)
{

	if (c == NULL)
		return;
	pthread_cond_destroy(&c->freed);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

static bool
fits(const struct credit *c, size_t bytes)
{

	return c->taken == 0 ||
	    (c->taken < c->limit && bytes <= c->limit - c->taken);
}

bool
credit_take(struct credit *c, size_t bytes)
{
	bool granted;

	pthread_mutex_lock(&c->lock);
	while (!c->aborted && !fits(c, bytes))
		pthread_cond_wait(&c->freed, &c->lock);
	granted = !c->aborted;
	if (granted)
		c->taken += bytes;
	pthread_mutex_unlock(&c->lock);
	return granted;
}

void
credit_take_now(struct credit *c, size_t bytes)
{

	pthread_mutex_lock(&c->lock);
	c->taken += bytes;
	pthread_mutex_unlock(&c->lock);
}

void
credit_give(struct credit *c, size_t bytes)
{

	pthread_mutex_lock(&c->lock);
	c->taken -= bytes;
	pthread_cond_broadcast(&c->freed);
	pthread_mutex_unlock(&c->lock);
}

void
credit_abort(struct credit *c)
{

	pthread_mutex_lock(&c->lock);
	c->aborted = true;
	pthread_cond_broadcast(&c->freed);
	pthread_mutex_unlock(&c->lock);
}
