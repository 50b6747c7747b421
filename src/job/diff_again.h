/*
 * Looks at one document once more, on both sides of a diff between two MongoDBs
 * one of which is written to meanwhile.
 *
 * One thread at a time.
 */
#ifndef JOB_DIFF_AGAIN_H
#define JOB_DIFF_AGAIN_H

#include <stdbool.h>

#include "base/digest.h"
#include "base/err.h"
#include "job/drill.h"

#define DIFF_AGAIN_PAUSE_MS 50	/* between two looks */

struct diff_again;

/* *again NULL, which is no error: an end is no MongoDB, or --query chooses the
 * documents.  Blocks. */
bool diff_again_open(struct diff_again **again, struct job *job,
    struct data *data, struct err *err);
void diff_again_close(struct diff_again *a);	/* NULL is allowed */

/* False when neither side was written to since diff_again_open(), as far as
 * both tell: what was read until now needs no second look. */
bool diff_again_needed(struct diff_again *a);

/* Whether documents of m can be fetched one by one. */
bool diff_again_may(const struct move *m);

/* Reads n documents of one collection from both sides, now: *same is true for
 * each that is on both sides as found has it.  The others, all of them where this
 * cannot be asked, are for diff_again_look().  found->source and ->target are
 * the first look, so that what is same was seen so twice.  Blocks. */
bool diff_again_same(struct diff_again *a, const struct drill_found *found,
    size_t n, bool *same, struct err *err);

/* A look at both sides, kept as digests. */
struct diff_seen {
	struct digest source, target;
};

/* Fetches f's document from both sides, once.  Whoever has glanced at many waits
 * DIFF_AGAIN_PAUSE_MS once for all of them. */
bool diff_again_glance(struct diff_again *a, const struct drill_found *f,
    struct diff_seen *seen, struct err *err);

/* Fetches f's document from both sides, now, until two looks in a row agree, the
 * first of which is seen (or it never holds still), and sets verdict, source and
 * target to what was seen last; they live until the next call. */
bool diff_again_look(struct diff_again *a, struct drill_found *f,
    const struct diff_seen *seen, struct err *err);

#endif
