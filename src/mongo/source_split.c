#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/cancel.h"
#include "mongo/classify.h"
#include "mongo/find.h"
#include "mongo/raw.h"
#include "mongo/session.h"
#include "mongo/source.h"

#define WINDOW_MAX 1024
#define ANSWER_MAX ((size_t)1024 * 1024)

void
mongo_range_free(struct mongo_range *r)
{

	raw_free(&r->low);
	raw_free(&r->high);
}

/* How many documents of average size one range may hold. */
static uint64_t
docs_per_range(const struct mongo_split *split)
{
	const struct collection_info *info = split->info;
	uint64_t n = split->max_docs, average, floor;

	if (info->count > 0 && info->bytes > 0 && split->max_bytes > 0) {
		average = info->bytes / info->count + 1;
		if (split->max_bytes / average < n)
			n = split->max_bytes / average;
	}
	if (n == 0)
		return 1;
	/* With rank: much the same as long as averages are much the same. */
	for (floor = 1; floor <= n / 2; floor *= 2)
		continue;
	return split->rank != NULL ? floor : n;
}

/* The last documents of a range, among which the one to end before is sought. */
static uint64_t
docs_in_window(const struct mongo_split *split, uint64_t docs)
{

	return split->rank == NULL || docs < 8 ? 1 :
	    docs / 8 < WINDOW_MAX ? docs / 8 : WINDOW_MAX;
}

/* Nothing but MaxKey itself can stand at or behind MaxKey. */
static bool
is_max_key(const struct rawdoc *boundary)
{
	struct raw_element id;

	return raw_find_id(boundary->data, boundary->len, &id) &&
	    id.type == BSON_TYPE_MAXKEY;
}

/* Each step walks one range of the _id index from its low end; what it finds
 * is the next one's low end. */
static bool
walk(struct mongo_session *s, const struct mongo_split *split,
    struct err *err)
{
	struct mongo_range range;
	uint64_t docs = docs_per_range(split);
	uint64_t window = docs_in_window(split, docs);
	struct find f = {
		.by_id = true, .ids_only = true, .at = split->at,
		.skip = docs - window + 1, .low = &range.low,
		.limit = window, .batch_docs = window,
		.rank = split->rank, .rank_arg = split->arg,
	};
	struct session_ns ns;
	bool found = true, ok = true;

	if (!session_split_ns(split->info->ns, &ns, err))
		return false;
	memset(&range, 0, sizeof(range));
	while (ok && found) {
		if (cancel_requested()) {
			ok = cancel_err(err);
			break;
		}
		ok = find_one(s, &ns, &f, &range.high, &found, err);
		if (ok && found && is_max_key(&range.high)) {
			raw_free(&range.high);
			found = false;
		}
		ok = ok && split->range(split->arg, &range, err);
		raw_free(&range.low);
		range.low = range.high;
		memset(&range.high, 0, sizeof(range.high));
	}
	mongo_range_free(&range);
	return ok;
}

bool
mongo_split(struct mongo_session *s, const struct mongo_split *split,
    struct err *err)
{
	struct mongo_range whole;

	if (split->info->type == COLLECTION_PLAIN && !split->info->capped)
		return walk(s, split, err);
	memset(&whole, 0, sizeof(whole));
	return split->range(split->arg, &whole, err);
}

/* [{$match: filter}, {$group: {_id: 1, n: {$sum: 1}}}] */
static void
build_count(const struct session_ns *ns, const struct rawdoc *filter,
    bson_t *cmd)
{
	bson_t pipeline, stage, group, sum, match;
	bool matches = filter != NULL &&
	    raw_bson(filter->data, filter->len, &match);

	BSON_APPEND_UTF8(cmd, "aggregate", ns->coll);
	BSON_APPEND_ARRAY_BEGIN(cmd, "pipeline", &pipeline);
	if (matches) {
		BSON_APPEND_DOCUMENT_BEGIN(&pipeline, "0", &stage);
		BSON_APPEND_DOCUMENT(&stage, "$match", &match);
		bson_append_document_end(&pipeline, &stage);
	}
	BSON_APPEND_DOCUMENT_BEGIN(&pipeline, matches ? "1" : "0", &stage);
	BSON_APPEND_DOCUMENT_BEGIN(&stage, "$group", &group);
	BSON_APPEND_INT32(&group, "_id", 1);
	BSON_APPEND_DOCUMENT_BEGIN(&group, "n", &sum);
	BSON_APPEND_INT32(&sum, "$sum", 1);
	bson_append_document_end(&group, &sum);
	bson_append_document_end(&stage, &group);
	bson_append_document_end(&pipeline, &stage);
	bson_append_array_end(cmd, &pipeline);
	BSON_APPEND_DOCUMENT_BEGIN(cmd, "cursor", &group);
	bson_append_document_end(cmd, &group);
}

