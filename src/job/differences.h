/*
 * The differences of a diff on their way to the caller: whoever finds one hands
 * it over here, whatever its kind, and --limit is minded.
 *
 * From any thread, between differences_init() and the end of the job's ticker.
 */
#ifndef JOB_DIFFERENCES_H
#define JOB_DIFFERENCES_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "job/job.h"

struct differences {
	struct job *job;
	uint64_t limit;		/* of lines; 0: none */
	atomic_uint_least64_t n; /* told, or not told for the limit */
};

/* Makes d the place where job's differences go. */
void differences_init(struct differences *d, struct job *job);

/* True while the limit is not reached: what is costly to describe need not be
 * described then. */
bool differences_wanted(const struct differences *d);

void differences_tell(struct differences *d,
    const struct spaceferry_difference *difference);

/* A file: type is "missing", "extra", "different"; source and target say in
 * words what is known of each, NULL for nothing. */
void differences_tell_file(struct differences *d, const char *store,
    const char *key, const char *type, const char *source,
    const char *target);

#endif
