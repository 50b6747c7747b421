/*
 * Drives the stores from tests in other languages:
 *
 *	store_tool URL [create] [patience_ms=N] [part_size=N]
 *
 * opens the store, prints {"ok": true, "name": …, "identity": …} or an error,
 * and then answers JSON lines with JSON lines.  Requests have an "op":
 *
 *	{"op": "probe", "write": bool}
 *	{"op": "list"}				-> objects, oddities
 *	{"op": "head", "key": …}		-> found, and the object
 *	{"op": "get", "key": …, "file": …}	-> the object; its bytes to file
 *	{"op": "read", "key": …, "file": …, "block": n}	the same by store_file_*
 *	{"op": "put", "key": …, "file": …}	-> etag, sent, upload_id
 *	    and content_type, cache_control, content_disposition,
 *	    content_encoding, upload_id, sha256 (hex; instead of the file's),
 *	    create_only (bool), if_match
 *	{"op": "delete", "key": …}
 *
 * Every answer has "ok" and "log" (lines); without "ok" also "kind", "message",
 * "hint".
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>

#include "base/log.h"
#include "store/store.h"

static json_t *log_lines;

static void
on_log(enum log_level level, const char *line, void *arg)
{
	static const char *const names[] = { "debug", "info", "warning" };

	(void)arg;
	json_array_append_new(log_lines, json_sprintf("%s: %s", names[level],
	    line));
}

static const char *
text(const json_t *request, const char *name)
{

	return json_string_value(json_object_get(request, name));
}

static void
set_text(json_t *o, const char *name, const char *value)
{
	json_t *s = json_string(value);

	json_object_set_new(o, name, s != NULL ? s : json_string("NOT UTF-8"));
}

static void
set_object(json_t *reply, const struct store_object *o)
{

	set_text(reply, "key", o->key);
	set_text(reply, "etag", o->etag);
	json_object_set_new(reply, "size", json_integer((json_int_t)o->size));
	json_object_set_new(reply, "mtime_ns", json_integer(o->mtime_ns));
}

static bool
on_object(void *arg, const struct store_object *o, struct err *err)
{
	json_t *one = json_object();

	(void)err;
	set_object(one, o);
	json_array_append_new(json_object_get(arg, "objects"), one);
	return true;
}

static bool
on_oddity(void *arg, enum store_oddity kind, const char *name,
    const char *why, struct err *err)
{
	static const char *const kinds[] = { "outside_link", "loop", "special",
		"bad_name", "unreadable", "dangling_link" };
	json_t *one = json_object();

	(void)err;
	set_text(one, "kind", kinds[kind]);
	set_text(one, "name", name);
	set_text(one, "why", why);
	json_array_append_new(json_object_get(arg, "oddities"), one);
	return true;
}

static bool
do_list(struct store_session *ss, json_t *reply, struct err *err)
{
	static const struct store_list_ops ops = { on_object, on_oddity };

	json_object_set_new(reply, "objects", json_array());
	json_object_set_new(reply, "oddities", json_array());
	return store_list(ss, &ops, reply, err);
}

static bool
do_head(struct store_session *ss, const char *key, json_t *reply,
    struct err *err)
{
	struct store_object o;
	enum store_found found = store_head(ss, key, &o, err);

	json_object_set_new(reply, "found", json_boolean(found == STORE_FOUND));
	if (found == STORE_FOUND)
		set_object(reply, &o);
	return found != STORE_FAILED;
}

static bool
write_out(void *arg, const void *data, size_t len, struct err *err)
{

	if (len > (size_t)1 << 20)
		return err_set(err, ERR_INTERNAL, "a piece of %zu bytes", len);
	return fwrite(data, 1, len, arg) == len ||
	    err_set(err, ERR_DISK, "cannot write");
}

static bool
do_get(struct store_session *ss, const json_t *request, json_t *reply,
    struct err *err)
{
	FILE *f = fopen(text(request, "file"), "w");
	struct store_object o;
	bool ok;

	if (f == NULL)
		return err_set(err, ERR_DISK, "cannot open the file");
	ok = store_get(ss, text(request, "key"), &o, write_out, f, err);
	fclose(f);
	if (ok)
		set_object(reply, &o);
	return ok;
}

static bool
do_read(struct store_session *ss, const json_t *request, json_t *reply,
    struct err *err)
{
	size_t block = (size_t)json_integer_value(
	    json_object_get(request, "block")), n;
	FILE *out = fopen(text(request, "file"), "w");
	struct store_object o;
	struct store_file *f;
	char *data = malloc(block);
	uint64_t at;
	bool ok;

	f = store_file_open(ss, text(request, "key"), &o, err);
	ok = f != NULL;
	for (at = 0; ok && at < o.size; at += n) {
		n = o.size - at < block ? (size_t)(o.size - at) : block;
		ok = store_file_read(f, at, data, n, err) &&
		    write_out(out, data, n, err);
	}
	ok = ok && store_file_unchanged(f, err);
	if (ok)
		set_object(reply, &o);
	store_file_close(f);
	free(data);
	fclose(out);
	return ok;
}

/* A body that is a file. */
struct source {
	int fd;
	json_t *reply;
	uint64_t size, sent;
	bool odd;		/* told of more than there is */
};

static bool
read_source(void *arg, uint64_t offset, void *data, size_t len,
    struct err *err)
{
	struct source *s = arg;

	if (pread(s->fd, data, len, (off_t)offset) != (ssize_t)len)
		return err_set(err, ERR_CHANGED, "the file became shorter");
	return true;
}

static bool
on_upload(void *arg, const char *upload_id, struct err *err)
{
	struct source *s = arg;

	(void)err;
	set_text(s->reply, "upload_id", upload_id);
	return true;
}

