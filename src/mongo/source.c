#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cancel.h"
#include "base/retry.h"
#include "mongo/classify.h"
#include "mongo/find.h"
#include "mongo/raw.h"
#include "mongo/session.h"
#include "mongo/source.h"

#define UNKNOWN_DOC_BYTES 1024	/* until the first batch tells better */
#define MOST_DOCS 100000	/* in one batch */
#define GROWTH 4		/* of a batch, at most, over the one before */

/* Where a cursor stands.  It may be sent back from OPEN to CLOSED when its
 * connection breaks. */
enum state {
	CLOSED,			/* find is to be sent */
	OPEN,			/* getMore is to be sent */
	AT_MAX_KEY,		/* all but a document whose _id is MaxKey */
	ENDED
};

struct mongo_cursor {
	struct mongo_session *session;
	const struct mongo_read *read;
	const struct mongo_time *at;
	struct session_ns ns;
	enum state state;
	mongoc_client_session_t *driver_session;
	bson_t opts;		/* sessionId, serverId; while driver_session */
	int64_t id;
	bson_t reply;		/* holds the batch; while has_reply */
	bool has_reply;
	bson_iter_t docs;
	bool in_batch;		/* docs may hold more */
	const uint8_t *current;	/* the document handed out last, in reply */
	size_t current_len;
	struct rawdoc last;	/* its {"_id": …}, once its batch is gone */
	bool skip_last;		/* the next document may be that one again */
	bool from_low;		/* find was given min */
	bool seen_max_key;
	uint64_t delivered;
	uint64_t batch_docs;	/* seen in this batch */
	uint64_t batch_bytes;
	uint64_t recent;	/* average size, the last ones counting most */
	uint64_t ask;		/* batchSize */
	struct retry retry;
};

static uint64_t
clamp(uint64_t n, uint64_t most)
{

	return n < 1 ? 1 : n > most ? most : n;
}

struct mongo_cursor *
mongo_cursor_new(struct mongo_session *s, const struct mongo_read *r,
    struct err *err)
{
	struct mongo_cursor *c;
	uint64_t average = UNKNOWN_DOC_BYTES;

	if ((c = calloc(1, sizeof(*c))) == NULL) {
		err_nomem(err, "cursor");
		return NULL;
	}
	if (!session_split_ns(r->ns, &c->ns, err)) {
		free(c);
		return NULL;
	}
	c->session = s;
	c->read = r;
	c->at = r->at;
	retry_init(&c->retry, r->patience_ms);
	if (r->info != NULL && r->info->count > 0 && r->info->bytes > 0)
		average = r->info->bytes / r->info->count + 1;
	c->ask = clamp(r->batch_bytes / average, MOST_DOCS);
	return c;
}

static void
drop_batch(struct mongo_cursor *c)
{

	if (c->has_reply)
		bson_destroy(&c->reply);
	c->has_reply = false;
	c->in_batch = false;
	c->current = NULL;
}

/* Ends the session on this side; the server's cursor is killed if it may be
 * open and the connection is believed to work. */
static void
close_cursor(struct mongo_cursor *c, bool kill)
{

	if (c->driver_session == NULL)
		return;
	if (kill && c->id != 0)
		find_kill(c->session, &c->ns, &c->opts, c->id);
	mongoc_client_session_destroy(c->driver_session);
	bson_destroy(&c->opts);
	c->driver_session = NULL;
	c->id = 0;
}

void
mongo_cursor_free(struct mongo_cursor *c)
{

	if (c == NULL)
		return;
	retry_end(&c->retry);
	drop_batch(c);
	close_cursor(c, true);
	raw_free(&c->last);
	free(c);
}

static bool
is_resumed_by_id(const struct mongo_cursor *c)
{

	return c->read->range != NULL;
}

