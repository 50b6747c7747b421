/*
 * Reads documents raw: a collection is cut into partitions (ranges of _id),
 * each read by one cursor in the order of _id, and reopened where it broke
 * when the network fails.
 *
 * One cursor belongs to one thread and one session.
 */
#ifndef MONGO_SOURCE_H
#define MONGO_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "mongo/catalog.h"
#include "mongo/client.h"

/* A range of _id: low <= _id < high, each a raw document {"_id": value} or
 * absent (data NULL) at the ends; the last one includes MaxKey. */
struct mongo_range {
	struct rawdoc low;
	struct rawdoc high;
};

void mongo_range_free(struct mongo_range *r);	/* its contents */

/* Cuts ns into ranges of at most max_docs documents, and about max_bytes by
 * the average size in info; tells each, in order, to range (which copies what
 * it keeps).  Always at least one.  Time-series, capped collections and views
 * are one range.  Blocks: it walks the _id index.  at: read at this cluster
 * time, NULL for now.
 * rank (may be NULL): boundaries that stay where they are when a few documents
 * come or go.  Ranges then hold a power of two of documents, less up to an
 * eighth: each ends before the document, among the last that it may hold, whose
 * {"_id": …} has the least rank. */
struct mongo_split {
	const struct collection_info *info;
	uint64_t max_docs;
	uint64_t max_bytes;
	const struct mongo_time *at;
	uint64_t (*rank)(void *arg, const uint8_t *id, size_t len);
	bool (*range)(void *arg, const struct mongo_range *r, struct err *err);
	void *arg;
};
bool mongo_split(struct mongo_session *s, const struct mongo_split *split,
    struct err *err);

struct mongo_cursor;

struct mongo_read {
	const char *ns;
	const struct collection_info *info; /* type, capped, average size */
	const struct mongo_range *range; /* NULL: everything, natural order */
	const struct rawdoc *filter;	/* --query; NULL or absent: none */
	const struct mongo_time *at;	/* NULL: now */
	size_t batch_bytes;		/* about how much one reply may hold */
	uint64_t patience_ms;
};

/* True when a read at one time failed because the server has no history of
 * that time, or of this collection then (codes 239 and 246): later times may
 * work. */
bool mongo_time_gone(const struct err *err);

/* Asks whether ns can be read at this time: no document of it is needed.
 * Blocks up to wait_ms where the time is not yet committed by a majority of
 * the set.  False with what a read of it would fail with. */
bool mongo_readable_at(struct mongo_session *s, const char *ns,
    const struct mongo_time *at, uint64_t wait_ms, struct err *err);

enum mongo_next { MONGO_DOC, MONGO_END, MONGO_FAILED };

/* Opens without blocking; r and what it points to must outlive the cursor. */
struct mongo_cursor *mongo_cursor_new(struct mongo_session *s,
    const struct mongo_read *r, struct err *err);
void mongo_cursor_free(struct mongo_cursor *c);	/* NULL is allowed */

/* The next document; *doc lives until the next call.  Blocks; broken
 * connections are retried within the patience.  MONGO_FAILED sets *err.
 * Reading goes on where it broke: behind the last _id in a range (even one
 * without ends), behind the last position at one time.  In natural order now,
 * nobody knows where that is: once a document was handed out, a broken
 * connection is final (the kind stays ERR_NETWORK), and who reads starts anew. */
enum mongo_next mongo_cursor_next(struct mongo_cursor *c, const uint8_t **doc,
    size_t *len, struct err *err);

/* After MONGO_FAILED: the next call reads on behind the last document handed
 * out, at another time, which must live until the next change; NULL is now.
 * False when that place is not known: in natural order, once a document was
 * handed out. */
bool mongo_cursor_move(struct mongo_cursor *c, const struct mongo_time *at);

/* Exact number of documents of ns that match filter (may be NULL: all). */
bool mongo_count(struct mongo_session *s, const char *ns,
    const struct rawdoc *filter, uint64_t *count, struct err *err);

/* Whether ns holds at least one document. */
bool mongo_any(struct mongo_session *s, const char *ns, bool *any,
    struct err *err);

/* Fetches the document with this raw {"_id": …} to out (a struct buf).
 * *found false when there is none. */
struct buf;
bool mongo_fetch(struct mongo_session *s, const char *ns,
    const struct rawdoc *id, struct buf *out, bool *found, struct err *err);

#endif
