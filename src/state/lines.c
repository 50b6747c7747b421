#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/hash.h"
#include "state/lines.h"

#define SUM_BYTES 8

struct lines {
	struct place_file *file;
};

struct dump {
	struct buf *out;
	bool failed;
};

/* Once failed, failed for good: jansson (2.14) goes on after a key that could
 * not be written. */
static int
dump_some(const char *text, size_t len, void *arg)
{
	struct dump *d = arg;

	d->failed = d->failed || !buf_append(d->out, text, len);
	return d->failed ? -1 : 0;
}

bool
lines_dump(const json_t *object, size_t flags, struct buf *out)
{
	struct dump d = { .out = out };

	return json_dump_callback(object, dump_some, &d, flags) == 0 &&
	    !d.failed;
}

/* Appends the line of object to out. */
static bool
format_line(const json_t *object, struct buf *out, struct err *err)
{
	uint8_t sha256[HASH_SHA256_SIZE];
	char sum[2 * SUM_BYTES + 1];

	if (!lines_dump(object, JSON_COMPACT | JSON_SORT_KEYS, out) ||
	    !hash_sha256(out->data, out->len, sha256))
		return err_nomem(err, "a line of the state");
	hash_hex(sha256, SUM_BYTES, sum);
	return buf_printf(out, "\t%s\n", sum) ||
	    err_nomem(err, "a line of the state");
}

struct lines *
lines_continue(struct place *place, const char *name, uint64_t good,
    struct err *err)
{
	struct lines *l;

	if ((l = calloc(1, sizeof(*l))) == NULL) {
		err_nomem(err, name);
		return NULL;
	}
	l->file = place_file_open(place, name, good, false, err);
	if (l->file != NULL)
		return l;
	free(l);
	return NULL;
}

struct lines *
lines_start(struct place *place, const char *name, const char *type,
    json_t *first, struct err *err)
{
	struct place_writer *w = NULL;
	struct lines *l = NULL;
	struct buf line;

	buf_init(&line, LINES_MAX);
	if (json_object_set_new(first, "type", json_string(type)) != 0 ||
	    json_object_set_new(first, "format",
	    json_integer(LINES_FORMAT)) != 0) {
		err_nomem(err, name);
		goto out;
	}
	if (!format_line(first, &line, err))
		goto out;
	if ((w = place_writer_new(place, name, err)) == NULL ||
	    !place_writer_write(w, line.data, line.len, err) ||
	    !place_writer_finish(w, err))
		goto out;
	l = lines_continue(place, name, line.len, err);
out:
	place_writer_free(w);
	buf_free(&line);
	json_decref(first);
	return l;
}

void
lines_free(struct lines *l)
{

	if (l == NULL)
		return;
	place_file_free(l->file);
	free(l);
}

bool
lines_sync(struct lines *l, struct err *err)
{

	return place_file_sync(l->file, err);
}

bool
lines_add(struct lines *l, json_t *object, struct err *err)
{
	struct buf line;
	bool ok;

	buf_init(&line, LINES_MAX);
	if (object == NULL)
		ok = err_nomem(err, "a line of the state");
	else
		ok = format_line(object, &line, err) &&
		    place_file_append(l->file, line.data, line.len, err);
	buf_free(&line);
	json_decref(object);
	return ok;
}

bool
lines_settle(struct lines *l, bool durable, struct err *err)
{

	return (!durable && !place_file_due(l->file)) || lines_sync(l, err);
}

uint64_t
lines_size(const struct lines *l)
{

	return place_file_size(l->file);
}

json_t *
lines_hex(const uint8_t *bytes, size_t len)
{
	json_t *string = NULL;
	char *hex;

	if ((hex = malloc(2 * len + 1)) != NULL) {
		hash_hex(bytes, len, hex);
		string = json_stringn_nocheck(hex, 2 * len);
	}
	free(hex);
	return string;
}

json_t *
lines_text(const char *s)
{
	json_t *string;

	if ((string = json_string(s)) != NULL)
		return string;
	return json_pack("{s:o}", "hex", lines_hex((const uint8_t *)s,
	    strlen(s)));
}

bool
lines_get_text(const json_t *object, const char *name, char **s,
    struct err *err)
{
	const json_t *value = json_object_get(object, name);
	const char *plain = json_string_value(value);
	const char *hex = json_string_value(json_object_get(value, "hex"));
	size_t len;

	*s = NULL;
	if (plain != NULL) {
		*s = strdup(plain);
		return *s != NULL || err_nomem(err, name);
	}
	if (hex == NULL)
		return err_set(err, ERR_DAMAGED, "no \"%s\"", name);
	len = strlen(hex) / 2;
	if ((*s = calloc(len + 1, 1)) == NULL)
		return err_nomem(err, name);
	if (hash_unhex(hex, (uint8_t *)*s, len))
		return true;
	free(*s);
	*s = NULL;
	return err_set(err, ERR_DAMAGED, "\"%s\" is not hex", name);
}

json_t *
lines_number(uint64_t v)
{

	return json_integer((json_int_t)v);
}

bool
lines_get_number(const json_t *object, const char *name, uint64_t *v,
    struct err *err)
{
	const json_t *value = json_object_get(object, name);

	if (!json_is_integer(value))
		return err_set(err, ERR_DAMAGED, "no \"%s\"", name);
	*v = (uint64_t)json_integer_value(value);
	return true;
}
