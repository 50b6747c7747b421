/*
 * Fetches the runs of a snapshot's collections ahead of whoever reads them, in
 * their order: several threads get, prove and check one run each, so that a
 * store that takes its time to answer does not slow reading down.  What is in
 * flight is bounded by bytes.
 *
 * Each run that is handed out is whole: the blob is that of its name, its
 * documents are valid BSON, as many and as long as the snapshot says.
 *
 * Order: snapshot_fetch_new() starts the threads, snapshot_fetch_next() to its
 * end, snapshot_fetch_free() at any time.  One thread calls.
 */
#ifndef JOB_SNAPSHOT_FETCH_H
#define JOB_SNAPSHOT_FETCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"
#include "job/snapshot_source.h"
#include "mongo/judge.h"

struct snapshot_fetch;

/* What is read of one collection. */
struct snapshot_fetch_range {
	bool wanted;
	size_t first;		/* run */
};

/* ranges (one per collection) are copied.  server and judge: who decides which
 * documents are left out; each thread has a session there.  NULL: none are.
 * memory: bytes of documents in flight.  NULL with *err. */
struct snapshot_fetch_options {
	const struct snapshot_source *source;
	const struct snapshot_fetch_range *ranges;
	struct mongo_server *server;
	const struct judge *judge;
	size_t memory;
	unsigned threads;
};
struct snapshot_fetch *snapshot_fetch_new(
    const struct snapshot_fetch_options *options, struct err *err);
void snapshot_fetch_free(struct snapshot_fetch *f);	/* NULL is allowed */

/* One run.  Lives until the next call. */
struct snapshot_fetched {
	size_t collection;
	size_t run;
	const uint8_t *data;
	size_t len;
	struct tally tally;
	const bool *left_out;	/* by document; NULL: none */
};

/* The next run: *fetched false at the end.  Blocks; a stop is heeded.  False
 * with *err, ERR_DAMAGED naming collection and blob. */
bool snapshot_fetch_next(struct snapshot_fetch *f, struct snapshot_fetched *out,
    bool *fetched, struct err *err);

#endif
