/*
 * What differs, document by document: both sides are read once more as pairs
 * of hashes (_id, document), joined in memory, and only the documents that
 * differ are named.
 *
 * Memory is bounded whatever the number of documents: where not all pairs fit,
 * a first pass sums the documents of each side into buckets by the hash of
 * their _id; only buckets whose sums differ are looked into, as many at a time
 * as fit.
 */
#ifndef JOB_DRILL_H
#define JOB_DRILL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "job/job.h"
#include "job/move.h"

/* One document of move m, as it must be (source) or is (target). */
typedef bool drill_fn(void *arg, const struct move *m, const uint8_t *doc,
    size_t len, const struct tally *t, struct err *err);

/* How a side is read: all of it, every time it is called. */
struct drill_side {
	bool (*read)(void *arg, drill_fn *each, void *each_arg,
	    struct err *err);
	void *arg;
	uint64_t count;		/* how many documents it has, about */
};

struct drill {
	struct job *job;
	struct data *data;	/* whose lock guards the moves' counters */
	size_t memory;		/* bytes for pairs */
	struct drill_side source;
	struct drill_side target;
};

/* Adds to the moves' missing, extra, different (or kept) and names them.
 * *told says whether anything was (until then it may be run again).  Blocks. */
bool drill_run(const struct drill *d, bool *told, struct err *err);

#endif
