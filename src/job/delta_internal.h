/*
 * What the parts of --delta share.  Only delta*.c include this.
 *
 *   delta.c         the steps, in their order
 *   delta_writer.c  takes what drill tells: one per thread that drills
 *   delta_pool.c    documents that a unique index kept out, tried again
 *   delta_stream.c  collections that can only be moved whole
 *   delta_files.c   files that only the target has
 *   delta_guard.c   what --delete would remove by mistake
 */
#ifndef JOB_DELTA_INTERNAL_H
#define JOB_DELTA_INTERNAL_H

#include <stdatomic.h>

#include "base/buf.h"
#include "flow/pace.h"
#include "job/delta.h"
#include "job/drill.h"
#include "job/verify_data.h"
#include "mongo/sink.h"

/* Of one collection; under data.lock. */
struct delta_move {
	uint64_t inserted, replaced, deleted;
	uint64_t taken;		/* away, to be inserted again: not yet counted as
				 * replaced */
	uint64_t quarantined;
	bool again;		/* more of its documents were refused than could
				 * be kept: all of it is gone through again */
	bool differs;		/* a stream */
	bool left_out;		/* the source has documents that cannot arrive:
				 * nothing is removed */
};

/* A document that a unique index kept out; its bytes are the pool's. */
struct delta_refused {
	struct move *move;
	size_t at, len;
	bool replaces;		/* the target had another version */
	/* While it is settled: where it and what was in its place are. */
	size_t doc_at, old_at, old_len;
	bool refused;
};

struct delta_pool {
	struct buf docs;
	struct delta_refused *v;
	size_t n, cap;
	size_t max;		/* bytes */
};

struct delta_writer;

struct delta {
	struct run *run;
	struct job *job;
	struct data *data;
	bool write;		/* false: only count */
	bool quiet;		/* counting for --max-delete: names nothing */
	atomic_bool told;	/* something differs */
	const bool *selected;	/* by move: what is gone through again; NULL: all */
	bool taking;		/* a pass that takes away what is to be replaced,
				 * where more was refused than the pool holds */
	bool last;		/* the last try: what is refused is quarantined */
	struct delta_move *moves; /* one per move */
	struct delta_pool pool;	/* under data.lock */
	struct pace *pace;	/* --bwlimit */
	struct delta_writer *writers;
	struct drill_teller *tellers;
	unsigned n_writers;
	uint64_t bytes;		/* of documents sent; under data.lock */
	uint64_t promised;	/* removals that --max-delete was asked for */
};

struct delta_move *delta_of(const struct delta *d, const struct move *m);

/* True where a collection is not touched document by document. */
bool delta_is_stream(const struct move *m);

/* --- delta_writer.c --- */

/* Makes d->writers and d->tellers, which tell them. */
bool delta_writers_new(struct delta *d, struct err *err);

/* Writes what they still hold. */
bool delta_writers_flush(struct delta *d, struct err *err);
void delta_writers_free(struct delta *d);

/* Keeps a document that does not get in, and names it.  From any thread. */
struct delta_refusal {
	struct move *move;
	const uint8_t *doc;
	size_t len;
	const char *reason;
	const char *message;
};
bool delta_quarantine(struct delta *d, const struct delta_refusal *r,
    struct err *err);

/* What a server said, as a word for the quarantine. */
const char *delta_reason(const struct delta *d, const struct mongo_refusal *r);

/* For struct verify_data; arg is the struct delta. */
bool delta_too_large(void *arg, struct move *m, const uint8_t *doc, size_t len,
    struct err *err);

/* False with *err when n more removals are more than --max-delete allows. */
bool delta_may_remove(struct delta *d, uint64_t n, struct err *err);

/* --- delta_pool.c --- */

void delta_pool_init(struct delta_pool *p, size_t max);
void delta_pool_free(struct delta_pool *p);

/* Keeps a copy of a refused document (r->move, r->len, r->replaces).
 * data.lock is held.  False when it does not fit. */
bool delta_pool_add(struct delta_pool *p, const struct delta_refused *r,
    const uint8_t *doc);

/* Takes what the target has in the places of the pool's documents away, all of
 * it, then inserts them: so two may exchange a value.  What is refused even
 * then is quarantined, and what was in its place put back. */
bool delta_pool_settle(struct delta *d, struct err *err);

/* --- delta_stream.c --- */

/* Counts what moving the streams that differ would do; names those that may
 * not be replaced. */
bool delta_streams_count(struct delta *d, struct err *err);

/* Moves them whole. */
bool delta_streams_move(struct delta *d, struct err *err);

/* --- delta_files.c --- */

/* How many files of the targets a run with --delete would remove.  False with
 * ERR_CONFLICT when these are all of a target, because its source is empty, and
 * there is no --max-delete. */
bool delta_files_count(struct run *r, uint64_t *n, struct err *err);

/* --- delta_guard.c --- */

/* With --delete: false with ERR_CONFLICT when this run's state, a source of
 * files, or another target lies where files that are not its source's are
 * removed. */
bool delta_guard_places(struct run *r, struct err *err);

/* With --delete and without --max-delete: false with ERR_CONFLICT when a
 * collection of the source is empty, the target's is not, and all of it would
 * be removed. */
bool delta_guard_empty(struct run *r, struct err *err);

/* After m was read, before anything is removed for it: false with ERR_CHANGED
 * when the source's collection is not the one any more that the run began with:
 * one that was dropped reads as empty. */
bool delta_guard_source(const struct data *d, struct mongo_session *source,
    const struct move *m, struct err *err);

#endif
