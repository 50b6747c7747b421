#include <string.h>

#include "base/cancel.h"
#include "base/log.h"
#include "mongo/classify.h"
#include "mongo/raw.h"
#include "mongo/sink_internal.h"

/* How often documents that are said to be there, and are not, are sent again:
 * somebody deletes them meanwhile. */
#define MOST_ROUNDS 4

bool
sink_bypasses(struct mongo_sink *k)
{

	k->bypassed = !atomic_load(&k->session->server->no_bypass);
	return k->bypassed;
}

void
sink_result_free(struct sink_result *r)
{

	bson_destroy(&r->reply);
}

void
sink_command(struct mongo_sink *k, const bson_t *cmd, struct sink_result *r)
{
	bson_iter_t it, errors;

	memset(&r->e, 0, sizeof(r->e));
	r->ok = mongoc_client_write_command_with_opts(k->session->client,
	    k->ns.db, cmd, NULL, &r->reply, &r->e);
	/* libmongoc takes a command for done even if it has writeErrors. */
	if (r->ok && bson_iter_init_find(&it, &r->reply, "writeErrors") &&
	    bson_iter_recurse(&it, &errors) && bson_iter_next(&errors))
		r->ok = false;
}

/* Measurements in a command are sent in order as well: only so does mongod
 * 6.0.5 leave a Timestamp(0,0) in their metaField alone (measured). */
static bool
is_ordered(const struct mongo_sink *k, enum sink_way way)
{

	return k->o.in_order || (k->o.timeseries && way == SINK_COMMAND);
}

static void
send_command(struct mongo_sink *k, const struct sink_item *items, size_t n,
    struct sink_result *r)
{
	bson_t cmd, docs, doc;
	const char *key;
	char digits[16];
	size_t i;

	bson_init(&cmd);
	BSON_APPEND_UTF8(&cmd, "insert", k->ns.coll);
	BSON_APPEND_BOOL(&cmd, "ordered", is_ordered(k, SINK_COMMAND));
	if (sink_bypasses(k))
		BSON_APPEND_BOOL(&cmd, "bypassDocumentValidation", true);
	if (k->keeps_stamps && !k->o.timeseries)
		BSON_APPEND_BOOL(&cmd, "bypassEmptyTsReplacement", true);
	BSON_APPEND_ARRAY_BEGIN(&cmd, "documents", &docs);
	for (i = 0; i < n; i++) {
		bson_uint32_to_string((uint32_t)i, &key, digits,
		    sizeof(digits));
		if (raw_bson(items[i].doc, items[i].len, &doc))
			BSON_APPEND_DOCUMENT(&docs, key, &doc);
	}
	bson_append_array_end(&cmd, &docs);
	sink_command(k, &cmd, r);
	bson_destroy(&cmd);
}

bool
sink_add(mongoc_bulk_operation_t *bulk, const struct sink_item *item,
    const bson_t *no_checks, bson_error_t *e)
{
	bson_t doc;

	if (raw_bson(item->doc, item->len, &doc))
		return mongoc_bulk_operation_insert_with_opts(bulk, &doc,
		    no_checks, e);
	bson_set_error(e, MONGOC_ERROR_BSON, MONGOC_ERROR_BSON_INVALID,
	    "malformed document");
	return false;
}

static void
send_bulk(struct mongo_sink *k, const struct sink_item *items, size_t n,
    struct sink_result *r)
{
	mongoc_bulk_operation_t *bulk;
	bson_t opts, no_checks;
	size_t i;
	bool ok = true;

