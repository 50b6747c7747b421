#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cancel.h"
#include "mongo/classify.h"
#include "mongo/raw.h"
#include "mongo/remove.h"
#include "mongo/session.h"

#define MOST_IDS 1000		/* in one command */
#define MOST_BYTES ((size_t)4 * 1024 * 1024)
#define FOUND_MAX ((size_t)64 * 1024 * 1024)

/* A few of them, removed with one command. */
struct removal {
	struct mongo_session *session;
	struct session_ns ns;
	const char *what;
	struct raw_element id[MOST_IDS]; /* sorted */
	bool there[MOST_IDS];
	size_t n;
};

static int
by_bytes(const void *a, const void *b)
{
	const struct raw_element *x = a, *y = b;

	if (x->len != y->len)
		return x->len < y->len ? -1 : 1;
	return memcmp(x->start, y->start, x->len);
}

/* Takes what one command may carry off the front of docs; 0: not a document
 * with an _id. */
static size_t
take(struct removal *r, const uint8_t *docs, size_t len)
{
	size_t at = 0;
	uint32_t one;

	for (r->n = 0; at < len && r->n < MOST_IDS && at < MOST_BYTES;
	    at += one) {
		if (len - at < 5)
			return 0;
		memcpy(&one, docs + at, sizeof(one));
		one = BSON_UINT32_FROM_LE(one);
		if (one > len - at ||
		    !raw_find_id(docs + at, one, &r->id[r->n]))
			return 0;
		r->n++;
	}
	qsort(r->id, r->n, sizeof(*r->id), by_bytes);
	memset(r->there, 0, sizeof(r->there));
	return at;
}

/* Appends the value of an element under another name. */
static void
append_value(bson_t *to, const char *name, const struct raw_element *id)
{
	bson_iter_t it;
	bson_t one;
	struct buf doc;
	uint32_t len = (uint32_t)(4 + id->len + 1);
	const uint8_t end = 0;

	buf_init(&doc, len);
	len = BSON_UINT32_TO_LE(len);
	if (buf_append(&doc, &len, sizeof(len)) &&
	    buf_append(&doc, id->start, id->len) &&
	    buf_append(&doc, &end, 1) && raw_bson(doc.data, doc.len, &one) &&
	    bson_iter_init(&it, &one) && bson_iter_next(&it))
		bson_append_iter(to, name, -1, &it);
	buf_free(&doc);
}

/* {find: …, filter: {_id: {$in: […]}}, projection: {_id: 1, …: 1}}.  An _id that
 * comes from the index alone has lost a NaN's payload: asking for one more
 * field, which hardly any document has, takes it from the document. */
static void
build_find(const struct removal *r, bson_t *cmd)
{
	bson_t filter, part, list, projection;
	const char *key;
	char digits[16];
	size_t i;

	BSON_APPEND_UTF8(cmd, "find", r->ns.coll);
	BSON_APPEND_DOCUMENT_BEGIN(cmd, "filter", &filter);
	BSON_APPEND_DOCUMENT_BEGIN(&filter, "_id", &part);
	BSON_APPEND_ARRAY_BEGIN(&part, "$in", &list);
	for (i = 0; i < r->n; i++) {
		bson_uint32_to_string((uint32_t)i, &key, digits,
		    sizeof(digits));
		append_value(&list, key, &r->id[i]);
	}
	bson_append_array_end(&part, &list);
	bson_append_document_end(&filter, &part);
	bson_append_document_end(cmd, &filter);
	BSON_APPEND_DOCUMENT_BEGIN(cmd, "projection", &projection);
	BSON_APPEND_INT32(&projection, "_id", 1);
	BSON_APPEND_INT32(&projection, "spaceferry not from the index", 1);
	bson_append_document_end(cmd, &projection);
}

/* Marks those that are there, to the byte. */
static bool
look(struct removal *r, struct err *err)
{
	struct session_call call = { .db = r->ns.db, .what = r->what };
	struct raw_element id, *match;
	struct buf found;
	bson_t cmd, doc;
	size_t at = 0;
	bool ok;

	bson_init(&cmd);
	build_find(r, &cmd);
	call.command = &cmd;
	buf_init(&found, FOUND_MAX);
	ok = session_collect(r->session, &call, &found, err);
	while (ok && session_next_doc(&found, &at, &doc)) {
		if (!raw_find_id(bson_get_data(&doc), doc.len, &id))
			continue;
		match = bsearch(&id, r->id, r->n, sizeof(*r->id), by_bytes);
		if (match != NULL)
			r->there[match - r->id] = true;
	}
	buf_free(&found);
	bson_destroy(&cmd);
	return ok;
}

