#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cancel.h"
#include "base/log.h"
#include "mongo/classify.h"
#include "mongo/raw.h"
#include "mongo/sink_internal.h"
#include "mongo/source.h"

#define MOST_ASKED 1000		/* documents asked for at once */
#define MOST_ID_BYTES ((size_t)8 * 1024 * 1024)
#define REPLY_BYTES ((size_t)2 * 1024 * 1024)

/* One item in question. */
struct question {
	struct sink_item *item;
	struct raw_element id;
	bool settled;
};

/* A few of them, asked for with one find. */
struct inquiry {
	struct mongo_sink *k;
	struct question *q;	/* sorted by _id */
	size_t n;
	struct replacement *replacement;
	bool failed;		/* to settle, not to read: final */
};

static int
by_id(const void *a, const void *b)
{
	const struct question *x = a, *y = b;

	if (x->id.len != y->id.len)
		return x->id.len < y->id.len ? -1 : 1;
	return x->id.len == 0 ? 0 :
	    memcmp(x->id.start, y->id.start, x->id.len);
}

static struct question *
find_question(const struct inquiry *in, const uint8_t *doc, size_t len)
{
	struct question key;

	if (!raw_find_id(doc, len, &key.id))
		return NULL;
	return bsearch(&key, in->q, in->n, sizeof(*in->q), by_id);
}

/* The target's document is there; what becomes of ours? */
static bool
answer(struct inquiry *in, struct question *q, const uint8_t *there,
    size_t len, struct err *err)
{
	static const struct sink_error refusal = {
		.code = CLASSIFY_DUPLICATE_KEY, .on_id = true,
		.message = "a document with this _id and other contents is "
		    "there already",
	};
	struct mongo_sink *k = in->k;
	const struct sink_item *item = q->item;

	if (q->settled)
		return true;
	q->settled = true;
	if (raw_same(there, len, item->doc, item->len)) {
		k->written->equal++;
		k->written->there_bytes += len;
		return true;
	}
	if (k->o.on_conflict == MONGO_CONFLICT_KEEP) {
		k->written->kept++;
		return true;
	}
	/* Interrupted between the insert and its correction, which follows. */
	if (item->way == SINK_STAMP && len == item->len &&
	    raw_same_but_stamps(there, item->doc, len)) {
		k->written->inserted++;
		return true;
	}
	if (k->o.on_conflict == MONGO_CONFLICT_REPLACE && !k->o.in_order)
		return sink_replace_add(in->replacement, item, there, len, err);
	sink_refuse(k, item, &refusal);
	return true;
}

/* {_id: {$in: [...]}} */
static void
build_filter(const struct inquiry *in, bson_t *filter)
{
	bson_t part, list, doc;
	const char *key;
	char digits[16];
	bson_iter_t it;
	size_t i;

	BSON_APPEND_DOCUMENT_BEGIN(filter, "_id", &part);
	BSON_APPEND_ARRAY_BEGIN(&part, "$in", &list);
	for (i = 0; i < in->n; i++) {
		bson_uint32_to_string((uint32_t)i, &key, digits,
		    sizeof(digits));
		if (raw_bson(in->q[i].item->doc, in->q[i].item->len, &doc) &&
		    bson_iter_init_find(&it, &doc, "_id"))
			bson_append_iter(&list, key, -1, &it);
	}
	bson_append_array_end(&part, &list);
	bson_append_document_end(filter, &part);
}

/* Reads what is there, without patience of its own.  Documents settled already
 * are passed over, so it may be done again after a failure. */