/* What find is to ask now: from the start, or from where it broke. */
static void
describe(const struct mongo_cursor *c, struct find *f)
{
	const struct mongo_read *r = c->read;

	memset(f, 0, sizeof(*f));
	f->opts = &c->opts;
	f->filter = r->filter;
	f->at = c->at;
	f->batch_docs = c->ask;
	if (r->range == NULL) {
		f->natural = (r->filter == NULL || r->filter->data == NULL) &&
		    (r->info == NULL || r->info->type == COLLECTION_PLAIN);
		f->skip = c->delivered;
		return;
	}
	f->by_id = true;
	f->low = c->last.data != NULL ? &c->last : &r->range->low;
	f->high = &r->range->high;
}

/* Keeps the _id of the document handed out last, for reopening behind it;
 * its batch is about to go. */
static bool
remember(struct mongo_cursor *c, struct err *err)
{

	if (c->current == NULL || !is_resumed_by_id(c))
		return true;
	raw_free(&c->last);
	if (raw_id(c->current, c->current_len, &c->last))
		return true;
	return err_set(err, ERR_INTERNAL, "a document of %s has no _id",
	    c->read->ns);
}

/* As many documents as will probably fit, growing with care: a reply is held
 * in memory whole. */
static void
adapt(struct mongo_cursor *c)
{
	uint64_t average;

	if (c->batch_docs == 0)
		return;
	average = c->batch_bytes / c->batch_docs + 1;
	if (average < c->recent)
		average = c->recent;
	c->ask = clamp(c->read->batch_bytes / average,
	    c->ask < MOST_DOCS / GROWTH ? c->ask * GROWTH : MOST_DOCS);
}

static bool
start_session(struct mongo_cursor *c, struct err *err)
{

	close_cursor(c, false);
	bson_init(&c->opts);
	c->driver_session = session_start(c->session, &c->opts, "find", err);
	if (c->driver_session != NULL)
		return true;
	bson_destroy(&c->opts);
	return false;
}

static bool
fetch_more(struct mongo_cursor *c, struct err *err)
{
	struct find_more m = {
		.id = c->id, .batch_docs = c->ask, .opts = &c->opts,
	};

	return find_more(c->session, &c->ns, &m, &c->reply, err);
}

/* Sends find or getMore and takes the batch. */
static bool
fetch(struct mongo_cursor *c, struct err *err)
{
	struct find f;
	bool ok;

	if (!remember(c, err))
		return false;
	adapt(c);
	drop_batch(c);
	if (c->state == CLOSED) {
		if (!start_session(c, err))
			return false;
		describe(c, &f);
		c->from_low = f.low != NULL && f.low->data != NULL;
		c->skip_last = c->last.data != NULL;
		ok = find_open(c->session, &c->ns, &f, &c->reply, err);
	} else
		ok = fetch_more(c, err);
	c->has_reply = true;
	if (!ok)
		return false;
	if (!session_batch(&c->reply, &c->id, &c->docs))
		return err_set(err, ERR_UNSUPPORTED, "%s: find: the answer is "
		    "no cursor", c->session->server->hosts);
	c->state = OPEN;
	c->in_batch = true;
	c->batch_docs = 0;
	c->batch_bytes = 0;
	return true;
}

/* min includes its bound: after reopening, the first document may be the one
 * handed out last. */
static bool
is_repeated(struct mongo_cursor *c, const uint8_t *doc, size_t len)
{
	struct raw_element a, b;

	if (!c->skip_last)
		return false;
	c->skip_last = false;
	return raw_find_id(doc, len, &a) &&
	    raw_find_id(c->last.data, c->last.len, &b) &&
	    a.len == b.len && memcmp(a.start, b.start, a.len) == 0;
}

static bool
has_max_key(const struct mongo_cursor *c, const uint8_t *doc, size_t len)
{
	const struct mongo_range *r = c->read->range;
	struct raw_element id;

	return r != NULL && r->high.data == NULL &&
	    raw_find_id(doc, len, &id) && id.type == BSON_TYPE_MAXKEY;
}

