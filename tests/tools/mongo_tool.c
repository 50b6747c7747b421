/*
 * Drives src/mongo from tests in other languages: answers JSON lines with JSON
 * lines.  Documents travel as hex, or in files, one behind the other.
 *
 *	{"op": "open", "as": "a", "uri": …, "patience_ms": n, "primary": bool}
 *	{"op": "close", "on": "a"}
 *	{"op": "same", "on": "a", "with": "b"}
 *	{"op": "time" | "writes", "on": …}
 *	{"op": "may", "on": …, "ns": …, "action": …}
 *	{"op": "redact", "text": …}
 *	{"op": "catalog", "on": …, "as": "x", "dbs": […], "stats": bool}
 *	{"op": "create" | "expiry" | "indexes", "on": …, "catalog": "x",
 *	    "of": NS in it, "ns": …, "view_on": …, "later": bool, "ttl": bool}
 *	{"op": "drop", "on": …, "ns": …}
 *	{"op": "compare", "catalog": "x", "of": NS, "with": "y", "to": NS,
 *	    "view_on": …}
 *	{"op": "split", "on": …, "catalog": "x", "of": NS, "docs": n,
 *	    "bytes": n, "at": [s, i]}
 *	{"op": "read", "on": …, "ns": …, "catalog": "x", "of": NS,
 *	    "ranged": bool, "low": hex, "high": hex, "filter": hex,
 *	    "at": [s, i], "batch_bytes": n, "file": …}
 *	{"op": "write", "on": …, "ns": …, "file": …, "mode": "refuse" | "keep" |
 *	    "replace", "timeseries": bool, "in_order": bool}
 *	{"op": "count" | "any" | "fetch", "on": …, "ns": …, "filter" | "id": hex}
 *	{"op": "judge", "on": …, "db": …, "query": hex, "docs": hex, "n": n,
 *	    "options": hex}
 *	{"op": "cancel", "after_ms": n}, {"op": "reset"}
 *
 * Every answer has "ok" and "log" (lines); without "ok" also "kind", "code",
 * "message", "hint".
 */
#include <pthread.h>
#include "base/buf.h"
#include "base/cancel.h"
#include "base/file.h"
#include "mongo/judge.h"
#include "mongo/sink.h"
#include "mongo/source.h"
#include "mongo_tool.h"
#include "mongo_tool_catalog.h"

#define FILE_MAX ((size_t)1024 * 1024 * 1024)
static bool
op_open(const json_t *q, json_t *a, struct err *err)
{
	struct mongo_options options = {
		.patience_ms = number(q, "patience_ms", 20000),
		.max_sessions = 4, .primary = flag(q, "primary"),
	};
	const struct mongo_facts *f;
	struct end *e = ends;

	while (e < ends + SLOTS - 1 && e->server != NULL)
		e++;
	if ((e->server = mongo_open(text(q, "uri"), &options, err)) == NULL)
		return false;
	e->session = mongo_session_new(e->server, err);
	snprintf(e->name, sizeof(e->name), "%s",
	    text(q, "as") != NULL ? text(q, "as") : "a");
	f = mongo_facts(e->server);
	set_text(a, "name", mongo_name(e->server));
	set_text(a, "identity", mongo_identity(e->server));
	set_text(a, "default_db", mongo_default_db(e->server));
	set_text(a, "version", f->version);
	set_text(a, "set_name", f->set_name);
	set(a, "version_number", (uint64_t)f->version_number);
	set(a, "max_document", f->max_document);
	json_object_set_new(a, "is_writable", json_boolean(f->is_writable));
	return e->session != NULL;
}

static bool
op_close(const json_t *q, json_t *a, struct err *err)
{
	struct end *e = end_of(q, "on");

	(void)a;
	if (e == NULL)
		return missing(err, "end");
	mongo_session_free(e->session);
	mongo_close(e->server);
	memset(e, 0, sizeof(*e));
	return true;
}

static bool
op_same(const json_t *q, json_t *a, struct err *err)
{
	struct end *e = end_of(q, "on"), *with = end_of(q, "with");

	if (e == NULL || with == NULL)
		return missing(err, "end");
	json_object_set_new(a, "same", json_boolean(mongo_same(e->server,
	    with->server)));
	return true;
}

static bool
op_server(struct end *e, const char *op, const json_t *q, json_t *a,
    struct err *err)
{
	struct mongo_time t;
	uint64_t writes;
	bool may;

	if (strcmp(op, "time") == 0) {
		if (!mongo_cluster_time(e->session, &t, err))
			return false;
		json_object_set_new(a, "time", json_pack("[II]",
		    (json_int_t)t.seconds, (json_int_t)t.increment));
	} else if (strcmp(op, "writes") == 0) {
		if (!mongo_write_counter(e->session, &writes, err))
			return false;
		set(a, "writes", writes);
	} else {
		if (!mongo_may(e->session, text(q, "ns"), text(q, "action"),
		    &may, err))
			return false;
		json_object_set_new(a, "may", json_boolean(may));
	}
	return true;
}

