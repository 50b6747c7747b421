#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cancel.h"
#include "base/log.h"
#include "mongo/raw.h"
#include "mongo/sink_internal.h"

/* A replacement is a delete and an insert in one ordered bulk, so that the new
 * document goes in as raw as any other.  A group goes in two commands; few
 * enough that a run cut short between the two leaves little missing. */
#define GROUP_DOCS 64
#define GROUP_BYTES ((size_t)8 * 1024 * 1024)
#define OLD_MAX ((size_t)64 * 1024 * 1024)

struct replacement {
	struct mongo_sink *k;
	struct sink_item items[GROUP_DOCS];
	size_t old_at[GROUP_DOCS];	/* where the target's own lies in old */
	size_t old_len[GROUP_DOCS];
	size_t n;
	size_t bytes;
	struct buf old;		/* put back if ours is refused */
};

struct replacement *
sink_replace_new(struct mongo_sink *k)
{
	struct replacement *r;

	if ((r = calloc(1, sizeof(*r))) == NULL)
		return NULL;
	r->k = k;
	buf_init(&r->old, OLD_MAX);
	return r;
}

void
sink_replace_free(struct replacement *r)
{

	if (r == NULL)
		return;
	buf_free(&r->old);
	free(r);
}

bool
sink_replace_add(struct replacement *r, const struct sink_item *item,
    const uint8_t *old, size_t old_len, struct err *err)
{

	if (r->n == GROUP_DOCS || (r->n > 0 &&
	    r->bytes + item->len + old_len > GROUP_BYTES)) {
		if (!sink_replace_flush(r, err))
			return false;
	}
	r->items[r->n] = *item;
	r->old_at[r->n] = r->old.len;
	r->old_len[r->n] = old_len;
	if (!buf_append(&r->old, old, old_len))
		return err_nomem(err, "document");
	r->n++;
	r->bytes += item->len + old_len;
	return true;
}

bool
sink_append_id(bson_t *filter, const struct sink_item *item)
{
	bson_iter_t it;
	bson_t doc, eq;

	if (!raw_bson(item->doc, item->len, &doc) ||
	    !bson_iter_init_find(&it, &doc, "_id"))
		return false;
	BSON_APPEND_DOCUMENT_BEGIN(filter, "_id", &eq);
	bson_append_iter(&eq, "$eq", 3, &it);
	bson_append_document_end(filter, &eq);
	return true;
}

/* Deletes n and inserts n of r's items from first on; without the deletes when
 * those were done. */
static void
send_group(const struct replacement *r, size_t first, bool deletes,
    struct sink_result *result)
{
	mongoc_bulk_operation_t *bulk;
	bson_t no_checks, filter;
	bool ok = true;
	size_t i;

	memset(&result->e, 0, sizeof(result->e));
	bson_init(&no_checks);
	BSON_APPEND_BOOL(&no_checks, "validate", false);
	bulk = mongoc_collection_create_bulk_operation_with_opts(r->k->coll,
	    NULL);
	if (sink_bypasses(r->k))
		mongoc_bulk_operation_set_bypass_document_validation(bulk, true);
	for (i = first; ok && deletes && i < r->n; i++) {
		bson_init(&filter);
		ok = sink_append_id(&filter, &r->items[i]) &&
		    mongoc_bulk_operation_remove_one_with_opts(bulk, &filter,
		    NULL, &result->e);
		bson_destroy(&filter);
	}
	for (i = first; ok && i < r->n; i++)
		ok = sink_add(bulk, &r->items[i], &no_checks, &result->e);
	if (ok)
		result->ok = mongoc_bulk_operation_execute(bulk,
		    &result->reply, &result->e) != 0;
	else {
		bson_init(&result->reply);
		result->ok = false;
	}
	mongoc_bulk_operation_destroy(bulk);
	bson_destroy(&no_checks);
}

/* Puts the target's own document back where ours was refused. */
static void
put_back(const struct replacement *r, size_t i)
{
	bson_t doc, no_checks;
	bson_error_t e;

	bson_init(&no_checks);
	BSON_APPEND_BOOL(&no_checks, "validate", false);
	/* It may be older than the target's validator. */
	if (sink_bypasses(r->k))
		BSON_APPEND_BOOL(&no_checks, "bypassDocumentValidation", true);
	if (!raw_bson(r->old.data + r->old_at[i], r->old_len[i], &doc) ||
	    !mongoc_collection_insert_one(r->k->coll, &doc, &no_checks, NULL,
	    &e))
		log_warning("%s: a document that could not be replaced could "
		    "not be put back either", r->k->o.ns);
	bson_destroy(&no_checks);
}

static void
count_replaced(const struct replacement *r, size_t first, size_t end)
{

	for (; first < end; first++) {
		r->k->written->replaced++;
		r->k->written->there_bytes += r->items[first].len;
	}
}

/* Corrects what was inserted from first up to end and had zero stamps. */
static bool
correct(const struct replacement *r, size_t first, size_t end,
    struct err *err)
{
	size_t i;

	for (i = first; i < end; i++) {
		if (r->items[i].way == SINK_STAMP &&
		    !sink_stamp_correct(r->k, &r->items[i],
		    &r->k->written->replaced, err))
			return false;
	}
	return true;
}

/* Where a group stands: all before first are done. */
struct standing {
	size_t first;
	bool deletes;		/* those of the rest are still to be done */
};

/* The first error stopped the bulk.  If it is about a document, that one is
 * out and the rest goes on without its deletes, which are done. */
static bool
after_error(const struct replacement *r, const struct sink_result *result,
    struct standing *at, struct err *err)
{
	struct sink_error_walk walk = { .started = false };
	struct sink_error e;
	size_t deletes = at->deletes ? r->n - at->first : 0, i;

	if (sink_concern_failed(&result->reply, NULL) ||
	    !sink_next_error(&result->reply, &walk, &e) || e.index < deletes ||
	    e.index - deletes >= r->n - at->first ||
	    err_retryable(classify_code(e.code, e.message)) ||
	    classify_code(e.code, e.message) == ERR_QUOTA) {
		at->deletes = true;
		return sink_may_repeat(r->k, result, err);
	}
	i = at->first + e.index - deletes;
	count_replaced(r, at->first, i);
	if (!correct(r, at->first, i, err))
		return false;
	sink_refuse(r->k, &r->items[i], &e);
	put_back(r, i);
	at->first = i + 1;
	at->deletes = false;
	return true;
}

bool
sink_replace_flush(struct replacement *r, struct err *err)
{
	struct standing at = { .first = 0, .deletes = true };
	struct sink_result result;
	bool ok = true;

	while (ok && at.first < r->n) {
		if (cancel_requested() && at.deletes)
			return cancel_err(err);
		send_group(r, at.first, at.deletes, &result);
		if (result.ok) {
			count_replaced(r, at.first, r->n);
			ok = correct(r, at.first, r->n, err);
			at.first = r->n;
		} else
			ok = after_error(r, &result, &at, err);
		sink_result_free(&result);
	}
	retry_reset(&r->k->retry);
	r->n = 0;
	r->bytes = 0;
	buf_reset(&r->old);
	return ok;
}