/* The next document of the batch, NULL when it is used up. */
static const uint8_t *
next_in_batch(struct mongo_cursor *c, size_t *len)
{
	const uint8_t *doc;
	uint32_t n;

	while (c->in_batch && bson_iter_next(&c->docs)) {
		if (!BSON_ITER_HOLDS_DOCUMENT(&c->docs))
			continue;
		bson_iter_document(&c->docs, &n, &doc);
		c->batch_docs++;
		c->batch_bytes += n;
		c->recent = (15 * c->recent + n) / 16;
		if (is_repeated(c, doc, n))
			continue;
		c->current = doc;
		c->current_len = n;
		c->delivered++;
		*len = n;
		return doc;
	}
	c->in_batch = false;
	return NULL;
}

/* With min and no max the server stops before MaxKey (measured; a clustered
 * collection does not), so such a document is fetched by itself. */
static bool
wants_max_key(const struct mongo_cursor *c)
{
	const struct mongo_range *r = c->read->range;

	return r != NULL && r->high.data == NULL && c->from_low &&
	    !c->seen_max_key;
}

static bool
fetch_max_key(struct mongo_cursor *c, struct err *err)
{
	struct find f = {
		.opts = &c->opts, .filter = c->read->filter,
		.at = c->at, .batch_docs = 2, .max_key = true,
	};

	drop_batch(c);
	if (!start_session(c, err))
		return false;
	c->has_reply = true;
	if (!find_open(c->session, &c->ns, &f, &c->reply, err))
		return false;
	c->in_batch = session_batch(&c->reply, &c->id, &c->docs);
	c->skip_last = false;
	c->state = ENDED;
	return true;
}

/* One step towards the next document: true when something changed. */
static bool
advance(struct mongo_cursor *c, struct err *err)
{

	if (c->state == OPEN && c->id == 0) {
		if (!remember(c, err))
			return false;
		c->state = wants_max_key(c) ? AT_MAX_KEY : ENDED;
		return true;
	}
	if (c->state == AT_MAX_KEY)
		return fetch_max_key(c, err);
	return fetch(c, err);
}

/* Whether what was read so far can be gone on from: behind the last _id, or,
 * where all reads see one time, behind the last position. */
static bool
may_reopen(const struct mongo_cursor *c)
{

	return c->delivered == 0 || is_resumed_by_id(c) || c->at != NULL;
}

/* The next step sends find again. */
static void
reopen(struct mongo_cursor *c)
{

	drop_batch(c);
	close_cursor(c, false);
	if (c->seen_max_key)
		c->state = ENDED;	/* nothing can come behind it */
	else if (c->state != AT_MAX_KEY)
		c->state = CLOSED;
}

bool
mongo_cursor_move(struct mongo_cursor *c, const struct mongo_time *at)
{

	if (c->delivered > 0 && !is_resumed_by_id(c))
		return false;
	reopen(c);
	c->at = at;
	return true;
}

static bool
recover(struct mongo_cursor *c, struct err *err)
{

	if (!err_retryable(err->kind))
		return false;
	if (!may_reopen(c))
		return err_prefix(err, "interrupted after %llu documents",
		    (unsigned long long)c->delivered);
	if (!retry_wait(&c->retry, c->read->ns, 0, err))
		return false;
	reopen(c);
	return true;
}

enum mongo_next
mongo_cursor_next(struct mongo_cursor *c, const uint8_t **doc, size_t *len,
    struct err *err)
{

	for (;;) {
		if ((*doc = next_in_batch(c, len)) != NULL) {
			c->seen_max_key = has_max_key(c, *doc, *len);
			return MONGO_DOC;
		}
		if (c->state == ENDED)
			return MONGO_END;
		if (cancel_requested()) {
			cancel_err(err);
			return MONGO_FAILED;
		}
		if (advance(c, err))
			retry_reset(&c->retry);
		else if (!recover(c, err))
			return MONGO_FAILED;
	}
}