bool
mongo_count(struct mongo_session *s, const char *name,
    const struct rawdoc *filter, uint64_t *count, struct err *err)
{
	char what[SESSION_NS_SIZE];
	struct session_ns ns;
	bson_t cmd, doc;
	struct session_call call = { .command = &cmd, .what = what };
	struct buf answer;
	bson_iter_t it;
	size_t at = 0;
	bool ok;

	if (!session_split_ns(name, &ns, err))
		return false;
	snprintf(what, sizeof(what), "count %s", name);
	call.db = ns.db;
	buf_init(&answer, ANSWER_MAX);
	bson_init(&cmd);
	build_count(&ns, filter, &cmd);
	ok = session_collect(s, &call, &answer, err);
	*count = 0;
	if (ok && session_next_doc(&answer, &at, &doc) &&
	    bson_iter_init_find(&it, &doc, "n"))
		*count = (uint64_t)bson_iter_as_int64(&it);
	bson_destroy(&cmd);
	buf_free(&answer);
	return ok;
}

bool
mongo_any(struct mongo_session *s, const char *name, bool *any,
    struct err *err)
{
	struct find f = { .ids_only = true, .limit = 1 };
	struct session_ns ns;
	struct rawdoc doc = { NULL, 0 };
	bool ok;

	if (!session_split_ns(name, &ns, err))
		return false;
	ok = find_one(s, &ns, &f, &doc, any, err);
	raw_free(&doc);
	return ok;
}

bool
mongo_time_gone(const struct err *err)
{

	return err->kind == ERR_UNSUPPORTED &&
	    (err->code == CLASSIFY_SNAPSHOT_TOO_OLD ||
	    err->code == CLASSIFY_SNAPSHOT_UNAVAILABLE);
}

bool
mongo_readable_at(struct mongo_session *s, const char *name,
    const struct mongo_time *at, uint64_t wait_ms, struct err *err)
{
	struct find f = {
		.ids_only = true, .limit = 1, .at = at, .max_ms = wait_ms
	};
	struct rawdoc doc = { NULL, 0 };
	struct session_ns ns;
	bool found, ok;

	if (!session_split_ns(name, &ns, err))
		return false;
	ok = find_one(s, &ns, &f, &doc, &found, err);
	raw_free(&doc);
	return ok;
}

/* {_id: {$eq: value}}: right for values that are documents themselves. */
static bool
build_equal(const struct rawdoc *id, bson_t *filter)
{
	bson_iter_t it;
	bson_t b, eq;

	if (!raw_bson(id->data, id->len, &b) ||
	    !bson_iter_init_find(&it, &b, "_id"))
		return false;
	BSON_APPEND_DOCUMENT_BEGIN(filter, "_id", &eq);
	bson_append_iter(&eq, "$eq", 3, &it);
	bson_append_document_end(filter, &eq);
	return true;
}

bool
mongo_fetch(struct mongo_session *s, const char *name,
    const struct rawdoc *id, struct buf *out, bool *found, struct err *err)
{
	struct rawdoc doc = { NULL, 0 }, filter_raw;
	struct find f = { .filter = &filter_raw, .limit = 1 };
	struct session_ns ns;
	bson_t filter;
	bool ok;

	if (!session_split_ns(name, &ns, err))
		return false;
	bson_init(&filter);
	if (!build_equal(id, &filter)) {
		bson_destroy(&filter);
		return err_set(err, ERR_INTERNAL, "fetch from %s: no _id", name);
	}
	filter_raw.data = (uint8_t *)(uintptr_t)bson_get_data(&filter);
	filter_raw.len = filter.len;
	ok = find_one(s, &ns, &f, &doc, found, err);
	if (ok && *found && !buf_append(out, doc.data, doc.len))
		ok = err_nomem(err, "document");
	raw_free(&doc);
	bson_destroy(&filter);
	return ok;
}
