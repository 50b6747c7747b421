#include "base/retry.h"
#include "mongo/find.h"
#include "mongo/raw.h"

static void
append_raw(bson_t *cmd, const char *name, const struct rawdoc *r)
{
	bson_t b;

	if (r != NULL && raw_bson(r->data, r->len, &b))
		BSON_APPEND_DOCUMENT(cmd, name, &b);
}

static void
append_one(bson_t *cmd, const char *name, const char *field)
{
	bson_t child;

	BSON_APPEND_DOCUMENT_BEGIN(cmd, name, &child);
	BSON_APPEND_INT32(&child, field, 1);
	bson_append_document_end(cmd, &child);
}

/* {_id: {$eq: MaxKey}}, and the user's filter as well. */
static void
append_max_key(bson_t *cmd, const struct rawdoc *filter)
{
	bson_t both, list, part, eq;
	bool has_filter = filter != NULL && filter->data != NULL;

	BSON_APPEND_DOCUMENT_BEGIN(cmd, "filter", &both);
	BSON_APPEND_ARRAY_BEGIN(&both, "$and", &list);
	BSON_APPEND_DOCUMENT_BEGIN(&list, "0", &part);
	BSON_APPEND_DOCUMENT_BEGIN(&part, "_id", &eq);
	BSON_APPEND_MAXKEY(&eq, "$eq");
	bson_append_document_end(&part, &eq);
	bson_append_document_end(&list, &part);
	if (has_filter)
		append_raw(&list, "1", filter);
	bson_append_array_end(&both, &list);
	bson_append_document_end(cmd, &both);
}

static void
append_read_concern(bson_t *cmd, const struct mongo_time *at)
{
	bson_t rc;

	if (at == NULL)
		return;
	BSON_APPEND_DOCUMENT_BEGIN(cmd, "readConcern", &rc);
	BSON_APPEND_UTF8(&rc, "level", "snapshot");
	BSON_APPEND_TIMESTAMP(&rc, "atClusterTime", at->seconds, at->increment);
	bson_append_document_end(cmd, &rc);
}

static void
build(const struct find *f, const char *coll, bson_t *cmd)
{

	BSON_APPEND_UTF8(cmd, "find", coll);
	if (f->max_key)
		append_max_key(cmd, f->filter);
	else
		append_raw(cmd, "filter", f->filter);
	if (f->natural)
		append_one(cmd, "hint", "$natural");
	if (f->by_id) {
		append_one(cmd, "hint", "_id");
		append_raw(cmd, "min", f->low);
		append_raw(cmd, "max", f->high);
	}
	if (f->ids_only)
		append_one(cmd, "projection", "_id");
	if (f->skip > 0)
		BSON_APPEND_INT64(cmd, "skip", (int64_t)f->skip);
	if (f->limit > 0)
		BSON_APPEND_INT64(cmd, "limit", (int64_t)f->limit);
	if (f->batch_docs > 0)
		BSON_APPEND_INT64(cmd, "batchSize", (int64_t)f->batch_docs);
	if (f->max_ms > 0)
		BSON_APPEND_INT64(cmd, "maxTimeMS", (int64_t)f->max_ms);
	append_read_concern(cmd, f->at);
}

bool
find_open(struct mongo_session *s, const struct session_ns *ns,
    const struct find *f, bson_t *reply, struct err *err)
{
	bson_t cmd;
	struct session_call call = {
		.db = ns->db, .command = &cmd, .opts = f->opts, .what = "find",
	};
	bool ok;

	bson_init(&cmd);
	build(f, ns->coll, &cmd);
	ok = session_once(s, &call, reply, err);
	bson_destroy(&cmd);
	return ok;
}

bool
find_more(struct mongo_session *s, const struct session_ns *ns,
    const struct find_more *m, bson_t *reply, struct err *err)
{
	bson_t cmd;
	struct session_call call = {
		.db = ns->db, .command = &cmd, .opts = m->opts,
		.what = "getMore",
	};
	bool ok;

	bson_init(&cmd);
	BSON_APPEND_INT64(&cmd, "getMore", m->id);
	BSON_APPEND_UTF8(&cmd, "collection", ns->coll);
	BSON_APPEND_INT64(&cmd, "batchSize", (int64_t)m->batch_docs);
	ok = session_once(s, &call, reply, err);
	bson_destroy(&cmd);
	return ok;
}

void
find_kill(struct mongo_session *s, const struct session_ns *ns,
    const bson_t *opts, int64_t id)
{
	bson_t cmd, list, reply;
	struct session_call call = {
		.db = ns->db, .command = &cmd, .opts = opts,
		.what = "killCursors",
	};
	struct err ignored;

	bson_init(&cmd);
	BSON_APPEND_UTF8(&cmd, "killCursors", ns->coll);
	BSON_APPEND_ARRAY_BEGIN(&cmd, "cursors", &list);
	BSON_APPEND_INT64(&list, "0", id);
	bson_append_array_end(&cmd, &list);
	session_once(s, &call, &reply, &ignored);
	bson_destroy(&reply);
	bson_destroy(&cmd);
}

/* The document of the batch that find_one() is after. */
static bool
choose(const struct find *f, bson_iter_t *docs, const uint8_t **data,
    uint32_t *len)
{
	const uint8_t *doc;
	uint64_t rank, least = 0;
	uint32_t doc_len;
	bool any = false;

	while ((!any || f->rank != NULL) && bson_iter_next(docs) &&
	    BSON_ITER_HOLDS_DOCUMENT(docs)) {
		bson_iter_document(docs, &doc_len, &doc);
		rank = f->rank != NULL ? f->rank(f->rank_arg, doc, doc_len) : 0;
		if (any && rank >= least)
			continue;
		any = true;
		least = rank;
		*data = doc;
		*len = doc_len;
	}
	return any;
}

static bool
find_once(struct mongo_session *s, const struct session_ns *ns,
    const struct find *f, struct rawdoc *out, bool *found, struct err *err)
{
	mongoc_client_session_t *session;
	struct find with = *f;
	const uint8_t *data = NULL;
	bson_t opts, reply;
	bson_iter_t docs;
	uint32_t len = 0;
	int64_t id;
	bool ok;

	*found = false;
	bson_init(&opts);
	if ((session = session_start(s, &opts, "find", err)) == NULL) {
		bson_destroy(&opts);
		return false;
	}
	with.opts = &opts;
	ok = find_open(s, ns, &with, &reply, err);
	if (ok && session_batch(&reply, &id, &docs) &&
	    choose(f, &docs, &data, &len)) {
		*found = true;
		if (!raw_copy(out, data, len))
			ok = err_nomem(err, "document");
	}
	bson_destroy(&reply);
	mongoc_client_session_destroy(session);
	bson_destroy(&opts);
	return ok;
}

bool
find_one(struct mongo_session *s, const struct session_ns *ns,
    const struct find *f, struct rawdoc *out, bool *found, struct err *err)
{
	struct retry retry;

	retry_init(&retry, s->server->patience_ms);
	while (!find_once(s, ns, f, out, found, err)) {
		if (!retry_wait(&retry, "find", 0, err))
			return false;
	}
	retry_reset(&retry);
	return true;
}
