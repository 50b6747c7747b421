/*
 * How long and how often something is tried again: capped exponential backoff
 * with jitter, until the patience given by the user is used up.  The patience
 * is for one outage: it counts from the first failure and begins anew after a
 * success.  One struct retry per operation; its success is told with
 * retry_reset(), any other end with retry_end().
 *
 * Whoever waits is known to retry_waiting(), so that the user can be told.
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
	unsigned place;		/* among those who wait, 0 if it is not there */
};

void retry_init(struct retry *r, uint64_t patience_ms);

/* The operation succeeded: the next failure starts a new count. */
void retry_reset(struct retry *r);

/* It ended for a reason that retry_wait() was not asked about. */
void retry_end(struct retry *r);

/* Decides after a failure: false, with *err as it was, when err is not
 * retryable or the patience is used up (it gets a hint then); false with ERR_CANCELLED when a stop
 * was requested; true after having waited.  least_ms is a wait that the peer
 * asked for (Retry-After), 0 for none.  what names the operation for the log
 * ("insert into db.c"). */
bool retry_wait(struct retry *r, const char *what, uint64_t least_ms,
    struct err *err);

/* The longest of the outages that are waited for now. */
struct retry_view {
	char reason[256];	/* the last failure's message, cut */
	uint64_t waited_ms;	/* since the first failure */
	uint64_t patience_ms;
};

/* False when nobody waits. */
bool retry_waiting(struct retry_view *v);

#endif
