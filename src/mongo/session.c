#include <stdio.h>
#include <string.h>

#include "base/cancel.h"
#include "base/retry.h"
#include "mongo/classify.h"
#include "mongo/session.h"

bool
session_split_ns(const char *ns, struct session_ns *out, struct err *err)
{
	size_t len = strcspn(ns, ".");

	if (len == 0 || len >= sizeof(out->db) || ns[len] == '\0' ||
	    ns[len + 1] == '\0')
		return err_set(err, ERR_INTERNAL, "'%s' is no namespace", ns);
	memcpy(out->db, ns, len);
	out->db[len] = '\0';
	out->coll = ns + len + 1;
	return true;
}

bool
session_error(const struct mongo_session *s, const char *what,
    const bson_error_t *e, const bson_t *reply, struct err *err)
{

	classify_error(e, reply, err);
	/* A name that did resolve will do so again. */
	if (err != NULL && err->kind == ERR_DNS && s->server->opened)
		err->kind = ERR_NETWORK;
	return err_prefix(err, "%s: %s", s->server->hosts, what);
}

mongoc_client_t *
session_dial(struct mongo_server *s, bool brief, struct err *err)
{
	struct mongo_session no_session = { .server = s };
	mongoc_client_t *client;
	mongoc_uri_t *uri;
	bson_error_t e;

	memset(&e, 0, sizeof(e));
	uri = mongoc_uri_copy(s->uri);
	mongoc_uri_set_option_as_bool(uri, MONGOC_URI_SERVERSELECTIONTRYONCE,
	    brief);
	/* libmongoc takes 0 for its default of five minutes. */
	if (!brief)
		mongoc_uri_set_option_as_int32(uri,
		    MONGOC_URI_SOCKETTIMEOUTMS, INT32_MAX);
	client = mongoc_client_new_from_uri_with_error(uri, &e);
	mongoc_uri_destroy(uri);
	if (client == NULL) {
		session_error(&no_session, "connect", &e, NULL, err);
		if (e.domain == MONGOC_ERROR_COMMAND && err != NULL)
			err->kind = ERR_URI;	/* options at odds */
		return NULL;
	}
	mongoc_client_set_error_api(client, MONGOC_ERROR_API_VERSION_2);
	return client;
}

bool
session_once(struct mongo_session *s, const struct session_call *c,
    bson_t *reply, struct err *err)
{
	bson_error_t e;
	bool ok;

	memset(&e, 0, sizeof(e));
	if (c->write)
		ok = mongoc_client_write_command_with_opts(s->client, c->db,
		    c->command, c->opts, reply, &e);
	else
		ok = mongoc_client_command_with_opts(s->client, c->db,
		    c->command, mongoc_client_get_read_prefs(s->client),
		    c->opts, reply, &e);
	return ok || session_error(s, c->what, &e, reply, err);
}

bool
session_run(struct mongo_session *s, const struct session_call *c,
    bson_t *reply, struct err *err)
{
	struct retry retry;

	retry_init(&retry, s->server->patience_ms);
	while (!session_once(s, c, reply, err)) {
		if (!retry_wait(&retry, c->what, 0, err))
			return false;
		bson_destroy(reply);
	}
	retry_reset(&retry);
	return true;
}

bool
session_batch(const bson_t *reply, int64_t *id, bson_iter_t *docs)
{
	bson_iter_t it, cursor;
	bool have_id = false, have_docs = false;

	if (!bson_iter_init_find(&it, reply, "cursor") ||
	    !BSON_ITER_HOLDS_DOCUMENT(&it) || !bson_iter_recurse(&it, &cursor))
		return false;
	while (bson_iter_next(&cursor)) {
		const char *key = bson_iter_key(&cursor);

		if (strcmp(key, "id") == 0) {
			*id = bson_iter_as_int64(&cursor);
			have_id = true;
		} else if (strcmp(key, "firstBatch") == 0 ||
		    strcmp(key, "nextBatch") == 0)
			have_docs = BSON_ITER_HOLDS_ARRAY(&cursor) &&
			    bson_iter_recurse(&cursor, docs);
	}
	return have_id && have_docs;
}

mongoc_client_session_t *
session_start(struct mongo_session *s, bson_t *opts, const char *what,
    struct err *err)
{
	mongoc_server_description_t *server;
	mongoc_client_session_t *session;
	mongoc_session_opt_t *so;
	bson_error_t e;
	uint32_t id;

