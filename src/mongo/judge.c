#include <string.h>

#include "mongo/judge.h"
#include "mongo/raw.h"
#include "mongo/session.h"

#define LEAST_VERSION 60000
#define COMMAND_MAX ((size_t)16 * 1024 * 1024) /* that a server takes */
#define ROOM ((size_t)8 * 1024)	/* for what is not documents or filter */
#define REPLY_MAX ((size_t)64 * 1024 * 1024)

/* [{i: 0, d: document}, …] */
static bool
append_documents(bson_t *stage, const struct judge_documents *d)
{
	bson_t literal, list, one, doc;
	const char *key;
	char digits[16];
	size_t at, len;
	uint32_t i;
	bool ok = true;

	BSON_APPEND_DOCUMENT_BEGIN(stage, "$documents", &literal);
	BSON_APPEND_ARRAY_BEGIN(&literal, "$literal", &list);
	for (i = 0, at = 0; ok && i < d->n; i++, at += len) {
		uint32_t le;

		memcpy(&le, d->docs + at, sizeof(le));
		len = BSON_UINT32_FROM_LE(le);
		bson_uint32_to_string(i, &key, digits, sizeof(digits));
		ok = len <= d->len - at &&
		    raw_bson(d->docs + at, len, &doc) &&
		    BSON_APPEND_DOCUMENT_BEGIN(&list, key, &one) &&
		    BSON_APPEND_INT32(&one, "i", (int32_t)i) &&
		    BSON_APPEND_DOCUMENT(&one, "d", &doc) &&
		    bson_append_document_end(&list, &one);
	}
	bson_append_array_end(&literal, &list);
	bson_append_document_end(stage, &literal);
	return ok;
}

/* {from nowhere, let: {d: "$d"}, pipeline: [{$documents: ["$$d"]}, {$match:
 * filter}, {$project: {_id: 0, m: {$literal: 1}}}], as: "m"} */
static void
append_lookup(bson_t *stage, const bson_t *filter)
{
	bson_t lookup, let, pipeline, inner, list, project, literal;

	BSON_APPEND_DOCUMENT_BEGIN(stage, "$lookup", &lookup);
	BSON_APPEND_DOCUMENT_BEGIN(&lookup, "let", &let);
	BSON_APPEND_UTF8(&let, "d", "$d");
	bson_append_document_end(&lookup, &let);
	BSON_APPEND_ARRAY_BEGIN(&lookup, "pipeline", &pipeline);
	BSON_APPEND_DOCUMENT_BEGIN(&pipeline, "0", &inner);
	BSON_APPEND_ARRAY_BEGIN(&inner, "$documents", &list);
	BSON_APPEND_UTF8(&list, "0", "$$d");
	bson_append_array_end(&inner, &list);
	bson_append_document_end(&pipeline, &inner);
	BSON_APPEND_DOCUMENT_BEGIN(&pipeline, "1", &inner);
	BSON_APPEND_DOCUMENT(&inner, "$match", filter);
	bson_append_document_end(&pipeline, &inner);
	BSON_APPEND_DOCUMENT_BEGIN(&pipeline, "2", &inner);
	BSON_APPEND_DOCUMENT_BEGIN(&inner, "$project", &project);
	BSON_APPEND_INT32(&project, "_id", 0);
	BSON_APPEND_DOCUMENT_BEGIN(&project, "m", &literal);
	BSON_APPEND_INT32(&literal, "$literal", 1);
	bson_append_document_end(&project, &literal);
	bson_append_document_end(&inner, &project);
	bson_append_document_end(&pipeline, &inner);
	bson_append_array_end(&lookup, &pipeline);
	BSON_APPEND_UTF8(&lookup, "as", "m");
	bson_append_document_end(stage, &lookup);
}

/* {$match: {m: {$ne: []}}}, {$project: {i: 1}} */
static void
append_answer(bson_t *pipeline)
{
	bson_t stage, match, ne, none, project;

	BSON_APPEND_DOCUMENT_BEGIN(pipeline, "2", &stage);
	BSON_APPEND_DOCUMENT_BEGIN(&stage, "$match", &match);
	BSON_APPEND_DOCUMENT_BEGIN(&match, "m", &ne);
	BSON_APPEND_ARRAY_BEGIN(&ne, "$ne", &none);
	bson_append_array_end(&ne, &none);
	bson_append_document_end(&match, &ne);
	bson_append_document_end(&stage, &match);
	bson_append_document_end(pipeline, &stage);
	BSON_APPEND_DOCUMENT_BEGIN(pipeline, "3", &stage);
	BSON_APPEND_DOCUMENT_BEGIN(&stage, "$project", &project);
	BSON_APPEND_INT32(&project, "i", 1);
	bson_append_document_end(&stage, &project);
	bson_append_document_end(pipeline, &stage);
}

static void
append_collation(bson_t *cmd, const struct rawdoc *options)
{
	bson_iter_t it;
	bson_t b;

	if (options->data != NULL &&
	    raw_bson(options->data, options->len, &b) &&
	    bson_iter_init_find(&it, &b, "collation") &&
	    BSON_ITER_HOLDS_DOCUMENT(&it))
		bson_append_iter(cmd, "collation", -1, &it);
}

