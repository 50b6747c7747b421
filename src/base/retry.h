/*
 * How long and how often something is tried again: capped exponential backoff
 * with jitter, until the patience given by the user is used up.  One struct
 * retry per operation; success is told with retry_reset().
 */
#ifndef BASE_RETRY_H
#define BASE_RETRY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct retry {
	uint64_t patience_ms;	/* total time since the first failure */
	uint64_t first_failure;	/* cancel_now() then, 0 if none yet */
	unsigned attempts;	/* failures since the last success */
};

void retry_init(struct retry *r, uint64_t patience_ms);

/* The operation succeeded: the next failure starts a new count. */
void retry_reset(struct retry *r);

/* Decides after a failure: false, with *err as it was, when err is not
 * retryable or the patience is used up; false with ERR_CANCELLED when a stop
 * was requested; true after having waited.  least_ms is a wait that the peer
 * asked for (Retry-After), 0 for none.  what names the operation for the log
 * ("insert into db.c"). */
bool retry_wait(struct retry *r, const char *what, uint64_t least_ms,
    struct err *err);

#endif