static bool
read_all(struct inquiry *in, struct err *err)
{
	struct rawdoc raw;
	struct mongo_read read = {
		.ns = in->k->o.ns, .filter = &raw, .batch_bytes = REPLY_BYTES,
	};
	struct mongo_cursor *cursor;
	enum mongo_next next;
	struct question *q;
	const uint8_t *doc;
	bson_t filter;
	bool ok = true;
	size_t len;

	bson_init(&filter);
	build_filter(in, &filter);
	raw.data = (uint8_t *)(uintptr_t)bson_get_data(&filter);
	raw.len = filter.len;
	cursor = mongo_cursor_new(in->k->session, &read, err);
	if (cursor == NULL) {
		bson_destroy(&filter);
		return false;
	}
	while (ok && (next = mongo_cursor_next(cursor, &doc, &len, err)) !=
	    MONGO_END) {
		if (next == MONGO_FAILED)
			ok = false;
		else if ((q = find_question(in, doc, len)) != NULL) {
			ok = answer(in, q, doc, len, err);
			in->failed = !ok;
		}
	}
	mongo_cursor_free(cursor);
	bson_destroy(&filter);
	return ok;
}

/* What one find did not bring: an _id that the server holds for equal though
 * its bytes differ (1 and 1.0, a collation), or one that is gone. */
static bool
ask_one(struct inquiry *in, struct question *q, struct err *err)
{
	struct mongo_sink *k = in->k;
	struct rawdoc id = { NULL, 0 };
	struct buf there;
	bool found, ok;

	if (!raw_id(q->item->doc, q->item->len, &id))
		return err_nomem(err, "document");
	buf_init(&there, (size_t)64 * 1024 * 1024);
	ok = mongo_fetch(k->session, k->o.ns, &id, &there, &found, err);
	if (ok && found)
		ok = answer(in, q, there.data, there.len, err);
	buf_free(&there);
	raw_free(&id);
	return ok;
}

/* Asks for n of them, and settles those that are there. */
static bool
inquire(struct inquiry *in, struct err *err)
{
	struct retry retry;
	size_t i;

	retry_init(&retry, in->k->o.patience_ms);
	qsort(in->q, in->n, sizeof(*in->q), by_id);
	while (!read_all(in, err)) {
		if (in->failed || !retry_wait(&retry, in->k->o.ns, 0, err)) {
			retry_end(&retry);
			return false;
		}
	}
	retry_reset(&retry);
	for (i = 0; i < in->n; i++) {
		if (!in->q[i].settled && !ask_one(in, &in->q[i], err))
			return false;
	}
	return sink_replace_flush(in->replacement, err);
}

/* Takes as many items as one find may ask for. */
static size_t
take(struct inquiry *in, struct sink_item *items, size_t n)
{
	size_t bytes = 0;

	for (in->n = 0; in->n < n && in->n < MOST_ASKED; in->n++) {
		struct question *q = &in->q[in->n];

		q->item = &items[in->n];
		q->settled = false;
		if (!raw_find_id(q->item->doc, q->item->len, &q->id))
			memset(&q->id, 0, sizeof(q->id));
		bytes += q->id.len;
		if (in->n > 0 && bytes > MOST_ID_BYTES)
			break;
	}
	return in->n;
}

/* Moves what was not found to the front, in the order it had. */
static void
keep_gone(const struct inquiry *in, struct sink_item *items,
    const struct sink_item *taken, size_t *gone)
{
	bool settled[MOST_ASKED];
	size_t i;

	for (i = 0; i < in->n; i++)
		settled[in->q[i].item - taken] = in->q[i].settled;
	for (i = 0; i < in->n; i++) {
		if (!settled[i])
			items[(*gone)++] = taken[i];
	}
}

bool
sink_conflict(struct mongo_sink *k, struct sink_item *items, size_t n,
    size_t *gone, struct err *err)
{
	struct inquiry in = { .k = k };
	size_t i, taken;
	bool ok = true;

	*gone = 0;
	if (n == 0)
		return true;
	in.q = calloc(n < MOST_ASKED ? n : MOST_ASKED, sizeof(*in.q));
	in.replacement = sink_replace_new(k);
	if (in.q == NULL || in.replacement == NULL)
		ok = err_nomem(err, "conflicts");
	for (i = 0; ok && i < n; i += taken) {
		taken = take(&in, items + i, n - i);
		ok = inquire(&in, err);
		if (ok)
			keep_gone(&in, items, items + i, gone);
	}
	sink_replace_free(in.replacement);
	free(in.q);
	return ok;
}