static bool
build(bson_t *cmd, const struct judge *j, const struct judge_documents *d)
{
	bson_t pipeline, stage, cursor, filter;
	bool ok;

	if (!raw_bson(j->query.data, j->query.len, &filter))
		return false;
	BSON_APPEND_INT32(cmd, "aggregate", 1);
	BSON_APPEND_ARRAY_BEGIN(cmd, "pipeline", &pipeline);
	BSON_APPEND_DOCUMENT_BEGIN(&pipeline, "0", &stage);
	ok = append_documents(&stage, d);
	bson_append_document_end(&pipeline, &stage);
	BSON_APPEND_DOCUMENT_BEGIN(&pipeline, "1", &stage);
	append_lookup(&stage, &filter);
	bson_append_document_end(&pipeline, &stage);
	append_answer(&pipeline);
	bson_append_array_end(cmd, &pipeline);
	BSON_APPEND_DOCUMENT_BEGIN(cmd, "cursor", &cursor);
	BSON_APPEND_INT32(&cursor, "batchSize", (int32_t)d->n + 1);
	bson_append_document_end(cmd, &cursor);
	append_collation(cmd, &d->options);
	return ok;
}

static bool
take_answer(const struct buf *answer, size_t n, bool *left_out)
{
	bson_iter_t it;
	size_t at = 0;
	int64_t i;
	bson_t doc;

	memset(left_out, true, n * sizeof(*left_out));
	while (session_next_doc(answer, &at, &doc)) {
		if (!bson_iter_init_find(&it, &doc, "i") ||
		    (i = bson_iter_as_int64(&it)) < 0 || (uint64_t)i >= n ||
		    !left_out[i])
			return false;
		left_out[i] = false;
	}
	return true;
}

static bool
ask(struct mongo_session *s, const struct judge *j,
    const struct judge_documents *d, bool *left_out, struct err *err)
{
	bson_t cmd;
	struct session_call call = {
		.db = j->db, .command = &cmd, .what = "--query",
	};
	struct buf answer;
	bool ok;

	bson_init(&cmd);
	buf_init(&answer, REPLY_MAX);
	ok = build(&cmd, j, d) ?
	    session_collect(s, &call, &answer, err) :
	    err_nomem(err, "--query");
	if (ok && !take_answer(&answer, d->n, left_out))
		ok = err_set(err, ERR_UNSUPPORTED, "--query: the server's "
		    "answer is not understood");
	buf_free(&answer);
	bson_destroy(&cmd);
	return ok;
}

bool
judge_documents(struct mongo_session *s, const struct judge *j,
    const struct judge_documents *d, bool *left_out, struct err *err)
{
	struct judge_documents piece = *d;
	size_t at = 0, len, bytes, most = COMMAND_MAX - ROOM;
	uint32_t le;

	if (j->query.len > most / 2)
		return err_set(err, ERR_UNSUPPORTED, "--query is too long");
	most -= j->query.len;
	/* As many at a time as one command may carry: each adds some bytes. */
	while (at < d->len) {
		piece.docs = d->docs + at;
		piece.n = 0;
		for (piece.len = 0, bytes = 0; at < d->len; at += len) {
			memcpy(&le, d->docs + at, sizeof(le));
			len = BSON_UINT32_FROM_LE(le);
			if (len < 5 || len > d->len - at)
				return err_set(err, ERR_INTERNAL,
				    "--query: no documents");
			if (bytes + len + 32 > most)
				break;
			bytes += len + 32;
			piece.len += len;
			piece.n++;
		}
		if (piece.n == 0)
			return err_set(err, ERR_UNSUPPORTED, "--query: a "
			    "document of %zu bytes is too large to be asked "
			    "about", len);
		if (!ask(s, j, &piece, left_out, err))
			return false;
		left_out += piece.n;
	}
	return true;
}

/* A field whose name, or a part of whose path, has no bytes. */
static bool
has_empty_name(bson_iter_t *it)
{
	bson_iter_t inner;

	while (bson_iter_next(it)) {
		const char *key = bson_iter_key(it);
		size_t len = strlen(key);

		if (len == 0 || key[0] == '.' || key[len - 1] == '.' ||
		    strstr(key, "..") != NULL)
			return true;
		if ((BSON_ITER_HOLDS_DOCUMENT(it) ||
		    BSON_ITER_HOLDS_ARRAY(it)) &&
		    bson_iter_recurse(it, &inner) && has_empty_name(&inner))
			return true;
	}
	return false;
}

bool
judge_check(struct mongo_session *s, const struct judge *j, struct err *err)
{
	static const uint8_t empty[] = { 5, 0, 0, 0, 0 };
	struct judge_documents d = {
		.docs = empty, .len = sizeof(empty), .n = 1,
	};
	const struct mongo_facts *facts = mongo_facts(s->server);
	bson_iter_t it;
	bson_t query;
	bool unused;

	if (facts->version_number < LEAST_VERSION)
		return err_set(err, ERR_UNSUPPORTED, "--query asks the target "
		    "about documents that no server holds, which MongoDB can "
		    "from 6.0 on, and it is %s", facts->version);
	if (raw_bson(j->query.data, j->query.len, &query) &&
	    bson_iter_init(&it, &query) && has_empty_name(&it))
		return err_set(err, ERR_UNSUPPORTED, "--query: fields with "
		    "empty names cannot be asked about here");
	return judge_documents(s, j, &d, &unused, err);
}