static const struct mongo_time *
time_of(const json_t *q, struct mongo_time *t)
{
	json_t *at = json_object_get(q, "at");

	if (!json_is_array(at))
		return NULL;
	t->seconds = (uint32_t)json_integer_value(json_array_get(at, 0));
	t->increment = (uint32_t)json_integer_value(json_array_get(at, 1));
	return t;
}

static bool
on_range(void *arg, const struct mongo_range *r, struct err *err)
{

	(void)err;
	json_array_append_new(arg, json_pack("[oo]", hex(r->low.data,
	    r->low.len), hex(r->high.data, r->high.len)));
	return true;
}

static bool
op_split(struct end *e, const json_t *q, json_t *a, struct err *err)
{
	struct mongo_time t;
	struct mongo_split split = {
		.info = info_of(q, "catalog", "of"),
		.max_docs = number(q, "docs", 65536),
		.max_bytes = number(q, "bytes", 64 * 1024 * 1024),
		.at = time_of(q, &t), .range = on_range,
	};

	if (split.info == NULL)
		return missing(err, "collection");
	split.arg = json_array();
	json_object_set_new(a, "ranges", split.arg);
	return mongo_split(e->session, &split, err);
}

static bool
op_judge(struct end *e, const json_t *q, json_t *a, struct err *err)
{
	struct judge j = { .db = text(q, "db"), .query = unhex(q, "query") };
	struct rawdoc docs = unhex(q, "docs");
	struct judge_documents d = {
		.docs = docs.data, .len = docs.len,
		.n = (size_t)number(q, "n", 0), .options = unhex(q, "options"),
	};
	bool *left_out = calloc(d.n + 1, sizeof(*left_out)), ok;
	json_t *list = json_array();
	size_t i;

	ok = judge_check(e->session, &j, err) &&
	    judge_documents(e->session, &j, &d, left_out, err);
	for (i = 0; ok && i < d.n; i++)
		json_array_append_new(list, json_boolean(left_out[i]));
	json_object_set_new(a, "left_out", list);
	free(left_out);
	free(docs.data);
	free(d.options.data);
	free(j.query.data);
	return ok;
}

/* Reads to a file; "documents" is told even if it fails. */
static bool
read_to(struct mongo_session *s, const struct mongo_read *r, FILE *f,
    json_t *a, struct err *err)
{
	struct mongo_cursor *c;
	enum mongo_next next;
	const uint8_t *doc;
	uint64_t n = 0;
	size_t len;

	if ((c = mongo_cursor_new(s, r, err)) == NULL)
		return false;
	while ((next = mongo_cursor_next(c, &doc, &len, err)) == MONGO_DOC) {
		fwrite(doc, 1, len, f);
		n++;
	}
	mongo_cursor_free(c);
	set(a, "documents", n);
	return next == MONGO_END;
}

static bool
op_read(struct end *e, const json_t *q, json_t *a, struct err *err)
{
	struct mongo_range range = { unhex(q, "low"), unhex(q, "high") };
	struct rawdoc filter = unhex(q, "filter");
	struct mongo_time t;
	struct mongo_read r = {
		.ns = text(q, "ns"), .info = info_of(q, "catalog", "of"),
		.range = flag(q, "ranged") ? &range : NULL,
		.filter = &filter, .at = time_of(q, &t),
		.batch_bytes = number(q, "batch_bytes", 1024 * 1024),
		.patience_ms = number(q, "patience_ms", 20000),
	};
	FILE *f = fopen(text(q, "file"), "wb");
	bool ok;

	if (f == NULL)
		return missing(err, "file");
	ok = read_to(e->session, &r, f, a, err);
	json_object_set_new(a, "time_gone", json_boolean(!ok &&
	    mongo_time_gone(err)));
	fclose(f);
	mongo_range_free(&range);
	free(filter.data);
	return ok;
}

static void
on_refused(void *arg, const struct mongo_refusal *r)
{

	json_array_append_new(arg, json_pack("{s:o,s:i,s:s?,s:b}", "doc",
	    hex(r->doc, r->len < 4096 ? r->len : 4096), "code", r->code,
	    "message", r->message, "unique", (int)r->unique));
}

static bool
op_write(struct end *e, const json_t *q, json_t *a, struct err *err)
{
	const char *mode = text(q, "mode") != NULL ? text(q, "mode") : "refuse";
	struct mongo_sink_options o = {
		.ns = text(q, "ns"), .timeseries = flag(q, "timeseries"),
		.on_conflict = mode[0] == 'k' ? MONGO_CONFLICT_KEEP :
		    strcmp(mode, "replace") == 0 ? MONGO_CONFLICT_REPLACE :
		    MONGO_CONFLICT_REFUSE,
		.in_order = flag(q, "in_order"), .refused = on_refused,
		.patience_ms = number(q, "patience_ms", 20000),
	};
	struct mongo_written w = { .inserted = 0 };
	struct mongo_sink *k;
	struct buf docs;
	bool ok = false;

	o.arg = json_array();
	json_object_set_new(a, "refusals", o.arg);
	buf_init(&docs, FILE_MAX);
	if (file_read(text(q, "file"), &docs, err) &&
	    (k = mongo_sink_new(e->session, &o, err)) != NULL) {
		ok = mongo_sink_write(k, docs.data, docs.len, 0, &w, err);
		mongo_sink_free(k);
	}
	buf_free(&docs);
	set(a, "inserted", w.inserted);
	set(a, "equal", w.equal);
	set(a, "replaced", w.replaced);
	set(a, "kept", w.kept);
	set(a, "refused", w.refused);
	return ok;
}

