/*
 * The one flag that says "stop": set by a signal handler or by a program that
 * embeds the library, read by every loop that may last.  Also the clock that
 * such loops wait by.
 */
#ifndef BASE_CANCEL_H
#define BASE_CANCEL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

/* Asks every loop to stop.  Async-signal-safe; never undone by it. */
void cancel_request(void);

/* True once somebody asked. */
bool cancel_requested(void);

/* Forgets the request: between two jobs of one process. */
void cancel_reset(void);

/* Sleeps ms milliseconds, or until a stop is requested (within 100 ms).
 * False when it was cut short. */
bool cancel_sleep(uint64_t ms);

/* Fills *err with ERR_CANCELLED "interrupted" and returns false. */
bool cancel_err(struct err *err);

/* Monotonic time in nanoseconds. */
uint64_t cancel_now(void);

#endif
