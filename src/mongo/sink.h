/*
 * Writes raw documents in acknowledged bulks (ordered:false, validate:false:
 * what came raw goes raw) and sorts out what the server says about each.
 *
 * One sink belongs to one thread, one session and one namespace.
 */
#ifndef MONGO_SINK_H
#define MONGO_SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "mongo/client.h"

struct mongo_sink;

/* What to do with an existing document with the same _id and other bytes. */
enum mongo_on_conflict {	/* (capped: REPLACE refuses as well) */
	MONGO_CONFLICT_REFUSE,	/* tell it as refused: abort's case */
	MONGO_CONFLICT_KEEP,	/* skip: leave the target's */
	MONGO_CONFLICT_REPLACE	/* replace, or ours from an interrupted run:
				 * delete + insert in one ordered bulk */
};

/* A document that did not get in, why, and whether another document's unique
 * index is the reason. */
struct mongo_refusal {
	const uint8_t *doc;	/* lives for the call */
	size_t len;
	int code;		/* server's: 121, 11000, … */
	const char *message;
	bool unique;		/* E11000 on an index other than _id */
};

struct mongo_sink_options {
	const char *ns;
	enum mongo_on_conflict on_conflict;
	bool timeseries;	/* insert only; no comparing by _id */
	bool in_order;		/* capped: ordered inserts */
	uint64_t patience_ms;
	void (*refused)(void *arg, const struct mongo_refusal *r);
	void *arg;
};

struct mongo_written {
	uint64_t inserted;
	uint64_t equal;		/* was there with the same bytes */
	uint64_t replaced;
	uint64_t kept;		/* was there, left alone (skip) */
	uint64_t refused;	/* told to refused() */
	uint64_t there_bytes;	/* of those equal and replaced */
};

struct mongo_sink *mongo_sink_new(struct mongo_session *s,
    const struct mongo_sink_options *options, struct err *err);
void mongo_sink_free(struct mongo_sink *k);	/* NULL is allowed */

/* Writes n concatenated raw documents, len bytes in all, and waits for the
 * server's word on each; adds to *written.  Retries after network errors
 * within the patience (inserts that did arrive are recognised as equal).
 * False with *err when the run cannot go on: ERR_QUOTA, ERR_DENIED, …
 * Measurements of a time-series cannot be recognised: where an answer is lost
 * it is false with ERR_NETWORK, and the collection has to be started anew.
 * refused() is called from within, in no particular order. */
bool mongo_sink_write(struct mongo_sink *k, const uint8_t *docs, size_t len,
    size_t n, struct mongo_written *written, struct err *err);

/* Documents and what the target has in their places: n of each, one behind the
 * other, in the same order. */
struct mongo_replacements {
	const uint8_t *docs;
	size_t len;
	const uint8_t *old;
	size_t old_len;
};

/* Puts each in place of the one that is known to be there, which is put back
 * where the server refuses ours.  As mongo_sink_write() else; with REPLACE
 * only, and no stream. */
bool mongo_sink_replace(struct mongo_sink *k,
    const struct mongo_replacements *r, struct mongo_written *written,
    struct err *err);

#endif
