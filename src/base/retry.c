#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/cancel.h"
#include "base/log.h"
#include "base/retry.h"

#define FIRST_WAIT_MS 100
#define LONGEST_WAIT_MS 10000
#define WORTH_TELLING_MS 2000	/* an outage that is told to be over */
#define ATTEMPT_MS 10000	/* one that lasts longer gets somewhere */
#define PLACES 32		/* more than that wait unseen */

/* Who waits, and for what. */
static struct {
	pthread_mutex_t lock;
	unsigned n;
	struct place {
		uint64_t since;		/* first failure; 0: free */
		uint64_t until;		/* the next attempt begins */
		uint64_t patience_ms;
		char reason[sizeof(((struct retry_view *)NULL)->reason)];
	} v[PLACES];
} waiting = { .lock = PTHREAD_MUTEX_INITIALIZER };

void
retry_init(struct retry *r, uint64_t patience_ms)
{

	r->patience_ms = patience_ms;
	r->first_failure = 0;
	r->attempts = 0;
	r->place = 0;
}

/* True for the first of all who wait now: the others would say the same. */
static bool
take_place(struct retry *r, uint64_t wait_ms, const struct err *err)
{
	bool first = false;
	unsigned i;

	pthread_mutex_lock(&waiting.lock);
	for (i = 0; r->place == 0 && i < PLACES; i++) {
		if (waiting.v[i].since == 0) {
			r->place = i + 1;
			first = waiting.n++ == 0;
		}
	}
	if (r->place != 0) {
		struct place *p = &waiting.v[r->place - 1];

		p->since = r->first_failure;
		p->until = cancel_now() + wait_ms * 1000000;
		p->patience_ms = r->patience_ms;
		snprintf(p->reason, sizeof(p->reason), "%.*s",
		    (int)sizeof(p->reason) - 1, err->message);
	}
	pthread_mutex_unlock(&waiting.lock);
	return first;
}

/* True when nobody waits any longer. */
static bool
leave_place(struct retry *r)
{
	bool last;

	if (r->place == 0)
		return false;
	pthread_mutex_lock(&waiting.lock);
	waiting.v[r->place - 1].since = 0;
	last = --waiting.n == 0;
	pthread_mutex_unlock(&waiting.lock);
	r->place = 0;
	return last;
}

static uint64_t
waited_ms(uint64_t since)
{

	return (cancel_now() - since) / 1000000;
}

void
retry_reset(struct retry *r)
{
	uint64_t waited = r->first_failure != 0 ?
	    waited_ms(r->first_failure) : 0;

	if (leave_place(r) && waited >= WORTH_TELLING_MS)
		log_info("going on after %llu s",
		    (unsigned long long)(waited / 1000));
	r->first_failure = 0;
	r->attempts = 0;
}

void
retry_end(struct retry *r)
{

	leave_place(r);
}

bool
retry_waiting(struct retry_view *v)
{
	const struct place *longest = NULL;
	uint64_t now = cancel_now();
	unsigned i;

	pthread_mutex_lock(&waiting.lock);
	for (i = 0; i < PLACES; i++) {
		if (waiting.v[i].since != 0 && (now < waiting.v[i].until ||
		    now - waiting.v[i].until < ATTEMPT_MS * 1000000ULL) &&
		    (longest == NULL ||
		    waiting.v[i].since < longest->since))
			longest = &waiting.v[i];
	}
	if (longest != NULL) {
		snprintf(v->reason, sizeof(v->reason), "%s", longest->reason);
		v->waited_ms = waited_ms(longest->since);
		v->patience_ms = longest->patience_ms;
	}
	pthread_mutex_unlock(&waiting.lock);
	return longest != NULL;
}

/* Full jitter: anything between half and the whole of the capped wait. */
static uint64_t
next_wait(unsigned attempts)
{
	unsigned shift = attempts < 8 ? attempts : 8;
	uint64_t wait = (uint64_t)FIRST_WAIT_MS << shift;
	struct timespec ts;

	if (wait > LONGEST_WAIT_MS)
		wait = LONGEST_WAIT_MS;
	clock_gettime(CLOCK_REALTIME, &ts);
	return wait / 2 + (uint64_t)ts.tv_nsec / 1000 % (wait / 2 + 1);
}

/* False when there is no time left to wait. */
static bool
choose_wait(struct retry *r, uint64_t least_ms, uint64_t *wait)
{
	uint64_t waited;

	if (r->first_failure == 0)
		r->first_failure = cancel_now();
	waited = waited_ms(r->first_failure);
	if (waited >= r->patience_ms)
		return false;
	*wait = next_wait(r->attempts++);
	if (*wait < least_ms)
		*wait = least_ms;
	if (*wait > r->patience_ms - waited)
		*wait = r->patience_ms - waited;
	return true;
}

bool
retry_wait(struct retry *r, const char *what, uint64_t least_ms,
    struct err *err)
{
	uint64_t wait;

	if (err_retryable(err->kind) && !cancel_requested() &&
	    choose_wait(r, least_ms, &wait)) {
		if (take_place(r, wait, err))
			log_info("%s: %s; trying again for %llu s", what,
			    err->message,
			    (unsigned long long)(r->patience_ms + 999) / 1000);
		else
			log_debug("%s: %s; trying again in %llu ms", what,
			    err->message, (unsigned long long)wait);
		if (cancel_sleep(wait))
			return true;
	}
	leave_place(r);
	if (!err_retryable(err->kind))
		return false;
	if (cancel_requested())
		return cancel_err(err);
	if (err->hint[0] == '\0')
		err_hint(err, "the same command goes on from here once that is "
		    "over; --patience DURATION waits longer");
	return false;
}
