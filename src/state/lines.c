#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cancel.h"
#include "base/file.h"
#include "base/hash.h"
#include "state/place.h"
#include "state/lines.h"

#define SUM_BYTES 8
#define SYNC_EVERY_NS 1000000000u

struct lines {
	char *path;
	int fd;
	uint64_t size;		/* of the good lines */
	uint64_t synced_at;
	bool dirty;		/* something is not fsynced */
	bool torn;		/* bytes behind size could not be cut off */
	bool failed;		/* an fsync failed: what is on disk is unknown */
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
lines_continue(const char *path, uint64_t good, struct err *err)
{
	struct lines *l;

	if ((l = calloc(1, sizeof(*l))) == NULL) {
		err_nomem(err, path);
		goto fail;
	}
	if ((l->path = strdup(path)) == NULL) {
		err_nomem(err, path);
		goto fail_l;
	}
	l->fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW);
	if (l->fd < 0) {
		err_set_errno(err, ERR_DISK, errno, "cannot open %s", path);
		goto fail_path;
	}
	if (ftruncate(l->fd, (off_t)good) != 0) {
		err_set_errno(err, ERR_DISK, errno, "cannot write %s", path);
		goto fail_fd;
	}
	l->size = good;
	l->synced_at = cancel_now();
	return l;

fail_fd:
	close(l->fd);
fail_path:
	free(l->path);
fail_l:
	free(l);
fail:
	place_hint(err);
	return NULL;
}

struct lines *
lines_start(const char *path, const char *type, json_t *first,
    struct err *err)
{
	struct lines *l = NULL;
	struct buf line;

	buf_init(&line, LINES_MAX);
	if (json_object_set_new(first, "type", json_string(type)) != 0 ||
	    json_object_set_new(first, "format",
	    json_integer(LINES_FORMAT)) != 0) {
		err_nomem(err, path);
		goto out;
	}
	if (!format_line(first, &line, err))
		goto out;
	if (!file_replace(path, line.data, line.len, err)) {
		place_hint(err);
		goto out;
	}
	l = lines_continue(path, line.len, err);
out:
	buf_free(&line);
	json_decref(first);
	return l;
}

void
lines_free(struct lines *l)
{

	if (l == NULL)
		return;
	if (l->dirty && !l->failed)
		(void)fsync(l->fd);
	close(l->fd);
	free(l->path);
	free(l);
}

bool
lines_sync(struct lines *l, struct err *err)
{

	if (l->failed) {
		err_set(err, ERR_DISK, "cannot write %s: an earlier fsync "
		    "failed", l->path);
		return place_hint(err);
	}
	if (!l->dirty)
		return true;
	if (fsync(l->fd) != 0) {
		l->failed = true;
		err_set_errno(err, ERR_DISK, errno, "cannot write %s",
		    l->path);
		return place_hint(err);
	}
	l->dirty = false;
	l->synced_at = cancel_now();
	return true;
}

/* Cuts off what a failed write left, now or before the next line. */
static bool
cut(struct lines *l)
{

	l->torn = ftruncate(l->fd, (off_t)l->size) != 0;
	return !l->torn;
}

bool
lines_append(struct lines *l, json_t *object, bool durable, struct err *err)
{
	struct buf line;
	bool ok = false;

	buf_init(&line, LINES_MAX);
	if (object == NULL) {
		err_nomem(err, l->path);
		goto out;
	}
	if (!format_line(object, &line, err))
		goto out;
	if (l->failed) {
		lines_sync(l, err);
		goto out;
	}
	if (l->torn && !cut(l)) {
		err_set_errno(err, ERR_DISK, errno, "cannot write %s", l->path);
		place_hint(err);
		goto out;
	}
	if (!file_write_all(l->fd, line.data, line.len, l->path, err)) {
		cut(l);
		place_hint(err);
		goto out;
	}
	l->size += line.len;
	l->dirty = true;
	ok = true;
	if (durable || cancel_now() - l->synced_at >= SYNC_EVERY_NS)
		ok = lines_sync(l, err);
out:
	buf_free(&line);
	json_decref(object);
	return ok;
}

uint64_t
lines_size(const struct lines *l)
{

	return l->size;
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
