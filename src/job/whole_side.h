/*
 * One side of a comparison by whole collections: the ranges of a MongoDB, read
 * by several threads, or a pass over an archive.
 *
 * Order: whole_side_open(), whole_side_sum() by a pipeline, then
 * whole_side_read() any number of times from one thread, whole_side_close().
 */
#ifndef JOB_WHOLE_SIDE_H
#define JOB_WHOLE_SIDE_H

#include <stdatomic.h>
#include <stdbool.h>

#include "base/err.h"
#include "job/drill.h"
#include "job/part.h"
#include "job/verify_data.h"

struct whole_side {
	struct verify_data *v;
	struct end *end;
	bool is_source;
	struct part **parts;	/* of a MongoDB: what is read */
	size_t n_parts;
	struct part *own;	/* those that are not the moves' */
	atomic_size_t next;
	const bool *selected;	/* whole_side_read(): only these moves */
	bool now;		/* the source's history is gone: read what is
				 * there now */
	bool anew;		/* whole_side_read() failed for that reason */
};

/* is_source: of v's data.  A MongoDB is asked for ranges (the target; the
 * source's are in the moves).  Blocks.  False with *err; whole_side_close() is
 * to be called all the same. */
bool whole_side_open(struct whole_side *s, struct verify_data *v,
    bool is_source, struct err *err);
void whole_side_close(struct whole_side *s);

/* How many threads whole_side_sum() may run with. */
unsigned whole_side_threads(const struct whole_side *s);

/* pipeline_fn, arg is the struct whole_side: adds up each move's source or
 * target tally (and the rewriting's counters). */
bool whole_side_sum(void *arg, unsigned worker, struct err *err);

/* For struct drill_side, arg likewise: one by one. */
bool whole_side_read(void *arg, drill_fn *each, void *each_arg,
    struct err *err);

#endif
