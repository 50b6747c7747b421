#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "flow/stretch.h"

/* An operation that takes longer is worth a trial: local ones take a tenth. */
#define SLOW_NS 400000000ULL
#define SAMPLES 2		/* before anything is concluded */
#define GAIN 1.25		/* in bytes a second, for a larger size to stay */
#define REST 64			/* batches until the next trial */

struct stretch {
	pthread_mutex_t lock;
	atomic_uint now;
	unsigned most;
	unsigned rest;		/* batches to pass before another trial */
	double before;		/* bytes a nanosecond at half of now; 0: no trial */
	/* what was told since the last change */
	unsigned n;
	uint64_t bytes;
	uint64_t ns;
};

struct stretch *
stretch_new(unsigned most)
{
	struct stretch *s;

	if ((s = calloc(1, sizeof(*s))) == NULL)
		return NULL;
	if (pthread_mutex_init(&s->lock, NULL) != 0) {
		free(s);
		return NULL;
	}
	atomic_init(&s->now, 1);
	s->most = most;
	return s;
}

void
stretch_free(struct stretch *s)
{

	if (s == NULL)
		return;
	pthread_mutex_destroy(&s->lock);
	free(s);
}

unsigned
stretch_now(const struct stretch *s)
{

	return atomic_load(&s->now);
}

/* Draws the conclusion from SAMPLES batches of one size. */
static void
conclude(struct stretch *s)
{
	unsigned now = atomic_load(&s->now);
	double rate = (double)s->bytes / (double)s->ns;

	if (s->before > 0 && rate < GAIN * s->before) {
		atomic_store(&s->now, now / 2);
		s->before = 0;
		s->rest = REST;
		return;
	}
	s->before = 0;
	if (s->ns / s->n > SLOW_NS && now <= s->most / 2 && s->rest == 0) {
		s->before = rate;
		atomic_store(&s->now, now * 2);
	}
}

void
stretch_tell(struct stretch *s, size_t bytes, uint64_t ns)
{

	pthread_mutex_lock(&s->lock);
	if (s->rest > 0)
		s->rest--;
	s->n++;
	s->bytes += bytes;
	s->ns += ns > 0 ? ns : 1;
	if (s->n == SAMPLES) {
		conclude(s);
		s->n = 0;
		s->bytes = 0;
		s->ns = 0;
	}
	pthread_mutex_unlock(&s->lock);
}
