#include <string.h>

#include "base/cancel.h"
#include "mongo/classify.h"
#include "mongo/raw.h"
#include "mongo/sink_internal.h"

/* What corrects a document: $set of its zero stamps, where it can name them,
 * else all of it anew. */
enum correction { BY_SET, BY_ROOT, IMPOSSIBLE };

static bool
is_zero_stamp(const bson_iter_t *it)
{
	uint32_t seconds = 1, increment = 1;

	if (BSON_ITER_HOLDS_TIMESTAMP(it))
		bson_iter_timestamp(it, &seconds, &increment);
	return seconds == 0 && increment == 0 &&
	    strcmp(bson_iter_key(it), "_id") != 0;
}

/* A field that an update can name and mean no other. */
static bool
is_plain(const bson_t *doc, const char *name)
{
	bson_iter_t it;
	unsigned n = 0;

	if (*name == '\0' || *name == '$' || strchr(name, '.') != NULL ||
	    !bson_utf8_validate(name, strlen(name), false) ||
	    !bson_iter_init(&it, doc))
		return false;
	while (bson_iter_next(&it))
		n += strcmp(bson_iter_key(&it), name) == 0;
	return n == 1;
}

static enum correction
correction_of(const struct sink_item *item)
{
	bson_iter_t it;
	bson_t doc;
	bool plain = true;

	if (!raw_bson(item->doc, item->len, &doc) ||
	    !bson_iter_init(&it, &doc))
		return IMPOSSIBLE;
	while (plain && bson_iter_next(&it))
		plain = !is_zero_stamp(&it) ||
		    is_plain(&doc, bson_iter_key(&it));
	if (plain)
		return BY_SET;
	/* An update that brings in a name twice aborts mongod 6.0.5. */
	return raw_has_odd_names(item->doc, item->len) ? IMPOSSIBLE : BY_ROOT;
}

/* u: {$set: {name: Timestamp(0,0), …}} keeps all else as it is, names that
 * occur twice too (measured). */
static void
append_set(bson_t *update, const bson_t *doc)
{
	bson_iter_t it;
	bson_t u, fields;

	BSON_APPEND_DOCUMENT_BEGIN(update, "u", &u);
	BSON_APPEND_DOCUMENT_BEGIN(&u, "$set", &fields);
	if (bson_iter_init(&it, doc)) {
		while (bson_iter_next(&it)) {
			if (is_zero_stamp(&it))
				bson_append_iter(&fields, NULL, 0, &it);
		}
	}
	bson_append_document_end(&u, &fields);
	bson_append_document_end(update, &u);
}

/* u: [{$replaceRoot: {newRoot: {$literal: doc}}}] */
static void
append_root(bson_t *update, const bson_t *doc)
{
	bson_t pipeline, stage, root, literal;

	BSON_APPEND_ARRAY_BEGIN(update, "u", &pipeline);
	BSON_APPEND_DOCUMENT_BEGIN(&pipeline, "0", &stage);
	BSON_APPEND_DOCUMENT_BEGIN(&stage, "$replaceRoot", &root);
	BSON_APPEND_DOCUMENT_BEGIN(&root, "newRoot", &literal);
	BSON_APPEND_DOCUMENT(&literal, "$literal", doc);
	bson_append_document_end(&root, &literal);
	bson_append_document_end(&stage, &root);
	bson_append_document_end(&pipeline, &stage);
	bson_append_array_end(update, &pipeline);
}

/* {update: …, updates: [{q: {_id: …}, u: …}]}: forms of update that keep a
 * Timestamp(0,0). */
static void
build_correction(struct mongo_sink *k, const struct sink_item *item,
    bson_t *cmd)
{
	bson_t updates, update, q, doc;

	BSON_APPEND_UTF8(cmd, "update", k->ns.coll);
	if (sink_bypasses(k))
		BSON_APPEND_BOOL(cmd, "bypassDocumentValidation", true);
	BSON_APPEND_ARRAY_BEGIN(cmd, "updates", &updates);
	BSON_APPEND_DOCUMENT_BEGIN(&updates, "0", &update);
	BSON_APPEND_DOCUMENT_BEGIN(&update, "q", &q);
	sink_append_id(&q, item);
	bson_append_document_end(&update, &q);
	if (raw_bson(item->doc, item->len, &doc)) {
		if (correction_of(item) == BY_SET)
			append_set(&update, &doc);
		else
			append_root(&update, &doc);
	}
	bson_append_document_end(&updates, &update);
	bson_append_array_end(cmd, &updates);
}

/* A document that cannot be made right is not left there wrong. */
static void
take_away(struct mongo_sink *k, const struct sink_item *item)
{
	bson_t cmd, deletes, one, q;
	struct sink_result r;

	bson_init(&cmd);
	BSON_APPEND_UTF8(&cmd, "delete", k->ns.coll);
	BSON_APPEND_ARRAY_BEGIN(&cmd, "deletes", &deletes);
	BSON_APPEND_DOCUMENT_BEGIN(&deletes, "0", &one);
	BSON_APPEND_DOCUMENT_BEGIN(&one, "q", &q);
	sink_append_id(&q, item);
	bson_append_document_end(&one, &q);
	BSON_APPEND_INT32(&one, "limit", 1);
	bson_append_document_end(&deletes, &one);
	bson_append_array_end(&cmd, &deletes);
	sink_command(k, &cmd, &r);
	sink_result_free(&r);
	bson_destroy(&cmd);
}

/* What the server objects to is refused; the other reasons are about the
 * connection. */
static bool
correction_failed(struct mongo_sink *k, const struct sink_item *item,
    const struct sink_result *r, bool *refused, struct err *err)
{
	struct sink_error_walk walk = { .started = false };
	struct sink_error e;
	enum err_kind kind;

	if (sink_next_error(&r->reply, &walk, &e)) {
		kind = classify_code(e.code, e.message);
		if (kind == ERR_QUOTA) {
			classify_server(e.code, e.message, err);
			return false;
		}
		if (!err_retryable(kind)) {
			take_away(k, item);
			sink_refuse(k, item, &e);
			*refused = true;
			return true;
		}
	}
	return sink_may_repeat(k, r, err);
}

bool
sink_stamp_correct(struct mongo_sink *k, const struct sink_item *item,
    uint64_t *counted, struct err *err)
{
	struct sink_result r;
	bson_t cmd;
	bool done = false, refused = false, ok = true;

	while (ok && !done && !refused) {
		if (cancel_requested())
			return cancel_err(err);
		bson_init(&cmd);
		build_correction(k, item, &cmd);
		sink_command(k, &cmd, &r);
		bson_destroy(&cmd);
		done = r.ok;
		if (!done)
			ok = correction_failed(k, item, &r, &refused, err);
		sink_result_free(&r);
	}
	if (refused)
		(*counted)--;
	return ok;
}

bool
sink_stamp(struct mongo_sink *k, struct sink_item *item, struct err *err)
{
	static const struct sink_error refusal = {
		.code = 0,
		.message = "holds Timestamp(0,0), which this server replaces "
		    "by its own time, under a name that keeps it from being "
		    "corrected; MongoDB 6.0.17, 7.0.13 and 8.0 can store it",
	};
	uint64_t before = k->written->inserted;
	struct sink_item sent = *item;

	if (correction_of(item) == IMPOSSIBLE) {
		sink_refuse(k, item, &refusal);
		return true;
	}
	if (!sink_insert(k, &sent, 1, err))
		return false;
	return k->written->inserted == before ||
	    sink_stamp_correct(k, item, &k->written->inserted, err);
}
