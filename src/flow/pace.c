#include <pthread.h>
#include <stdlib.h>

#include "base/cancel.h"
#include "flow/pace.h"

#define SECOND_NS 1000000000ULL

struct pace {
	pthread_mutex_t lock;
	uint64_t bytes_per_second;
	uint64_t free_at_ns;	/* when what was granted will have passed */
};

struct pace *
pace_new(uint64_t bytes_per_second)
{
	struct pace *p;

	if ((p = calloc(1, sizeof(*p))) == NULL)
		return NULL;
	if (pthread_mutex_init(&p->lock, NULL) != 0) {
		free(p);
		return NULL;
	}
	p->bytes_per_second = bytes_per_second;
	return p;
}

void
pace_free(struct pace *p)
{

	if (p == NULL)
		return;
	pthread_mutex_destroy(&p->lock);
	free(p);
}

bool
pace_wait(struct pace *p, uint64_t bytes)
{
	uint64_t now, from;

	if (p->bytes_per_second == 0)
		return true;
	pthread_mutex_lock(&p->lock);
	now = cancel_now();
	from = p->free_at_ns > now ? p->free_at_ns : now;
	p->free_at_ns = from + (uint64_t)((double)bytes * SECOND_NS /
	    (double)p->bytes_per_second);
	pthread_mutex_unlock(&p->lock);
	return from == now || cancel_sleep((from - now) / 1000000 + 1);
}
