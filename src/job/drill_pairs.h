/*
 * The documents of one side as pairs of hashes, and what becomes of each when
 * the sides are joined.  Documents of one _id (a time-series may have several)
 * are paired in the order of their hashes.
 *
 * Order: drill_pairs_reserve(), drill_pairs_add(), drill_pairs_join() of both
 * sides, then any number of passes: drill_pairs_rewind(), drill_pairs_take()
 * for each document met.
 */
#ifndef JOB_DRILL_PAIRS_H
#define JOB_DRILL_PAIRS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"

/* A document of one side: who it is, what is in it. */
struct drill_pair {
	struct digest id;	/* of collection and _id */
	struct digest doc;
	uint8_t verdict;	/* enum drill_verdict */
	bool told;
	bool met;		/* in this pass */
};

struct drill_pairs {
	struct drill_pair *v;
	size_t n;
	size_t cap;
	size_t max;		/* of cap */
};

/* Empties p and makes room for about n.  False when out of memory. */
bool drill_pairs_reserve(struct drill_pairs *p, uint64_t n);
void drill_pairs_free(struct drill_pairs *p);

/* False when there are many more than were foreseen: the side is written to. */
bool drill_pairs_add(struct drill_pairs *p, struct digest id, struct digest doc);

/* Sorts both and judges each pair. */
void drill_pairs_join(struct drill_pairs *source, struct drill_pairs *target);

/* Begins a pass. */
void drill_pairs_rewind(struct drill_pairs *p);

/* The pair of a document that is met in this pass: the one with these bytes,
 * else (it was changed since) one with this _id; each at most once.  NULL when
 * there is none. */
struct drill_pair *drill_pairs_take(struct drill_pairs *p, struct digest id,
    struct digest doc);

/* How many of those that are not the same were not told.  A different one is
 * the source's to tell. */
uint64_t drill_pairs_untold(const struct drill_pairs *p, bool is_source);

#endif
