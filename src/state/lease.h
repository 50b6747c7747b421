/*
 * One run at a time, where no flock(2) reaches: an object of a store that
 * names who holds it (docs/FORMAT.md, "Lock").  It is made where there is none
 * (If-None-Match), renewed by a thread of its own (If-Match), and lapses when it
 * was not renewed for LEASE_MS; then the next run takes it over.  A wrong clock
 * on either machine does no harm: whether a lease lapsed is judged by watching
 * it, or by the store's own clock alone, once that has shown that it goes right.
 *
 * A holder whose lease was taken, or could not be renewed for so long, must
 * write nothing more: lease_held() is false from then on, and a stop of the
 * program is requested (base/cancel.h), so that everything else ends too.
 *
 * Order: lease_take() waits and starts the thread; lease_held() before each
 * write, from any thread; lease_free() gives the lease back.
 */
#ifndef STATE_LEASE_H
#define STATE_LEASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "store/store.h"

#define LEASE_MS ((uint64_t)30000)
#define LEASE_RENEW_MS ((uint64_t)10000)

struct lease;

struct lease_options {
	struct store *store;	/* outlives the lease.  Its requests are to go
				 * on after a stop (despite_cancel) and to be
				 * given up soon (stall_seconds, no patience) */
	const char *key;	/* of the object; copied */
	uint64_t patience_ms;	/* to wait for another run */
	uint64_t lapse_ms;	/* 0: LEASE_MS */
	uint64_t renew_ms;	/* 0: LEASE_RENEW_MS */
};

/* Waits until the lease is ours.  NULL with *err: ERR_LOCKED (names the
 * holder), ERR_CANCELLED, or what the store said. */
struct lease *lease_take(const struct lease_options *options, struct err *err);

/* Gives it back, if it is still ours; waits for a renewal under way.  NULL is
 * allowed. */
void lease_free(struct lease *l);

/* False with ERR_LOCKED once it was lost, for good.  Does not block. */
bool lease_held(struct lease *l, struct err *err);

/* Whether the store minds If-None-Match and If-Match, as tried out on the lease
 * itself. */
bool lease_store_creates(const struct lease *l);
bool lease_store_matches(const struct lease *l);

/* What a waiting run has seen of somebody else's lease; zero-filled at first. */
struct lease_watch {
	uint8_t seen[32];	/* digest of the object's contents */
	uint64_t since_ns;	/* of the waiter's clock */
	bool any;
};

/* One look: contents is what the object holds, age_ns how old it is by the
 * store's own clock (INT64_MIN: it does not say).  True when the lease has
 * lapsed: unchanged for lapse_ms of the waiter's own time, or older than that
 * and a second by the store's clock. */
bool lease_watch_lapsed(struct lease_watch *w, const struct buf *contents,
    int64_t age_ns, uint64_t now_ns, uint64_t lapse_ms);

#endif