	memset(&e, 0, sizeof(e));
	server = mongoc_client_select_server(s->client, false,
	    mongoc_client_get_read_prefs(s->client), &e);
	if (server == NULL)
		goto fail;
	id = mongoc_server_description_id(server);
	mongoc_server_description_destroy(server);
	so = mongoc_session_opts_new();
	mongoc_session_opts_set_causal_consistency(so, false);
	session = mongoc_client_start_session(s->client, so, &e);
	mongoc_session_opts_destroy(so);
	if (session == NULL)
		goto fail;
	if (!mongoc_client_session_append(session, opts, &e))
		goto fail_session;
	BSON_APPEND_INT32(opts, "serverId", (int32_t)id);
	return session;

fail_session:
	mongoc_client_session_destroy(session);
fail:
	session_error(s, what, &e, NULL, err);
	return NULL;
}

static bool
append_batch(const bson_t *reply, int64_t *id, struct buf *out,
    const char *what, struct err *err)
{
	const uint8_t *data;
	bson_iter_t docs;
	uint32_t len;

	if (!session_batch(reply, id, &docs))
		return err_set(err, ERR_UNSUPPORTED, "%s: the server's answer "
		    "is no cursor", what);
	while (bson_iter_next(&docs)) {
		if (!BSON_ITER_HOLDS_DOCUMENT(&docs))
			continue;
		bson_iter_document(&docs, &len, &data);
		if (!buf_append(out, data, len))
			return err_nomem(err, what);
	}
	return true;
}

/* The collection that getMore must name: of listCollections and the like it
 * is "$cmd.listCollections". */
static bool
cursor_collection(const bson_t *reply, char *out, size_t size)
{
	bson_iter_t it, ns;
	const char *dot;

	if (!bson_iter_init(&it, reply) ||
	    !bson_iter_find_descendant(&it, "cursor.ns", &ns) ||
	    !BSON_ITER_HOLDS_UTF8(&ns) ||
	    (dot = strchr(bson_iter_utf8(&ns, NULL), '.')) == NULL)
		return false;
	return (size_t)snprintf(out, size, "%s", dot + 1) < size;
}

/* The rest of a cursor whose first batch was taken. */
static bool
collect_more(struct mongo_session *s, const struct session_call *c,
    const char *coll, int64_t id, struct buf *out, struct err *err)
{
	struct session_call call = *c;
	bson_t more, reply;
	bool ok = true;

	while (ok && id != 0) {
		if (cancel_requested())
			return cancel_err(err);
		bson_init(&more);
		BSON_APPEND_INT64(&more, "getMore", id);
		BSON_APPEND_UTF8(&more, "collection", coll);
		call.command = &more;
		ok = session_once(s, &call, &reply, err) &&
		    append_batch(&reply, &id, out, c->what, err);
		bson_destroy(&reply);
		bson_destroy(&more);
	}
	return ok;
}

static bool
collect_once(struct mongo_session *s, const struct session_call *c,
    struct buf *out, struct err *err)
{
	mongoc_client_session_t *session;
	struct session_call call = *c;
	char coll[SESSION_NS_SIZE];
	bson_t opts, reply;
	int64_t id = 0;
	bool ok;

	bson_init(&opts);
	if ((session = session_start(s, &opts, c->what, err)) == NULL) {
		bson_destroy(&opts);
		return false;
	}
	call.opts = &opts;
	ok = session_once(s, &call, &reply, err) &&
	    append_batch(&reply, &id, out, c->what, err);
	if (ok && id != 0 && !cursor_collection(&reply, coll, sizeof(coll)))
		ok = err_set(err, ERR_UNSUPPORTED, "%s: the server's cursor "
		    "has no name", c->what);
	bson_destroy(&reply);
	ok = ok && collect_more(s, &call, coll, id, out, err);
	mongoc_client_session_destroy(session);
	bson_destroy(&opts);
	return ok;
}

bool
session_collect(struct mongo_session *s, const struct session_call *c,
    struct buf *out, struct err *err)
{
	struct retry retry;
	size_t start = out->len;

	retry_init(&retry, s->server->patience_ms);
	while (!collect_once(s, c, out, err)) {
		out->len = start;
		if (!retry_wait(&retry, c->what, 0, err))
			return false;
	}
	retry_reset(&retry);
	return true;
}

bool
session_next_doc(const struct buf *docs, size_t *at, bson_t *doc)
{
	uint32_t len;

	if (*at + 5 > docs->len)
		return false;
	memcpy(&len, docs->data + *at, 4);
	len = BSON_UINT32_FROM_LE(len);
	if (len > docs->len - *at ||
	    !bson_init_static(doc, docs->data + *at, len))
		return false;
	*at += len;
	return true;
}