/* False when none of them is there. */
static bool
build_delete(const struct removal *r, bson_t *cmd)
{
	bson_t deletes, one, query, id;
	const char *key;
	char digits[16];
	uint32_t n = 0;
	size_t i;

	BSON_APPEND_UTF8(cmd, "delete", r->ns.coll);
	BSON_APPEND_BOOL(cmd, "ordered", false);
	BSON_APPEND_ARRAY_BEGIN(cmd, "deletes", &deletes);
	for (i = 0; i < r->n; i++) {
		if (!r->there[i])
			continue;
		bson_uint32_to_string(n++, &key, digits, sizeof(digits));
		BSON_APPEND_DOCUMENT_BEGIN(&deletes, key, &one);
		BSON_APPEND_DOCUMENT_BEGIN(&one, "q", &query);
		BSON_APPEND_DOCUMENT_BEGIN(&query, "_id", &id);
		append_value(&id, "$eq", &r->id[i]);
		bson_append_document_end(&query, &id);
		bson_append_document_end(&one, &query);
		BSON_APPEND_INT32(&one, "limit", 1);
		bson_append_document_end(&deletes, &one);
	}
	bson_append_array_end(cmd, &deletes);
	return n > 0;
}

/* libmongoc takes a command for done even if it has writeErrors. */
static bool
judge(const struct removal *r, const bson_t *reply, uint64_t *removed,
    struct err *err)
{
	bson_iter_t it, list, error;
	const char *message = "refused";
	int32_t code = 0;

	if (bson_iter_init_find(&it, reply, "n"))
		*removed += (uint64_t)bson_iter_as_int64(&it);
	if (!bson_iter_init_find(&it, reply, "writeErrors") ||
	    !bson_iter_recurse(&it, &list) || !bson_iter_next(&list) ||
	    !bson_iter_recurse(&list, &error))
		return true;
	while (bson_iter_next(&error)) {
		if (strcmp(bson_iter_key(&error), "code") == 0)
			code = (int32_t)bson_iter_as_int64(&error);
		else if (strcmp(bson_iter_key(&error), "errmsg") == 0 &&
		    BSON_ITER_HOLDS_UTF8(&error))
			message = bson_iter_utf8(&error, NULL);
	}
	classify_server(code, message, err);
	return err_prefix(err, "%s: %s", r->session->server->hosts, r->what);
}

static bool
remove_some(struct removal *r, uint64_t *removed, struct err *err)
{
	struct session_call call = {
		.db = r->ns.db, .write = true, .what = r->what,
	};
	bson_t cmd, reply;
	bool ok;

	if (!look(r, err))
		return false;
	bson_init(&cmd);
	if (!build_delete(r, &cmd)) {
		bson_destroy(&cmd);
		return true;
	}
	call.command = &cmd;
	ok = session_run(r->session, &call, &reply, err) &&
	    judge(r, &reply, removed, err);
	bson_destroy(&reply);
	bson_destroy(&cmd);
	return ok;
}

bool
mongo_remove(struct mongo_session *s, const struct mongo_ids *ids,
    uint64_t *removed, struct err *err)
{
	char what[SESSION_NS_SIZE];
	struct removal *r;
	size_t at = 0, taken;
	bool ok;

	if ((r = calloc(1, sizeof(*r))) == NULL)
		return err_nomem(err, "documents to remove");
	snprintf(what, sizeof(what), "remove from %s", ids->ns);
	r->session = s;
	r->what = what;
	ok = session_split_ns(ids->ns, &r->ns, err);
	while (ok && at < ids->len) {
		taken = take(r, ids->docs + at, ids->len - at);
		if (taken == 0)
			ok = err_set(err, ERR_INTERNAL, "%s: no _id", what);
		else if (cancel_requested())
			ok = cancel_err(err);
		else
			ok = remove_some(r, removed, err);
		at += taken;
	}
	free(r);
	return ok;
}