static void
on_sent(void *arg, uint64_t bytes)
{
	struct source *s = arg;

	s->sent += bytes;
	if (bytes > s->size || s->sent > s->size)
		s->odd = true;
}

static bool
digest(const struct source *s, uint64_t size, const json_t *request,
    uint8_t *sha256, uint8_t *md5, struct err *err)
{
	struct hash *h = hash_new(true, err);
	static char data[1 << 16];
	ssize_t n;
	off_t at;

	if (h == NULL)
		return false;
	for (at = 0; (uint64_t)at < size; at += n) {
		if ((n = pread(s->fd, data, sizeof(data), at)) <= 0)
			break;
		hash_update(h, data, (size_t)n);
	}
	if (!hash_finish(h, sha256, md5, err)) {
		hash_free(h);
		return false;
	}
	hash_free(h);
	if (text(request, "sha256") != NULL)
		return hash_unhex(text(request, "sha256"), sha256,
		    HASH_SHA256_SIZE);
	return true;
}

static bool
do_put(struct store_session *ss, const json_t *request, json_t *reply,
    struct err *err)
{
	struct source s = { .reply = reply };
	uint8_t sha256[HASH_SHA256_SIZE], md5[HASH_MD5_SIZE];
	char etag[STORE_ETAG_MAX];
	struct store_put put = {
		.key = text(request, "key"), .sha256 = sha256, .md5 = md5,
		.body = { .read = read_source, .arg = &s },
		.headers = { .content_type = text(request, "content_type"),
		    .cache_control = text(request, "cache_control"),
		    .content_disposition = text(request, "content_disposition"),
		    .content_encoding = text(request, "content_encoding") },
		.upload_id = text(request, "upload_id"),
		.create_only = json_is_true(json_object_get(request,
		    "create_only")),
		.if_match = text(request, "if_match"),
		.upload_started = on_upload, .sent = on_sent, .arg = &s,
	};
	struct stat st;
	bool ok;

	if ((s.fd = open(text(request, "file"), O_RDONLY)) < 0 ||
	    fstat(s.fd, &st) != 0)
		return err_set(err, ERR_NOT_FOUND, "cannot open the file");
	put.body.size = s.size = (uint64_t)st.st_size;
	ok = digest(&s, put.body.size, request, sha256, md5, err) &&
	    store_put(ss, &put, etag, err);
	close(s.fd);
	json_object_set_new(reply, "sent", json_integer(
	    s.odd ? -1 : (json_int_t)s.sent));
	if (ok)
		set_text(reply, "etag", etag);
	return ok;
}

static bool
run(struct store_session *ss, const json_t *request, json_t *reply,
    struct err *err)
{
	const char *op = text(request, "op"), *key = text(request, "key");

	if (strcmp(op, "probe") == 0)
		return store_probe(ss, json_is_true(json_object_get(request,
		    "write")), err);
	if (strcmp(op, "list") == 0)
		return do_list(ss, reply, err);
	if (strcmp(op, "head") == 0)
		return do_head(ss, key, reply, err);
	if (strcmp(op, "get") == 0)
		return do_get(ss, request, reply, err);
	if (strcmp(op, "read") == 0)
		return do_read(ss, request, reply, err);
	if (strcmp(op, "put") == 0)
		return do_put(ss, request, reply, err);
	if (strcmp(op, "delete") == 0)
		return store_delete(ss, key, err);
	return err_set(err, ERR_USAGE, "unknown op %s", op);
}

static void
answer(json_t *reply, bool ok, const struct err *err)
{

	json_object_set_new(reply, "ok", json_boolean(ok));
	if (!ok) {
		set_text(reply, "kind", err_kind_name(err->kind));
		set_text(reply, "message", err->message);
		set_text(reply, "hint", err->hint);
	}
	json_object_set_new(reply, "log", json_deep_copy(log_lines));
	json_dumpf(reply, stdout, JSON_COMPACT | JSON_ENSURE_ASCII);
	putchar('\n');
	fflush(stdout);
	json_array_clear(log_lines);
	json_decref(reply);
}

static struct store *
open_store(int argc, char **argv, struct err *err)
{
	struct store_options options = { .patience_ms = 5000 };
	int i;

	for (i = 2; i < argc; i++) {
		if (strcmp(argv[i], "create") == 0)
			options.create = true;
		else if (strncmp(argv[i], "patience_ms=", 12) == 0)
			options.patience_ms = strtoull(argv[i] + 12, NULL, 10);
		else if (strncmp(argv[i], "part_size=", 10) == 0)
			options.part_size = strtoull(argv[i] + 10, NULL, 10);
	}
	return store_open(argv[1], &options, err);
}

int
main(int argc, char **argv)
{
	struct store_session *ss = NULL;
	json_t *reply = json_object(), *request;
	struct store *store;
	struct err err;
	char *line = NULL;
	size_t cap = 0;

	if (argc < 2)
		return 2;
	log_lines = json_array();
	log_set_handler(on_log, NULL, LOG_DEBUG);
	store = open_store(argc, argv, &err);
	if (store != NULL && (ss = store_session_new(store, &err)) != NULL) {
		set_text(reply, "name", store_name(store));
		set_text(reply, "identity", store_identity(store));
	}
	answer(reply, ss != NULL, &err);
	while (ss != NULL && getline(&line, &cap, stdin) > 0) {
		bool ok;

		if ((request = json_loads(line, 0, NULL)) == NULL)
			return 2;
		reply = json_object();
		ok = run(ss, request, reply, &err);
		answer(reply, ok, &err);
		json_decref(request);
	}
	free(line);
	store_session_free(ss);
	store_free(store);
	json_decref(log_lines);
	return 0;
}
