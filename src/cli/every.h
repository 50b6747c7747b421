/*
 * backup --every: one run after another, for places without cron or timers.
 *
 * A run starts that long after the start of the one before; one that lasted longer
 * is followed at once.  The second one, and so all that follow, start later by a
 * jitter of up to a tenth, at most EVERY_JITTER_MS, that is always the same for one
 * machine and repository: a hundred machines that were started together do not
 * come together.  Time is measured by a clock that nobody sets, and that goes on
 * while the machine sleeps.
 *
 * Order: every_init(); then every_begin() before each run, and every_wait().
 */
#ifndef CLI_EVERY_H
#define CLI_EVERY_H

#include <stdbool.h>
#include <stdint.h>

#define EVERY_JITTER_MS ((uint64_t)30 * 60 * 1000)

struct every {
	uint64_t period_ms;
	uint64_t jitter_ms;	/* before the second run; 0 afterwards */
	uint64_t started_ns;	/* the last run, of wake_boot_ns() */
};

/* what: with the machine it decides upon the jitter. */
void every_init(struct every *e, uint64_t period_ms, const char *what);

/* A run starts now. */
void every_begin(struct every *e);

/* How long to wait from now on until the next one; 0: it is due. */
uint64_t every_left_ms(const struct every *e);

/* Waits until the next one is due.  False as soon as a stop is requested. */
bool every_wait(struct every *e);

/* The local time of day that lies so far ahead: "2026-11-23 22:10:31". */
#define EVERY_TIME_SIZE 32
void every_time(uint64_t ahead_ms, char out[EVERY_TIME_SIZE]);

#endif