	memset(&r->e, 0, sizeof(r->e));
	bson_init(&opts);
	BSON_APPEND_BOOL(&opts, "ordered", k->o.in_order);
	bson_init(&no_checks);
	BSON_APPEND_BOOL(&no_checks, "validate", false);
	bulk = mongoc_collection_create_bulk_operation_with_opts(k->coll, &opts);
	if (sink_bypasses(k))
		mongoc_bulk_operation_set_bypass_document_validation(bulk, true);
	for (i = 0; ok && i < n; i++)
		ok = sink_add(bulk, &items[i], &no_checks, &r->e);
	if (ok)
		r->ok = mongoc_bulk_operation_execute(bulk, &r->reply,
		    &r->e) != 0;
	else {
		bson_init(&r->reply);
		r->ok = false;
	}
	mongoc_bulk_operation_destroy(bulk);
	bson_destroy(&no_checks);
	bson_destroy(&opts);
}

uint64_t
sink_inserted(const bson_t *reply)
{
	bson_iter_t it;

	if (bson_iter_init_find(&it, reply, "nInserted") ||
	    bson_iter_init_find(&it, reply, "n"))
		return (uint64_t)bson_iter_as_int64(&it);
	return 0;
}

/* E11000 names the index by its key; old servers only in the text. */
static bool
is_on_id(const bson_iter_t *error, const char *message)
{
	bson_iter_t it, key;

	if (bson_iter_recurse(error, &it) && bson_iter_find(&it, "keyPattern") &&
	    bson_iter_recurse(&it, &key) && bson_iter_next(&key))
		return strcmp(bson_iter_key(&key), "_id") == 0 &&
		    BSON_ITER_HOLDS_NUMBER(&key) && !bson_iter_next(&key);
	return strstr(message, " index: _id_ ") != NULL ||
	    strstr(message, "$_id_ ") != NULL;
}

/* On a clustered collection mongod 6.0.5 fails to put a number into the text
 * of its E11000, and says that instead (measured: code 50819 and others). */
static bool
is_garbled(const struct sink_error *e)
{

	return strncmp(e->message, "KeyString format error", 22) == 0;
}

bool
sink_next_error(const bson_t *reply, struct sink_error_walk *w,
    struct sink_error *out)
{
	bson_iter_t it, field;

	if (!w->started) {
		w->started = true;
		if (!bson_iter_init_find(&it, reply, "writeErrors") ||
		    !bson_iter_recurse(&it, &w->it))
			return false;
	}
	if (!bson_iter_next(&w->it) || !bson_iter_recurse(&w->it, &field))
		return false;
	memset(out, 0, sizeof(*out));
	out->message = "";
	while (bson_iter_next(&field)) {
		const char *name = bson_iter_key(&field);

		if (strcmp(name, "index") == 0)
			out->index = (size_t)bson_iter_as_int64(&field);
		else if (strcmp(name, "code") == 0)
			out->code = (int32_t)bson_iter_as_int64(&field);
		else if (strcmp(name, "errmsg") == 0 &&
		    BSON_ITER_HOLDS_UTF8(&field))
			out->message = bson_iter_utf8(&field, NULL);
	}
	/* The two old codes of the same error. */
	if (out->code == 11001 || out->code == 12582)
		out->code = CLASSIFY_DUPLICATE_KEY;
	out->on_id = out->code == CLASSIFY_DUPLICATE_KEY ?
	    is_on_id(&w->it, out->message) : is_garbled(out);
	return true;
}

/* Errors of the whole command that one of its documents may have caused. */
static bool
may_be_a_document(const struct err *err)
{

	switch (err->code) {
	case 15:		/* Overflow: nested too deep */
	case 22:		/* InvalidBSON */
		return true;
	case 8000:		/* Atlas: 50 levels at most */
		return strstr(err->message, "nest") != NULL ||
		    strstr(err->message, "depth") != NULL;
	default:
		return err->kind == ERR_TOO_LARGE;
	}
}

bool
sink_concern_failed(const bson_t *reply, bson_iter_t *why)
{
	bson_iter_t it, list, ignored;

	if (why == NULL)
		why = &ignored;
	if (bson_iter_init_find(&it, reply, "writeConcernErrors"))
		return bson_iter_recurse(&it, &list) &&
		    bson_iter_next(&list) && bson_iter_recurse(&list, why);
	return bson_iter_init_find(&it, reply, "writeConcernError") &&
	    bson_iter_recurse(&it, why);
}

