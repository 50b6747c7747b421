/*
 * Reads an archive as verification sees a side: the source after rewriting, the
 * target as it is; one pass over it, whatever the number of collections.
 */
#ifndef JOB_ARCHIVE_SIDE_H
#define JOB_ARCHIVE_SIDE_H

#include <stdbool.h>

#include "base/err.h"
#include "bson/rewrite.h"
#include "job/drill.h"
#include "job/job.h"
#include "job/links.h"
#include "job/move.h"

struct archive_side {
	struct job *job;
	struct data *data;
	bool is_source;
	const bool *selected;	/* one per move; NULL: all of them */
	struct links *links;	/* NULL: links are not looked up */
	struct rewrite_counts *counts; /* one per move, added to; may be NULL */
	/* Is told what is left out; may be NULL. */
	bool (*too_large)(void *arg, struct move *m, const uint8_t *doc,
	    size_t len, struct err *err);
	void *too_large_arg;
};

/* Tells each document of the selected moves.  Documents too large after
 * rewriting: as side_read() has it.  Blocks. */
bool archive_side_read(const struct archive_side *side, drill_fn *each,
    void *arg, struct err *err);

/* The number of the move that collection c of an archive is, on this side;
 * n_moves when it was not chosen. */
size_t archive_side_find(const struct data *d, bool is_source,
    const struct archive_collection *c);

#endif
