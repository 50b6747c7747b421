#include <errno.h>
#include <stdatomic.h>
#include <time.h>

#include "base/cancel.h"

#define SLICE_MS 100

static atomic_bool requested;

void
cancel_request(void)
{

	atomic_store(&requested, true);
}

bool
cancel_requested(void)
{

	return atomic_load_explicit(&requested, memory_order_relaxed);
}

void
cancel_reset(void)
{

	atomic_store(&requested, false);
}

bool
cancel_sleep(uint64_t ms)
{

	while (ms > 0) {
		uint64_t slice = ms < SLICE_MS ? ms : SLICE_MS;
		struct timespec ts = { .tv_nsec = (long)slice * 1000000L };

		/* Signals that ask for nothing do not shorten it. */
		do {
			if (cancel_requested())
				return false;
		} while (nanosleep(&ts, &ts) != 0 && errno == EINTR);
		ms -= slice;
	}
	return !cancel_requested();
}

bool
cancel_err(struct err *err)
{

	err_set(err, ERR_CANCELLED, "interrupted");
	return err_hint(err, "run the same command again");
}

uint64_t
cancel_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000ULL + (uint64_t)ts.tv_nsec;
}
