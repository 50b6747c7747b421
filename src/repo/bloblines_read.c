#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "repo/bloblines.h"
#include "repo/repo_internal.h"

#define LINE_MAX_BYTES ((size_t)64 * 1024)
#define NAME_HEX (2 * REPO_NAME_SIZE)
#define SHA256_HEX (2 * HASH_SHA256_SIZE)

struct reading {
	struct bloblines_reader *to;
	char what[REPO_WHAT_MAX];
	struct hash *hash;	/* of the lines before the end */
	struct buf line;	/* the beginning of one that goes on */
	uint64_t number;	/* of the current line, from 1 */
	bool details;		/* a line of them was met */
	bool ended;
	bool enough;		/* of head_only */
	uint64_t blobs, stored;	/* counted */
	uint8_t sha256[HASH_SHA256_SIZE]; /* as the end says */
};

static bool __attribute__((format(printf, 3, 4)))
damaged(const struct reading *r, struct err *err, const char *fmt, ...)
{
	char why[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	return err_set(err, ERR_DAMAGED, "%s is damaged: %s", r->what, why);
}

/* Takes len hex digits in lower case from *p. */
static bool
take_hex(const char **p, const char *end, uint8_t *out, size_t len)
{
	char hex[NAME_HEX + 1];
	size_t i;

	if ((size_t)(end - *p) < 2 * len)
		return false;
	for (i = 0; i < 2 * len; i++) {
		if ((*p)[i] >= 'A' && (*p)[i] <= 'F')
			return false;
	}
	memcpy(hex, *p, 2 * len);
	hex[2 * len] = '\0';
	*p += 2 * len;
	return hash_unhex(hex, out, len);
}

static bool
take_text(const char **p, const char *end, const char *text)
{
	size_t len = strlen(text);

	if ((size_t)(end - *p) < len || memcmp(*p, text, len) != 0)
		return false;
	*p += len;
	return true;
}

/* A number from 1 to REPO_STORED_MAX, without zeros before it. */
static bool
take_stored(const char **p, const char *end, uint64_t *out)
{

	*out = 0;
	if (*p == end || **p == '0')
		return false;
	for (; *p < end && **p >= '0' && **p <= '9'; (*p)++) {
		*out = 10 * *out + (uint64_t)(**p - '0');
		if (*out > REPO_STORED_MAX)
			return false;
	}
	return *out > 0;
}

/* ["<name>",stored,"<sha256>"] or ["<name>",stored,"<sha256>","detail"], just as
 * it is written: there are many of them. */
static bool
parse_blob(const char *line, size_t len, struct repo_blob *b, bool *detail)
{
	const char *p = line, *end = line + len;

	if (!take_text(&p, end, "[\"") ||
	    !take_hex(&p, end, b->name, sizeof(b->name)) ||
	    !take_text(&p, end, "\",") || !take_stored(&p, end, &b->stored) ||
	    !take_text(&p, end, ",\"") ||
	    !take_hex(&p, end, b->sha256, sizeof(b->sha256)) ||
	    !take_text(&p, end, "\""))
		return false;
	*detail = take_text(&p, end, ",\"detail\"");
	return take_text(&p, end, "]") && p == end;
}

static bool
on_blob(struct reading *r, const char *line, size_t len, struct err *err)
{
	struct repo_blob b;
	bool detail;

	if (!parse_blob(line, len, &b, &detail))
		return damaged(r, err, "line %" PRIu64 " is not that of a "
		    "blob", r->number);
	if (r->details && !detail)
		return damaged(r, err, "line %" PRIu64 ": a blob of data "
		    "behind those of the details", r->number);
	r->details = detail;
	r->blobs++;
	r->stored += b.stored;
	return r->to->blob == NULL || r->to->blob(r->to->arg, &b, detail, err);
}

static json_t *
parse(struct reading *r, const char *line, size_t len, struct err *err)
{
	json_error_t error;
	json_t *object;

	object = json_loadb(line, len, JSON_REJECT_DUPLICATES, &error);
	if (object != NULL && json_is_object(object))
		return object;
	if (object == NULL &&
	    json_error_code(&error) == json_error_out_of_memory)
		err_nomem(err, r->what);
	else
		damaged(r, err, "line %" PRIu64 " is no object of JSON",
		    r->number);
	json_decref(object);
	return NULL;
}

static bool
on_head(struct reading *r, const char *line, size_t len, struct err *err)
{
	const char *format = NULL;
	json_int_t version = 0;
	json_t *head;
	bool ok;

	if ((head = parse(r, line, len, err)) == NULL)
		return false;
	if (json_unpack(head, "{s:s, s:I}", "format", &format, "version",
	    &version) != 0 || strcmp(format, r->to->format) != 0 ||
	    version < 1) {
		ok = damaged(r, err, "its first line is not that of a \"%s\"",
		    r->to->format);
	} else if (version > BLOBLINES_VERSION) {
		err_set(err, ERR_UNSUPPORTED, "%s has version %" PRId64
		    " of its format, this program knows %d", r->what,
		    (int64_t)version, BLOBLINES_VERSION);
		ok = err_hint(err, "a newer spaceferry wrote it: use that one");
	} else {
		ok = r->to->head == NULL || r->to->head(r->to->arg, head, err);
		if (!ok && err->kind == ERR_DAMAGED)
			err_prefix(err, "%s is damaged", r->what);
	}
	json_decref(head);
	return ok;
}

static bool
on_end(struct reading *r, const char *line, size_t len, struct err *err)
{
	json_int_t blobs, stored;
	const char *sha256;
	json_t *end;
	bool ok;

	if ((end = parse(r, line, len, err)) == NULL)
		return false;
	ok = json_unpack(end, "{s:{s:I, s:I, s:s}}", "end", "blobs", &blobs,
	    "stored", &stored, "sha256", &sha256) == 0 &&
	    blobs >= 0 && stored >= 0 &&
	    hash_unhex(sha256, r->sha256, sizeof(r->sha256));
	if (ok) {
		r->ended = true;
		r->to->blobs = (uint64_t)blobs;
		r->to->stored = (uint64_t)stored;
	}
	json_decref(end);
	return ok || damaged(r, err, "line %" PRIu64 " is neither that of a "
	    "blob nor the end", r->number);
}

/* Without its \n. */
static bool
on_line(struct reading *r, const char *line, size_t len, struct err *err)
{

	r->number++;
	if (r->ended)
		return damaged(r, err, "it goes on behind its end");
	if (r->number > 1 && (len == 0 || line[0] != '['))
		return on_end(r, line, len, err);
	hash_update(r->hash, line, len);
	hash_update(r->hash, "\n", 1);
	return r->number == 1 ? on_head(r, line, len, err) :
	    on_blob(r, line, len, err);
}

static bool
keep(struct reading *r, const char *p, size_t len, struct err *err)
{

	if (buf_append(&r->line, p, len))
		return true;
	if (len <= r->line.max - r->line.len)
		return err_nomem(err, r->what);
	return damaged(r, err, "line %" PRIu64 " is too long", r->number + 1);
}

static bool
on_bytes(void *arg, const void *data, size_t len, struct err *err)
{
	struct reading *r = arg;
	const char *p = data, *end = p + len, *nl;
	bool ok;

	r->to->size += len;
	if (r->to->size > SNAPSHOT_LINES_MAX)
		return damaged(r, err, "it is larger than it can be");
	for (; p < end; p = nl + 1) {
		if ((nl = memchr(p, '\n', (size_t)(end - p))) == NULL)
			return keep(r, p, (size_t)(end - p), err);
		if (r->line.len == 0) {
			ok = on_line(r, p, (size_t)(nl - p), err);
		} else {
			ok = keep(r, p, (size_t)(nl - p), err) &&
			    on_line(r, (char *)r->line.data, r->line.len, err);
			buf_reset(&r->line);
		}
		if (!ok)
			return false;
		r->enough = r->to->head_only;
		if (r->enough)
			return err_set(err, ERR_INTERNAL, "enough was read");
	}
	return true;
}

static bool
check(struct reading *r, struct err *err)
{
	uint8_t sha256[HASH_SHA256_SIZE];

	if (r->to->size == 0)
		return damaged(r, err, "it is empty");
	if (r->line.len > 0)
		return damaged(r, err, "it ends within line %" PRIu64,
		    r->number + 1);
	if (!r->ended)
		return damaged(r, err, "its end is missing");
	if (!hash_finish(r->hash, sha256, NULL, err))
		return false;
	if (memcmp(sha256, r->sha256, sizeof(sha256)) != 0)
		return damaged(r, err, "the digest of its lines is another "
		    "than its end says");
	if (r->blobs != r->to->blobs || r->stored != r->to->stored)
		return damaged(r, err, "it lists %" PRIu64 " blobs, its end "
		    "says %" PRIu64 ", or their sizes add up to another sum",
		    r->blobs, r->to->blobs);
	return true;
}

bool
bloblines_read(struct repo_session *s, const char *key,
    struct bloblines_reader *to, struct err *err)
{
	struct store_object o;
	struct reading *r;
	bool ok = false;

	if ((r = calloc(1, sizeof(*r))) == NULL)
		return err_nomem(err, key);
	to->blobs = to->stored = to->size = 0;
	r->to = to;
	repo_what(s->repo, key, r->what);
	buf_init(&r->line, LINE_MAX_BYTES);
	if ((r->hash = hash_new(false, err)) != NULL) {
		ok = store_get(s->store, key, &o, on_bytes, r, err) ?
		    check(r, err) : r->enough;
		hash_free(r->hash);
	}
	buf_free(&r->line);
	free(r);
	return ok;
}
