/*
 * Moves documents: readers =q= rewriters =q= writers, in bounded memory.  Each
 * partition is marked done in the journal when the last of its batches is
 * acknowledged.  The dry run is the same pipeline with writers that write
 * nothing.
 */
#ifndef JOB_COPY_H
#define JOB_COPY_H

#include <stdbool.h>

#include "base/err.h"
#include "job/archive_out.h"
#include "job/job.h"
#include "job/links.h"
#include "job/move.h"
#include "state/journal.h"
#include "state/quarantine.h"

/* An archive is written to so many collections at a time, at most: whoever
 * reads it has as many open. */
#define COPY_OPEN_MAX 4

struct copy {
	struct job *job;
	struct data *data;
	struct journal *journal;	/* NULL: keep none (dry run) */
	struct quarantine *quarantine;	/* NULL: only count (dry run) */
	struct links *links;
	struct archive_out *out;	/* the target is an archive: begun;
					 * NULL: it is a MongoDB */
	bool write;			/* false: dry run */
	bool ours;			/* the target's namespaces were empty:
					 * what is there is ours */
};

/* Copies every partition that is not done.  Blocks.  False with *err when the
 * run cannot go on; what was done stays recorded. */
bool copy_run(struct copy *c, struct err *err);

#endif