static void
classify_result(struct mongo_sink *k, const struct sink_result *r,
    struct err *err)
{
	const char *message = "the write concern was not met";
	bson_iter_t why;
	int32_t code = 0;

	if (!sink_concern_failed(&r->reply, &why)) {
		session_error(k->session, "write", &r->e, &r->reply, err);
		return;
	}
	while (bson_iter_next(&why)) {
		if (strcmp(bson_iter_key(&why), "code") == 0)
			code = (int32_t)bson_iter_as_int64(&why);
		else if (strcmp(bson_iter_key(&why), "errmsg") == 0 &&
		    BSON_ITER_HOLDS_UTF8(&why))
			message = bson_iter_utf8(&why, NULL);
	}
	classify_server(code, message, err);
	err_prefix(err, "%s: write", k->session->server->hosts);
}

bool
sink_may_repeat(struct mongo_sink *k, const struct sink_result *r,
    struct err *err)
{

	classify_result(k, r, err);
	if (err->kind == ERR_DENIED && k->bypassed) {
		log_debug("%s; writing without bypassDocumentValidation",
		    err->message);
		atomic_store(&k->session->server->no_bypass, true);
		return true;
	}
	/* Measurements have no _id by which a second copy would be known. */
	if (k->o.timeseries && err_retryable(err->kind) &&
	    !classify_not_sent(&r->e))
		return err_hint(err, "what arrived of a time-series is not "
		    "known: the same command starts this collection anew");
	return retry_wait(&k->retry, k->o.ns, 0, err);
}

/* What the items of one attempt became.  Those that the server objected to
 * are gathered at the front: conflicts, then what is to be sent again. */
struct sorted {
	uint64_t inserted;
	size_t conflicts;
	size_t again;
	bool wait;		/* before sending again; *err says why */
};

/* Judges one objection that is not about _id: retryable ones set *wait.  False
 * with *err when the run cannot go on. */
static bool
judge(struct mongo_sink *k, const struct sink_item *item,
    const struct sink_error *e, bool *wait, struct err *err)
{
	struct err one;

	classify_server(e->code, e->message, &one);
	if (err_retryable(one.kind)) {
		*wait = true;
		*err = one;
		return true;
	}
	if (one.kind == ERR_QUOTA || one.kind == ERR_DENIED ||
	    one.kind == ERR_AUTH) {
		*err = one;
		return err_prefix(err, "%s: write", k->session->server->hosts);
	}
	sink_refuse(k, item, e);
	return true;
}

static void
swap_items(struct sink_item *items, size_t a, size_t b)
{
	struct sink_item item = items[a];

	items[a] = items[b];
	items[b] = item;
}

/* writeErrors come in the order of the items, so an item put to the front
 * never trades places with one that is still to be looked at. */
static bool
sort_errors(struct mongo_sink *k, struct sink_item *items, size_t n,
    const struct sink_result *r, struct sorted *out, struct err *err)
{
	struct sink_error_walk walk = { .started = false };
	struct sink_error e;
	bool wait;

	out->inserted = sink_inserted(&r->reply);
	while (sink_next_error(&r->reply, &walk, &e)) {
		size_t front = out->conflicts + out->again;

		if (e.index >= n)
			continue;
		if (e.on_id && !k->o.timeseries) {
			swap_items(items, e.index, front);
			swap_items(items, front, out->conflicts);
			out->conflicts++;
			continue;
		}
		wait = false;
		if (!judge(k, &items[e.index], &e, &wait, err))
			return false;
		if (wait) {
			swap_items(items, e.index, front);
			out->again++;
			out->wait = true;
		}
	}
	return true;
}

/* An ordered bulk stops at its first error.  If that is a document that is
 * there already, those behind it may be as well. */
