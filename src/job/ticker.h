/*
 * The thread that tells the caller about the progress, twice a second, and
 * carries log lines to it.  It runs from ticker_new() to ticker_free(), which
 * tells the final state once more.
 */
#ifndef JOB_TICKER_H
#define JOB_TICKER_H

#include "base/progress.h"
#include "spaceferry.h"

struct ticker;

/* Hands one log line to the caller, never while it is told of the progress. */
void ticker_log(struct ticker *t, enum spaceferry_level level,
    const char *line);

/* The same for a difference, a check, a snapshot. */
void ticker_difference(struct ticker *t,
    const struct spaceferry_difference *d);
void ticker_check(struct ticker *t, const struct spaceferry_check *c);
void ticker_snapshot(struct ticker *t, const struct spaceferry_snapshot *s);

/* callbacks and progress must outlive the ticker.  NULL when a thread cannot
 * be started. */
struct ticker *ticker_new(const struct spaceferry_callbacks *callbacks,
    struct progress *progress);
void ticker_free(struct ticker *t);	/* NULL is allowed */

#endif
