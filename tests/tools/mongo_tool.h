/*
 * What tests/tools/mongo_tool.c says and hears: JSON lines and hex.  One
 * program includes it.
 */
#ifndef MONGO_TOOL_H
#define MONGO_TOOL_H

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/hash.h"
#include "base/log.h"
#include "mongo/catalog.h"
#include "mongo/client.h"

#define SLOTS 4

static json_t *log_lines;
static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;

static void
on_log(enum log_level level, const char *line, void *arg)
{
	static const char *const names[] = { "debug", "info", "warning" };

	(void)arg;
	pthread_mutex_lock(&log_lock);
	json_array_append_new(log_lines, json_sprintf("%s: %s", names[level],
	    line));
	pthread_mutex_unlock(&log_lock);
}

static const char *
text(const json_t *q, const char *name)
{

	return json_string_value(json_object_get(q, name));
}

static uint64_t
number(const json_t *q, const char *name, uint64_t otherwise)
{
	json_t *n = json_object_get(q, name);

	return n != NULL ? (uint64_t)json_integer_value(n) : otherwise;
}

static bool
flag(const json_t *q, const char *name)
{

	return json_is_true(json_object_get(q, name));
}

static void
set(json_t *a, const char *name, uint64_t n)
{

	json_object_set_new(a, name, json_integer((json_int_t)n));
}

static void
set_text(json_t *a, const char *name, const char *value)
{

	json_object_set_new(a, name, value != NULL ? json_string(value) :
	    json_null());
}

static json_t *
hex(const uint8_t *data, size_t len)
{
	char *s;
	json_t *j;

	if (data == NULL)
		return json_null();
	s = malloc(2 * len + 1);
	hash_hex(data, len, s);
	j = json_string(s);
	free(s);
	return j;
}

/* Absent where the request has none; the caller frees data. */
static struct rawdoc
unhex(const json_t *q, const char *name)
{
	struct rawdoc r = { NULL, 0 };
	const char *s = text(q, name);

	if (s == NULL)
		return r;
	r.len = strlen(s) / 2;
	r.data = malloc(r.len + 1);
	if (!hash_unhex(s, r.data, r.len))
		abort();
	return r;
}


struct end {
	char name[16];
	struct mongo_server *server;
	struct mongo_session *session;
};

struct kept {
	char name[16];
	struct catalog *catalog;
};

static struct end ends[SLOTS];
static struct kept kept[SLOTS];
static bool
missing(struct err *err, const char *what)
{

	return err_set(err, ERR_USAGE, "no such %s", what);
}

static struct end *
end_of(const json_t *q, const char *field)
{
	const char *name = text(q, field);
	size_t i;

	for (i = 0; i < SLOTS; i++) {
		if (ends[i].server != NULL &&
		    strcmp(ends[i].name, name != NULL ? name : "a") == 0)
			return &ends[i];
	}
	return NULL;
}

static struct catalog *
catalog_of(const json_t *q, const char *field)
{
	const char *name = text(q, field);
	size_t i;

	for (i = 0; name != NULL && i < SLOTS; i++) {
		if (kept[i].catalog != NULL && strcmp(kept[i].name, name) == 0)
			return kept[i].catalog;
	}
	return NULL;
}

static const struct collection_info *
info_of(const json_t *q, const char *catalog, const char *ns)
{
	struct catalog *c = catalog_of(q, catalog);

	return c != NULL && text(q, ns) != NULL ? catalog_find(c, text(q, ns)) :
	    NULL;
}

/* Prints an answer and forgets the log. */
static void
answer(json_t *a, bool ok, const struct err *err)
{
	char *line;

	json_object_set_new(a, "ok", json_boolean(ok));
	if (!ok) {
		set_text(a, "kind", err_kind_name(err->kind));
		set_text(a, "message", err->message);
		set_text(a, "hint", err->hint);
		json_object_set_new(a, "code", json_integer(err->code));
	}
	pthread_mutex_lock(&log_lock);
	json_object_set(a, "log", log_lines);
	if ((line = json_dumps(a, JSON_COMPACT)) == NULL)
		abort();
	json_array_clear(log_lines);
	pthread_mutex_unlock(&log_lock);
	puts(line);
	fflush(stdout);
	free(line);
	json_decref(a);
}

#endif
