/*
 * The moment that a run moves: one cluster time at which all documents of the
 * source are read, where the source can do that.  When the server has lost the
 * history of that time, what is not read yet goes on at a later one; every time
 * is kept, in the journal too, and told in the summary's consistent_at.
 *
 * What cannot be read at a time (a standalone, a capped collection, a server
 * that refuses) is read as it is now, which a note tells; with --consistent
 * that is an error.
 *
 * Order: moment_new() before anything is changed; a struct moment_read per
 * cursor, used by its thread: moment_begin(), and moment_mend() whenever the
 * cursor fails; moment_tell() in the end.  The time itself is taken when the
 * first reader begins.  A struct moment is shared by the job's threads.
 */
#ifndef JOB_MOMENT_H
#define JOB_MOMENT_H

#include <stdbool.h>

#include "base/err.h"
#include "job/job.h"
#include "job/move.h"
#include "mongo/source.h"
#include "state/journal.h"

struct moment;

/* Asks the source whether it can be read at one time, and the journal (may be
 * NULL) for the time of an interrupted run, which goes on at that time while
 * the history lasts.  Blocks.  NULL with *err: ERR_UNSUPPORTED when
 * --consistent cannot be kept, ERR_CONFLICT when the interrupted run's time is
 * gone under --consistent. */
struct moment *moment_new(struct data *d, struct job *job,
    struct journal *journal, struct err *err);
void moment_free(struct moment *m);	/* NULL is allowed */

/* The last time taken; false when there is none. */
bool moment_last(struct moment *m, struct mongo_time *at);

/* Puts all times into the summary.  m may be NULL. */
void moment_tell(struct moment *m);

struct moment_read {
	struct moment *moment;
	struct mongo_session *session; /* on the source, of this thread */
	struct move *move;
	bool fixed;		/* at was set by the caller: no other time
				 * will do, only now */

	struct mongo_time at;	/* seconds 0: now */
	bool anew;		/* what was read is void: read all of it again,
				 * at at */
	unsigned losses;	/* since the last document: reset by who reads */
	unsigned starts;
};

/* Chooses the time to read move at. */
bool moment_begin(struct moment_read *r, struct err *err);

/* For struct mongo_read: NULL for now. */
const struct mongo_time *moment_at(const struct moment_read *r);

/* After MONGO_FAILED: true when cursor may go on, at another time.  False with
 * *err, and anew set when reading must start over with a new cursor. */
bool moment_mend(struct moment_read *r, struct mongo_cursor *cursor,
    struct err *err);

#endif
