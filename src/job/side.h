/*
 * Reads one partition of one side as verification sees it: the source after
 * rewriting, the target as it is; each document is handed on with its digest.
 */
#ifndef JOB_SIDE_H
#define JOB_SIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/err.h"
#include "job/moment.h"
#include "job/part.h"
#include "job/transform.h"

struct side {
	struct job *job;
	struct data *data;
	struct mongo_session *session;
	struct transform *transform;
	bool is_source;
	struct moment_read *at;	/* of the source, begun; NULL: now */
	/* Is told what is left out; may be NULL. */
	bool (*too_large)(void *arg, const uint8_t *doc, size_t len,
	    struct err *err);
	void *too_large_arg;
};

/* One document as it must be (source) or is (target), in the bytes that are
 * compared (transform.h).  False stops. */
typedef bool side_fn(void *arg, const uint8_t *doc, size_t len,
    const struct tally *t, struct err *err);

/* Reads p.  counts: rewriting's counters of the source side, may be NULL on
 * the target's.  Documents too large after rewriting are left out
 * by a migration, which has them in quarantine; for who compares they are as
 * they were.  each may
 * be NULL.  *sum gets the tally of all.  Blocks.  False with at->anew: start
 * over. */
bool side_read(const struct side *side, const struct part *p,
    struct rewrite_counts *counts, struct tally *sum, side_fn *each, void *arg,
    struct err *err);

#endif
