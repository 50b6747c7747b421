#include <stdlib.h>
#include <time.h>

#include "base/cancel.h"
#include "base/log.h"
#include "base/retry.h"

#define FIRST_WAIT_MS 100
#define LONGEST_WAIT_MS 10000

void
retry_init(struct retry *r, uint64_t patience_ms)
{

	r->patience_ms = patience_ms;
	retry_reset(r);
}

void
retry_reset(struct retry *r)
{

	r->first_failure = 0;
	r->attempts = 0;
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

bool
retry_wait(struct retry *r, const char *what, uint64_t least_ms,
    struct err *err)
{
	uint64_t now = cancel_now(), waited, wait;

	if (!err_retryable(err->kind))
		return false;
	if (cancel_requested())
		return cancel_err(err);
	if (r->first_failure == 0)
		r->first_failure = now;
	waited = (now - r->first_failure) / 1000000;
	if (waited >= r->patience_ms)
		return false;
	wait = next_wait(r->attempts++);
	if (wait < least_ms)
		wait = least_ms;
	if (wait > r->patience_ms - waited)
		wait = r->patience_ms - waited;
	if (r->attempts == 1)
		log_info("%s: %s; trying again", what, err->message);
	else
		log_debug("%s: %s; trying again in %llu ms", what, err->message,
		    (unsigned long long)wait);
	if (!cancel_sleep(wait))
		return cancel_err(err);
	return true;
}