static bool
sort_ordered(struct mongo_sink *k, struct sink_item *items, size_t n,
    const struct sink_result *r, struct sorted *out, struct err *err)
{
	struct sink_error_walk walk = { .started = false };
	struct sink_error e;
	size_t from;

	out->inserted = sink_inserted(&r->reply);
	if (!sink_next_error(&r->reply, &walk, &e) || e.index >= n)
		return true;
	if (k->o.timeseries)
		e.on_id = false;
	from = e.index;
	out->inserted = from;	/* of a time-series the reply counts all */
	if (!e.on_id) {
		if (!judge(k, &items[e.index], &e, &out->wait, err))
			return false;
		if (!out->wait)
			from++;
	}
	memmove(items, items + from, (n - from) * sizeof(*items));
	if (e.on_id)
		out->conflicts = n - from;
	else
		out->again = n - from;
	return true;
}

static bool
has_write_errors(const bson_t *reply)
{
	struct sink_error_walk walk = { .started = false };
	struct sink_error e;

	return sink_next_error(reply, &walk, &e);
}

/* Finds the document at fault by halves.  All are of one way. */
static bool
in_halves(struct mongo_sink *k, struct sink_item *items, size_t n,
    struct err *err)
{
	struct sink_error why;
	char message[sizeof(err->message)];

	if (n > 1)
		return sink_insert(k, items, n / 2, err) &&
		    sink_insert(k, items + n / 2, n - n / 2, err);
	memset(&why, 0, sizeof(why));
	memcpy(message, err->message, sizeof(message));
	why.code = err->code;
	why.message = message;
	sink_refuse(k, items, &why);
	err_clear(err);
	return true;
}

/* Settles what the server objected to; *n is what is left to be sent, at the
 * front of items. */
static bool
settle(struct mongo_sink *k, struct sink_item *items, size_t *n,
    const struct sink_result *r, struct err *err)
{
	struct sorted s = { 0, 0, 0, false };
	size_t gone;

	if (!(is_ordered(k, items[0].way) ? sort_ordered : sort_errors)(k, items, *n, r, &s,
	    err))
		return false;
	k->written->inserted += s.inserted;
	if (s.wait && !retry_wait(&k->retry, k->o.ns, 0, err))
		return false;
	if (!sink_conflict(k, items, s.conflicts, &gone, err))
		return false;
	memmove(items + gone, items + s.conflicts, s.again * sizeof(*items));
	*n = gone + s.again;
	return true;
}

/* One attempt and its consequences; *n as for settle(). */
static bool
attempt(struct mongo_sink *k, struct sink_item *items, size_t *n,
    struct err *err)
{
	struct sink_result r;
	bool ok;

	if (items[0].way == SINK_COMMAND)
		send_command(k, items, *n, &r);
	else
		send_bulk(k, items, *n, &r);
	if (r.ok) {
		k->written->inserted += *n;
		*n = 0;
		ok = true;
	} else if (has_write_errors(&r.reply) &&
	    !sink_concern_failed(&r.reply, NULL)) {
		ok = settle(k, items, n, &r, err);
	} else {
		ok = sink_may_repeat(k, &r, err);
		if (!ok && may_be_a_document(err)) {
			ok = in_halves(k, items, *n, err);
			*n = 0;
		}
	}
	sink_result_free(&r);
	return ok;
}

bool
sink_insert(struct mongo_sink *k, struct sink_item *items, size_t n,
    struct err *err)
{
	static const struct sink_error undecided = {
		.code = CLASSIFY_DUPLICATE_KEY, .on_id = true,
		.message = "the server says that this _id is there, and does "
		    "not find it",
	};
	size_t left = n, before;
	unsigned rounds = 0;

	while (left > 0) {
		if (cancel_requested())
			return cancel_err(err);
		before = left;
		if (!attempt(k, items, &left, err))
			return false;
		if (left < before || k->retry.attempts > 0)
			rounds = 0;
		else if (++rounds >= MOST_ROUNDS)
			break;
	}
	while (left > 0)
		sink_refuse(k, &items[--left], &undecided);
	retry_reset(&k->retry);
	return true;
}
