/*
 * What differs, document by document: both sides are read once more as pairs
 * of hashes (_id, document), joined in memory, and only the documents that
 * differ are told.
 *
 * Memory is bounded whatever the number of documents: where not all pairs fit,
 * a first pass sums the documents of each side into buckets by the hash of
 * their _id; only buckets whose sums differ are looked into, as many at a time
 * as fit.  Where the teller wants both documents of those that differ, the
 * source's are held meanwhile; what does not fit is left to one more pass.
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

enum drill_verdict {
	DRILL_SAME,
	DRILL_MISSING,		/* on the source only */
	DRILL_EXTRA,		/* on the target only */
	DRILL_DIFFERENT
};

/* One document that is not the same on both sides.  The bytes are those that
 * are compared (transform.h) and live for the call. */
struct drill_found {
	struct move *move;
	enum drill_verdict verdict;
	const uint8_t *source;	/* NULL: extra */
	size_t source_len;
	const uint8_t *target;	/* NULL: missing; of a different one also where
				 * the teller does not want both */
	size_t target_len;
};

/* Whom it is told, from the thread that drills. */
struct drill_teller {
	bool both;		/* a different document with the target's too */
	bool later;		/* both sides are compared once more after this:
				 * what changed meanwhile need not be named */
	bool (*found)(void *arg, const struct drill_found *f, struct err *err);
	void *arg;
};

struct drill {
	struct job *job;
	struct data *data;	/* whose lock guards the moves' counters */
	size_t memory;		/* bytes for pairs and held documents */
	struct drill_side source;
	struct drill_side target;
	const struct drill_teller *teller; /* NULL: drill_name.h */
};

/* What came of it. */
struct drill_result {
	bool told;		/* something was told: until then it may be run
				 * again */
	uint64_t unsettled;	/* differed when they were paired, and were
				 * changed or gone when they were to be told */
};

/* Tells each document that differs.  Blocks. */
bool drill_run(const struct drill *d, struct drill_result *result,
    struct err *err);

#endif
