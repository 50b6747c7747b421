/*
 * Everything about the target's collections that is not documents: may they be
 * touched, made before the data, indexed and given their expiry after it, and
 * compared in the end.
 */
#ifndef JOB_TARGET_H
#define JOB_TARGET_H

#include <stdbool.h>

#include "base/err.h"
#include "job/job.h"
#include "job/move.h"
#include "state/journal.h"

/* Judges the target as it is before anything is changed (journal may be NULL:
 * dry run).  False with ERR_CONFLICT when --on-conflict abort forbids to go
 * on; the dry run counts instead (move.conflicts). */
bool target_check(struct data *d, struct job *job, struct journal *journal,
    struct err *err);

/* True when an unfinished run made m on the target, or was about to: it goes on
 * with it whatever is there.  journal may be NULL. */
bool target_is_ours(const struct move *m, struct journal *journal);

/* True for a difference in a collection that was there before the run, which
 * leaves it: what is missing (indexes, the time of expiry) is made. */
bool target_stays_different(const struct catalog_difference *d);

/* A resumed run: true when the source's collection is another one than the
 * target's was made for. */
bool target_is_outdated(const struct move *m, struct journal *journal);

/* A resumed run: notes what is on the target from before it, and has nothing on
 * the source any more.  It stays: nothing proves that it is ours to remove. */
void target_tell_left(struct data *d, struct job *job, struct journal *journal);

/* Drops (--drop) and makes the chosen collections, each recorded as ours
 * first.  Streams that an interrupted run left half done start anew. */
bool target_prepare(struct data *d, struct job *job, struct journal *journal,
    struct err *err);

/* Drops a stream that target_prepare() made and makes it again, for a reader
 * that starts over while the main thread waits. */
bool target_remake(struct data *d, struct move *m, struct err *err);

/* Builds all indexes but the TTL ones; a failed one is reported by name and
 * costs no other.  s: a session of the calling thread. */
bool target_build_indexes(struct data *d, struct job *job,
    struct mongo_session *s, struct err *err);

/* After verification: TTL indexes and collection expiry, for the moves that
 * verified (all of them when even_if_different). */
bool target_finish(struct data *d, struct job *job, struct err *err);

/* Reads the target's catalog again and compares options and indexes; fills
 * each move's metadata.  ttl_later: TTL indexes are expected to be missing
 * still. */
bool target_compare(struct data *d, struct job *job, struct err *err);

/* Collections beside the chosen ones may belong to somebody else: they are no
 * difference, but worth a note where whole databases are chosen.  what is said
 * of each. */
void target_note_others(struct data *d, struct job *job, const char *what);

#endif