static bool
op_ask(struct end *e, const char *op, const json_t *q, json_t *a,
    struct err *err)
{
	struct rawdoc filter = unhex(q, "filter"), id = unhex(q, "id");
	struct buf doc;
	uint64_t n = 0;
	bool yes = false, ok;

	buf_init(&doc, (size_t)64 * 1024 * 1024);
	if (strcmp(op, "count") == 0)
		ok = mongo_count(e->session, text(q, "ns"), &filter, &n, err);
	else if (strcmp(op, "any") == 0)
		ok = mongo_any(e->session, text(q, "ns"), &yes, err);
	else
		ok = mongo_fetch(e->session, text(q, "ns"), &id, &doc, &yes,
		    err);
	set(a, "count", n);
	json_object_set_new(a, "found", json_boolean(yes));
	json_object_set_new(a, "doc", hex(doc.data, doc.len));
	buf_free(&doc);
	free(filter.data);
	free(id.data);
	return ok;
}

/* Asks for a stop after a while, as Ctrl-C would. */
static void *
cancel_later(void *arg)
{
	uint64_t *ms = arg;

	cancel_sleep(*ms);
	cancel_request();
	return NULL;
}

static bool
op_cancel(const json_t *q)
{
	static uint64_t ms;
	pthread_t thread;

	ms = number(q, "after_ms", 0);
	return pthread_create(&thread, NULL, cancel_later, &ms) == 0 &&
	    pthread_detach(thread) == 0;
}

static bool
op_redact(const json_t *q, json_t *a)
{
	char out[256];

	mongo_redact(text(q, "text"), out, sizeof(out));
	set_text(a, "redacted", out);
	return true;
}

static bool
run_on(struct end *e, const char *op, const json_t *q, json_t *a,
    struct err *err)
{

	if (strcmp(op, "split") == 0)
		return op_split(e, q, a, err);
	if (strcmp(op, "read") == 0)
		return op_read(e, q, a, err);
	if (strcmp(op, "write") == 0)
		return op_write(e, q, a, err);
	if (strcmp(op, "judge") == 0)
		return op_judge(e, q, a, err);
	if (strcmp(op, "count") == 0 || strcmp(op, "any") == 0 ||
	    strcmp(op, "fetch") == 0)
		return op_ask(e, op, q, a, err);
	if (strcmp(op, "time") == 0 || strcmp(op, "writes") == 0 ||
	    strcmp(op, "may") == 0)
		return op_server(e, op, q, a, err);
	return op_make(e, op, q, a, err);
}

static bool
run(const json_t *q, json_t *a, struct err *err)
{
	const char *op = text(q, "op");
	struct end *e;

	if (strcmp(op, "open") == 0)
		return op_open(q, a, err);
	if (strcmp(op, "close") == 0)
		return op_close(q, a, err);
	if (strcmp(op, "same") == 0)
		return op_same(q, a, err);
	if (strcmp(op, "catalog") == 0)
		return op_catalog(q, a, err);
	if (strcmp(op, "compare") == 0)
		return op_compare(q, a, err);
	if (strcmp(op, "redact") == 0)
		return op_redact(q, a);
	if (strcmp(op, "cancel") == 0)
		return op_cancel(q);
	if (strcmp(op, "reset") == 0) {
		cancel_reset();
		return true;
	}
	return (e = end_of(q, "on")) != NULL ? run_on(e, op, q, a, err) :
	    missing(err, "end");
}

int
main(void)
{
	json_t *request, *reply;
	struct err err;
	char *line = NULL;
	size_t cap = 0, i;
	bool ok;

	log_lines = json_array();
	log_set_handler(on_log, NULL, LOG_DEBUG);
	mongo_global_init();
	while (getline(&line, &cap, stdin) > 0) {
		if ((request = json_loads(line, 0, NULL)) == NULL)
			return 2;
		err_clear(&err);
		reply = json_object();
		ok = run(request, reply, &err);
		answer(reply, ok, &err);
		json_decref(request);
	}
	free(line);
	for (i = 0; i < SLOTS; i++) {
		catalog_free(kept[i].catalog);
		mongo_session_free(ends[i].session);
		mongo_close(ends[i].server);
	}
	mongo_global_cleanup();
	json_decref(log_lines);
	return 0;
}
