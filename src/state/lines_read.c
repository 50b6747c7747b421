#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/hash.h"
#include "state/lines.h"

#define SUM_BYTES 8
#define SUM_HEX (2 * SUM_BYTES)
#define READ_STEP ((size_t)64 << 10)

struct reader {
	const struct lines_file *file;
	const char *path;	/* for messages */
	struct place_reader *from;
	struct buf buf;
	size_t start;		/* of the current line in buf */
	size_t len;		/* of the current line, newline included */
	uint64_t offset;	/* of start in the file */
	size_t number;		/* of the current line, from 1 */
};

enum found { FOUND_LINE, FOUND_END, FOUND_ERROR };

static bool
damaged(const struct reader *r, const char *what, struct err *err)
{

	err_set(err, ERR_DAMAGED, "%s is damaged, line %zu: %s",
	    r->path, r->number, what);
	return err_hint(err, "%s", r->file->remedy);
}

/* Reads some more behind what buf holds. */
static enum found
fill(struct reader *r, struct err *err)
{
	size_t left = r->buf.len - r->start;
	size_t n;

	if (left >= LINES_MAX) {
		damaged(r, "too long", err);
		return FOUND_ERROR;
	}
	if (r->start > 0)
		memmove(r->buf.data, r->buf.data + r->start, left);
	r->buf.len = left;
	r->start = 0;
	if (!buf_reserve(&r->buf, READ_STEP)) {
		err_nomem(err, r->path);
		return FOUND_ERROR;
	}
	if (!place_reader_read(r->from, r->buf.data + left, READ_STEP, &n,
	    err))
		return FOUND_ERROR;
	r->buf.len += n;
	return n == 0 ? FOUND_END : FOUND_LINE;
}

/* Steps to the next whole line.  FOUND_END: none; what is left in buf is a
 * torn one. */
static enum found
next_line(struct reader *r, struct err *err)
{
	size_t scanned = 0;
	enum found found;
	uint8_t *end;

	r->start += r->len;
	r->offset += r->len;
	r->len = 0;
	r->number++;
	for (;;) {
		size_t left = r->buf.len - r->start;

		if (left > scanned && (end = memchr(r->buf.data + r->start +
		    scanned, '\n', left - scanned)) != NULL)
			break;
		scanned = left;
		if ((found = fill(r, err)) != FOUND_LINE)
			return found;
	}
	r->len = (size_t)(end - (r->buf.data + r->start)) + 1;
	return FOUND_LINE;
}

/* The object in the current line; NULL with ERR_DAMAGED or ERR_NOMEM. */
static json_t *
parse(const struct reader *r, struct err *err)
{
	const char *json = (const char *)r->buf.data + r->start;
	uint8_t want[SUM_BYTES], got[HASH_SHA256_SIZE];
	char sum[SUM_HEX + 1] = "";
	json_t *object = NULL;
	json_error_t error;
	size_t len;

	if (r->len < 2 + 1 + SUM_HEX + 1) {
		err_set(err, ERR_DAMAGED, "too short");
		return NULL;
	}
	len = r->len - 1 - SUM_HEX - 1;
	memcpy(sum, json + len + 1, SUM_HEX);
	if (json[len] != '\t' || !hash_unhex(sum, want, SUM_BYTES)) {
		err_set(err, ERR_DAMAGED, "no checksum");
		return NULL;
	}
	if (!hash_sha256(json, len, got)) {
		err_nomem(err, r->path);
		return NULL;
	}
	if (memcmp(want, got, SUM_BYTES) != 0) {
		err_set(err, ERR_DAMAGED, "the checksum does not match");
		return NULL;
	}
	object = json_loadb(json, len, JSON_REJECT_DUPLICATES, &error);
	if (object == NULL) {
		/* It does not always say so when memory is out. */
		if (json_error_code(&error) == json_error_out_of_memory ||
		    error.text[0] == '\0')
			err_nomem(err, r->path);
		else
			err_set(err, ERR_DAMAGED, "not JSON: %s", error.text);
	}
	return object;
}

static bool
check_first(const struct reader *r, const json_t *object, struct err *err)
{
	const char *type;
	uint64_t format;

	type = json_string_value(json_object_get(object, "type"));
	if (type == NULL || strcmp(type, r->file->type) != 0)
		return err_set(err, ERR_DAMAGED, "not a %s", r->file->type);
	if (!lines_get_number(object, "format", &format, err))
		return false;
	if (format == LINES_FORMAT)
		return true;
	err_set(err, ERR_UNSUPPORTED, "%s was written by another version of "
	    "spaceferry", r->path);
	return err_hint(err, "use that version, or: %s", r->file->remedy);
}

/* True when nothing follows the current line. */
static bool
is_last(struct reader *r)
{

	return r->start + r->len == r->buf.len && next_line(r, NULL) ==
	    FOUND_END && r->start == r->buf.len;
}

static bool
take_line(const struct reader *r, const json_t *object, struct err *err)
{
	const struct lines_line line = {
		.object = object,
		.offset = r->offset,
		.bytes = (const char *)r->buf.data + r->start,
		.len = r->len,
	};
	struct err why = {0};

	if ((r->number > 1 || check_first(r, object, &why)) &&
	    r->file->line(r->file->arg, &line, &why))
		return true;
	if (why.kind == ERR_DAMAGED)
		return damaged(r, why.message, err);
	if (err != NULL)
		*err = why;
	return false;
}

bool
lines_read(const struct lines_file *file, uint64_t *good, struct err *err)
{
	struct reader r = { .file = file };
	struct err why = {0};
	enum found found;
	bool ok = true;

	char *path;

	*good = 0;
	if ((path = place_join(file->place, file->name)) == NULL)
		return err_nomem(err, file->name);
	r.path = path;
	r.from = place_reader_new(file->place, file->name, err);
	if (r.from == NULL) {
		free(path);
		return false;
	}
	buf_init(&r.buf, LINES_MAX + READ_STEP);
	while (ok && (found = next_line(&r, err)) != FOUND_END) {
		json_t *object;

		if (found == FOUND_ERROR) {
			ok = false;
		} else if ((object = parse(&r, &why)) != NULL) {
			ok = take_line(&r, object, err);
			json_decref(object);
			if (ok)
				*good = r.offset + r.len;
		} else if (why.kind != ERR_DAMAGED) {
			if (err != NULL)
				*err = why;
			ok = false;
		} else {
			if (is_last(&r))
				break;
			ok = damaged(&r, why.message, err);
		}
	}
	buf_free(&r.buf);
	place_reader_free(r.from);
	free(path);
	return ok;
}
