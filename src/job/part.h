/*
 * The partitions of a collection as a job works on them: a range of _id, what
 * must be on the target, and how far it is.  With a journal they are made once
 * and found again after an interruption.
 */
#ifndef JOB_PART_H
#define JOB_PART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/err.h"
#include "job/job.h"
#include "job/move.h"
#include "mongo/source.h"
#include "state/journal.h"

/* A partition ends at 64 MiB or 64k documents, whichever comes first. */
#define PART_MAX_DOCS 65536
#define PART_MAX_BYTES ((uint64_t)64 * 1024 * 1024)

struct part {
	struct move *move;
	size_t number;		/* in its move, and in the journal */
	struct mongo_range range;
	uint64_t first;		/* of an archive: the ordinals of its documents */
	uint64_t end;		/* in the collection, from first to before end */
	bool done;		/* everything of it is acknowledged */
	bool resumed;		/* done by an earlier run: the source may have
				 * changed since */
	struct mongo_time at;	/* when the source was read, the last time if
				 * there were several; seconds 0: now */
	bool differs;		/* verification found the tallies different */

	/* Under data.lock while threads run. */
	size_t pending;		/* batches read and not yet acknowledged */
	bool read;		/* the reader has reached its end */
	struct tally expected;	/* what must be on the target */
	struct tally actual;	/* what verification read back */
	struct rewrite_counts counts;
	uint64_t quarantined;
	struct tally quarantined_tally;
	uint64_t kept;
};

/* Cuts the collection of m, or takes the partitions that the journal (NULL:
 * none) has.  The source is asked as it is now: boundaries hold at any time. */
bool part_make_all(struct move *m, struct data *d, struct journal *journal,
    struct err *err);
void part_free_all(struct move *m);

/* The same for a source that is an archive; only part_make_all() calls it. */
bool part_make_archive(struct move *m, struct data *d,
    struct journal *journal, struct err *err);

/* For part*.c.  Adds a partition behind the others, to the journal too (NULL:
 * none); NULL with *err.  Takes those that the journal has.  Forgets that p was
 * done. */
struct part *part_add(struct move *m, const struct mongo_range *range,
    struct journal *journal, struct err *err);
bool part_load(struct move *m, struct journal *journal, struct err *err);
void part_reset(struct part *p);

/* Writes to the journal that p, which is done, is that, with its tally and
 * counters. */
bool part_record_done(struct part *p, struct journal *journal,
    struct err *err);

#endif
