#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "mongo/duplicates.h"
#include "mongo/raw.h"
#include "mongo/session.h"

#define REPLY_MAX ((size_t)16 * 1024 * 1024)
#define PATH_MAX_BYTES 1024

/* {_id: {k0: "$a", k1: "$b.c"}, first: …, last: …, n: …} from {a: 1, "b.c": 1} */
static bool
append_group(bson_t *stage, const bson_t *spec)
{
	bson_t group, keys, min, max, sum;
	bson_iter_t iter, key;
	char name[24], path[PATH_MAX_BYTES];
	uint32_t i = 0;

	if (!bson_iter_init_find(&iter, spec, "key") ||
	    !BSON_ITER_HOLDS_DOCUMENT(&iter) ||
	    !bson_iter_recurse(&iter, &key))
		return false;
	BSON_APPEND_DOCUMENT_BEGIN(stage, "$group", &group);
	BSON_APPEND_DOCUMENT_BEGIN(&group, "_id", &keys);
	while (bson_iter_next(&key)) {
		snprintf(name, sizeof(name), "k%" PRIu32, i++);
		snprintf(path, sizeof(path), "$%s", bson_iter_key(&key));
		BSON_APPEND_UTF8(&keys, name, path);
	}
	bson_append_document_end(&group, &keys);
	BSON_APPEND_DOCUMENT_BEGIN(&group, "first", &min);
	BSON_APPEND_UTF8(&min, "$min", "$_id");
	bson_append_document_end(&group, &min);
	BSON_APPEND_DOCUMENT_BEGIN(&group, "last", &max);
	BSON_APPEND_UTF8(&max, "$max", "$_id");
	bson_append_document_end(&group, &max);
	BSON_APPEND_DOCUMENT_BEGIN(&group, "n", &sum);
	BSON_APPEND_INT32(&sum, "$sum", 1);
	bson_append_document_end(&group, &sum);
	return bson_append_document_end(stage, &group);
}

/* Documents that the index leaves out are no duplicates. */
static void
append_members(bson_t *stage, const bson_t *spec)
{
	bson_t match, exists;
	bson_iter_t iter, key;
	bool sparse;

	sparse = bson_iter_init_find(&iter, spec, "sparse") &&
	    bson_iter_as_bool(&iter);
	if (bson_iter_init_find(&iter, spec, "partialFilterExpression")) {
		bson_append_iter(stage, "$match", -1, &iter);
		return;
	}
	BSON_APPEND_DOCUMENT_BEGIN(stage, "$match", &match);
	if (sparse && bson_iter_init_find(&iter, spec, "key") &&
	    bson_iter_recurse(&iter, &key) && bson_iter_next(&key)) {
		BSON_APPEND_DOCUMENT_BEGIN(&match, bson_iter_key(&key),
		    &exists);
		BSON_APPEND_BOOL(&exists, "$exists", true);
		bson_append_document_end(&match, &exists);
	}
	bson_append_document_end(stage, &match);
}

static bool
append_pipeline(bson_t *command, const bson_t *spec, uint64_t max)
{
	bson_t pipeline, stage, match, more;
	bool ok;

	BSON_APPEND_ARRAY_BEGIN(command, "pipeline", &pipeline);
	BSON_APPEND_DOCUMENT_BEGIN(&pipeline, "0", &stage);
	append_members(&stage, spec);
	bson_append_document_end(&pipeline, &stage);
	BSON_APPEND_DOCUMENT_BEGIN(&pipeline, "1", &stage);
	ok = append_group(&stage, spec);
	bson_append_document_end(&pipeline, &stage);
	BSON_APPEND_DOCUMENT_BEGIN(&pipeline, "2", &stage);
	BSON_APPEND_DOCUMENT_BEGIN(&stage, "$match", &match);
	BSON_APPEND_DOCUMENT_BEGIN(&match, "n", &more);
	BSON_APPEND_INT32(&more, "$gt", 1);
	bson_append_document_end(&match, &more);
	bson_append_document_end(&stage, &match);
	bson_append_document_end(&pipeline, &stage);
	BSON_APPEND_DOCUMENT_BEGIN(&pipeline, "3", &stage);
	BSON_APPEND_INT64(&stage, "$limit", (int64_t)max);
	bson_append_document_end(&pipeline, &stage);
	return bson_append_array_end(command, &pipeline) && ok;
}

static void
tell_pair(const bson_t *found, mongo_duplicate_fn *tell, void *arg)
{
	bson_t one = BSON_INITIALIZER, other = BSON_INITIALIZER;
	bson_iter_t iter;
	struct rawdoc a, b;

	if (bson_iter_init_find(&iter, found, "first"))
		bson_append_iter(&one, "_id", -1, &iter);
	if (bson_iter_init_find(&iter, found, "last"))
		bson_append_iter(&other, "_id", -1, &iter);
	a.data = (uint8_t *)(uintptr_t)bson_get_data(&one);
	a.len = one.len;
	b.data = (uint8_t *)(uintptr_t)bson_get_data(&other);
	b.len = other.len;
	tell(arg, &a, &b);
	bson_destroy(&one);
	bson_destroy(&other);
}

bool
mongo_duplicates(struct mongo_session *s, const char *ns,
    const struct index_info *index, uint64_t max, mongo_duplicate_fn *tell,
    void *arg, struct err *err)
{
	bson_t spec, doc, cursor, command = BSON_INITIALIZER;
	struct session_call call = { .what = "finding duplicates" };
	struct session_ns name;
	bson_iter_t iter;
	struct buf found;
	size_t at = 0;
	bool ok = false;

	buf_init(&found, REPLY_MAX);
	if (!session_split_ns(ns, &name, err))
		goto out;
	BSON_APPEND_UTF8(&command, "aggregate", name.coll);
	if (!raw_bson(index->spec.data, index->spec.len, &spec) ||
	    !append_pipeline(&command, &spec, max)) {
		err_set(err, ERR_UNSUPPORTED, "index %s has no plain key",
		    index->name);
		goto out;
	}
	BSON_APPEND_DOCUMENT_BEGIN(&command, "cursor", &cursor);
	bson_append_document_end(&command, &cursor);
	if (bson_iter_init_find(&iter, &spec, "collation"))
		bson_append_iter(&command, "collation", -1, &iter);
	call.db = name.db;
	call.command = &command;
	if (!session_collect(s, &call, &found, err))
		goto out;
	while (session_next_doc(&found, &at, &doc))
		tell_pair(&doc, tell, arg);
	ok = true;
out:
	buf_free(&found);
	bson_destroy(&command);
	return ok;
}
