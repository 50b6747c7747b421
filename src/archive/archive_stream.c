#include <bson/bson.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "archive/archive_internal.h"
#include "archive/bsoncheck.h"
#include "archive/crc64.h"
#include "archive/name.h"
#include "base/log.h"

#define MAGIC 0x8199e26du
#define TERMINATOR 0xffffffffu
#define FORMAT_VERSION "0.1"
#define OPLOG "oplog"		/* of the database "": --oplog */

/* How far a namespace is. */
struct progress {
	uint64_t crc;
	uint64_t docs;
	bool ended;
};

struct archive_stream {
	struct input in;
	struct progress *progress;	/* per collection, and the oplog last */
	size_t unended;
	bool has_oplog;
	bool in_block;
	size_t current;			/* collection of the block */
};

/* A block's head. */
struct head {
	struct archive_text db, name;
	bool eof;
	uint64_t crc;
};

static bool
damaged(const struct archive_reader *r, uint64_t offset, const char *what,
    struct err *err)
{

	return err_set(err, ERR_DAMAGED, "%s: %s at byte %" PRIu64, r->name,
	    what, offset);
}

/* Reads four bytes, as a length or terminator; they are not taken.  *none: the
 * stream ends before the first, which is no error where none is not NULL. */
static bool
peek_length(struct archive_reader *r, const char *where, uint32_t *length,
    bool *none, struct err *err)
{
	struct input *in = &r->stream->in;
	size_t at_hand;

	*length = 0;
	if (!input_need(in, 4, &at_hand, err))
		return false;
	if (none != NULL)
		*none = at_hand == 0;
	if (at_hand == 0 && none != NULL)
		return true;
	if (at_hand < 4)
		return err_set(err, ERR_DAMAGED, "%s: it is cut at byte %"
		    PRIu64 ", %s", r->name, in->offset + at_hand, where);
	*length = bsoncheck_u32(input_bytes(in));
	return true;
}

/* A document that describes, of the head or of a block. */
static bool
read_description(struct archive_reader *r, const char *what, bson_t *bson,
    struct err *err)
{
	struct input *in = &r->stream->in;
	size_t n = bsoncheck_u32(input_bytes(in)), at_hand, at;
	uint64_t offset = in->offset;

	if (n < BSONCHECK_SMALLEST || n > ARCHIVE_DOC_MAX)
		return err_set(err, ERR_DAMAGED, "%s: %s at byte %" PRIu64
		    ": its length, %" PRId32 ", is not that of a document",
		    r->name, what, offset, (int32_t)n);
	if (!input_need(in, n, &at_hand, err))
		return false;
	if (at_hand < n)
		return err_set(err, ERR_DAMAGED, "%s: it is cut at byte %"
		    PRIu64 ", in %s", r->name, offset + at_hand, what);
	if (!bsoncheck_valid(input_bytes(in), n, &at) ||
	    !bson_init_static(bson, input_bytes(in), n))
		return err_set(err, ERR_DAMAGED, "%s: %s at byte %" PRIu64
		    " is no valid BSON", r->name, what, offset);
	input_take(in, n);
	return true;
}

static bool
get_text(const bson_t *bson, const char *key, struct archive_text *text)
{
	bson_iter_t at;
	uint32_t len;

	*text = (struct archive_text){ "", 0 };
	if (!bson_iter_init_find(&at, bson, key) || !BSON_ITER_HOLDS_UTF8(&at))
		return false;
	text->bytes = bson_iter_utf8(&at, &len);
	text->len = len;
	return true;
}

static bool
read_head(struct archive_reader *r, struct err *err)
{
	struct archive_text version, server;
	uint32_t length;
	bson_t bson;

	if (!peek_length(r, "in its magic number", &length, NULL, err))
		return false;
	if (length != MAGIC) {
		err_set(err, ERR_DAMAGED, "%s is no mongodump archive: it begins "
		    "with %08" PRIx32 ", not %08x", r->name, length, MAGIC);
		return err_hint(err, "an archive is made by `mongodump "
		    "--archive` or by export; one of them that is compressed "
		    "needs a name ending in .gz or .zst");
	}
	input_take(&r->stream->in, 4);
	if (!peek_length(r, "before its head", &length, NULL, err) ||
	    !read_description(r, "the head", &bson, err))
		return false;
	if (!get_text(&bson, "version", &version))
		return damaged(r, 4, "the head has no version", err);
	if (strcmp(version.bytes, FORMAT_VERSION) != 0)
		return err_set(err, ERR_UNSUPPORTED, "%s: its format is of "
		    "version \"%.20s\", known is %s", r->name, version.bytes,
		    FORMAT_VERSION);
	if (get_text(&bson, "server_version", &server)) {
		free(r->server_version);
		r->server_version = strndup(server.bytes, 40);
		if (r->server_version == NULL)
			return err_nomem(err, "reading an archive");
	}
	return true;
}

static bool
read_collection(struct archive_reader *r, struct err *err)
{
	struct archive_found found = { 0 };
	struct archive_text type;
	uint64_t offset = r->stream->in.offset;
	bson_iter_t at;
	bson_t bson;

	if (!read_description(r, "the description of a collection", &bson, err))
		return false;
	if (!get_text(&bson, "db", &found.db) ||
	    !get_text(&bson, "collection", &found.name))
		return damaged(r, offset, "a collection without a name", err);
	if (found.db.len == 0 && strcmp(found.name.bytes, OPLOG) == 0) {
		log_warning("%s holds an oplog, which is not replayed", r->name);
		r->stream->has_oplog = true;
		return true;
	}
	get_text(&bson, "metadata", &found.metadata);
	get_text(&bson, "type", &type);
	found.type = type.bytes;
	if (bson_iter_init_find(&at, &bson, "size") &&
	    bson_iter_as_int64(&at) > 0)
		found.size = (uint64_t)bson_iter_as_int64(&at);
	if (!archive_reader_add(r, &found, err))
		return err_prefix(err, "%s: byte %" PRIu64, r->name, offset);
	return true;
}

static bool
read_collections(struct archive_reader *r, struct err *err)
{
	uint32_t length;

	for (;;) {
		if (!peek_length(r, "in its head", &length, NULL, err))
			return false;
		if (length == TERMINATOR)
			break;
		if (!read_collection(r, err))
			return false;
	}
	input_take(&r->stream->in, 4);
	if (!archive_reader_sort(r, err))
		return err_prefix(err, "%s", r->name);
	return true;
}

struct archive_reader *
archive_reader_new(const struct stream_in *in, const char *name,
    struct err *err)
{
	struct archive_reader *r;
	struct archive_stream *s;

	if ((r = archive_reader_make(name, err)) == NULL)
		return NULL;
	if ((s = r->stream = calloc(1, sizeof(*s))) == NULL) {
		err_nomem(err, "reading an archive");
		goto fail;
	}
	input_init(&s->in, in);
	if (!read_head(r, err) || !read_collections(r, err))
		goto fail;
	s->unended = r->n + (s->has_oplog ? 1 : 0);
	if ((s->progress = calloc(r->n + 1, sizeof(*s->progress))) == NULL) {
		err_nomem(err, "reading an archive");
		goto fail;
	}
	return r;
fail:
	archive_reader_free(r);
	return NULL;
}

void
archive_stream_free(struct archive_stream *s)
{

	if (s == NULL)
		return;
	input_free(&s->in);
	free(s->progress);
	free(s);
}

/* A block's head has these fields and no others. */
static bool
parse_head(const bson_t *bson, struct head *h)
{
	bson_iter_t at;

	*h = (struct head){ 0 };
	if (!get_text(bson, "db", &h->db) ||
	    !get_text(bson, "collection", &h->name) ||
	    !bson_iter_init_find(&at, bson, "EOF") || !BSON_ITER_HOLDS_BOOL(&at))
		return false;
	h->eof = bson_iter_bool(&at);
	if (!bson_iter_init_find(&at, bson, "CRC") ||
	    !BSON_ITER_HOLDS_INT64(&at))
		return false;
	h->crc = (uint64_t)bson_iter_int64(&at);
	return bson_count_keys(bson) == 4 &&
	    memchr(h->db.bytes, 0, h->db.len) == NULL &&
	    memchr(h->name.bytes, 0, h->name.len) == NULL;
}

/* The number of a block's namespace; SIZE_MAX for none.  Documents of a
 * time-series collection are its buckets' (and from server 8.3 on under its own
 * name). */
static size_t
find(const struct archive_reader *r, const struct head *h)
{
	size_t i, skip = strlen(NAME_BUCKETS);

	if (h->db.len == 0)
		return r->stream->has_oplog && strcmp(h->name.bytes, OPLOG) == 0
		    ? r->n : SIZE_MAX;
	i = archive_reader_find(r, h->db.bytes, h->name.bytes);
	if (i < r->n)
		return i;
	if (strncmp(h->name.bytes, NAME_BUCKETS, skip) != 0)
		return SIZE_MAX;
	i = archive_reader_find(r, h->db.bytes, h->name.bytes + skip);
	return i < r->n && strcmp(r->collections[i].type, "timeseries") == 0 ?
	    i : SIZE_MAX;
}

static void
name_of(const struct archive_reader *r, size_t i, const char **db,
    const char **name)
{

	*db = i < r->n ? r->collections[i].db : "";
	*name = i < r->n ? r->collections[i].name : OPLOG;
}

/* All of namespace i has been read: its end says which checksum it had. */
static bool
end_namespace(struct archive_reader *r, size_t i, uint64_t crc,
    struct err *err)
{
	struct progress *p = &r->stream->progress[i];
	const char *db, *name;
	uint32_t length;

	name_of(r, i, &db, &name);
	if (!peek_length(r, "at the end of a collection", &length, NULL, err))
		return false;
	if (length != TERMINATOR)
		return err_set(err, ERR_DAMAGED, "%s: no terminator behind the "
		    "end of %s.%s at byte %" PRIu64, r->name, db, name,
		    r->stream->in.offset);
	input_take(&r->stream->in, 4);
	if (p->crc != crc)
		return err_set(err, ERR_DAMAGED, "%s: the checksum of %s.%s (%"
		    PRIu64 " documents) is %016" PRIx64 ", its end at byte %"
		    PRIu64 " says %016" PRIx64, r->name, db, name, p->docs,
		    p->crc, r->stream->in.offset, crc);
	p->ended = true;
	r->stream->unended--;
	return true;
}

/* The stream ended between two blocks: are all namespaces whole? */
static bool
check_all_ended(struct archive_reader *r, struct err *err)
{
	const struct progress *p = r->stream->progress;
	const char *db, *name;
	size_t i;

	if (r->stream->unended == 0)
		return true;
	for (i = 0; i < r->n && p[i].ended; i++)
		;
	name_of(r, i, &db, &name);
	err_set(err, ERR_DAMAGED, "%s: it ends at byte %" PRIu64 " without the "
	    "end of %s.%s (after %" PRIu64 " documents)%s", r->name,
	    r->stream->in.offset, db, name, p[i].docs, r->stream->unended > 1 ?
	    " and of others" : "");
	return err_hint(err, "it was cut, or mongodump was interrupted: make "
	    "it again");
}

/* Reads a block's head.  *item is an ended namespace, or nothing yet. */
static enum archive_next
open_block(struct archive_reader *r, struct archive_item *item,
    struct err *err)
{
	struct archive_stream *s = r->stream;
	uint64_t offset = s->in.offset;
	uint32_t length = 0;
	struct head h;
	bson_t bson;
	bool none;

	if (!peek_length(r, "at the head of a block", &length, &none, err))
		return ARCHIVE_FAILED;
	if (none)
		return check_all_ended(r, err) ? ARCHIVE_END : ARCHIVE_FAILED;
	if (s->unended == 0)
		damaged(r, offset, "something follows the end of the last "
		    "collection", err);
	else if (length == TERMINATOR)
		damaged(r, offset, "a block without a head", err);
	if (s->unended == 0 || length == TERMINATOR ||
	    !read_description(r, "the head of a block", &bson, err))
		return ARCHIVE_FAILED;
	if (!parse_head(&bson, &h)) {
		damaged(r, offset, "what should be the head of a block is none",
		    err);
		return ARCHIVE_FAILED;
	}
	if ((s->current = find(r, &h)) == SIZE_MAX) {
		err_set(err, ERR_DAMAGED, "%s: a block at byte %" PRIu64 " of "
		    "%.70s.%.200s, which the archive's head lacks", r->name,
		    offset, h.db.bytes, h.name.bytes);
		return ARCHIVE_FAILED;
	}
	if (s->progress[s->current].ended) {
		err_set(err, ERR_DAMAGED, "%s: a block at byte %" PRIu64 " of "
		    "%s.%s, which has ended", r->name, offset, h.db.bytes,
		    h.name.bytes);
		return ARCHIVE_FAILED;
	}
	s->in_block = !h.eof;
	item->collection = s->current;
	if (h.eof && !end_namespace(r, s->current, h.crc, err))
		return ARCHIVE_FAILED;
	return h.eof ? ARCHIVE_COLLECTION_END : ARCHIVE_DOC;
}

/* The next document of the block, or its end (item->doc is NULL then). */
static bool
block_next(struct archive_reader *r, struct archive_item *item,
    struct err *err)
{
	struct archive_stream *s = r->stream;
	struct progress *p = &s->progress[s->current];
	struct archive_place place = { .source = r->name };
	uint32_t length;

	name_of(r, s->current, &place.db, &place.name);
	place.number = p->docs + 1;
	if (!peek_length(r, "in a block", &length, NULL, err)) {
		if (err != NULL && err->kind == ERR_DAMAGED)
			err_set(err, ERR_DAMAGED, "%s: it is cut behind document "
			    "%" PRIu64 " of %s.%s, at byte %" PRIu64, r->name,
			    p->docs, place.db, place.name, s->in.offset);
		return false;
	}
	if (length == TERMINATOR) {
		input_take(&s->in, 4);
		s->in_block = false;
		return true;
	}
	if (!archive_read_doc(&s->in, &place, &item->doc, &item->len, err))
		return false;
	if (s->current < r->n &&
	    strcmp(r->collections[s->current].type, "view") == 0)
		return err_set(err, ERR_DAMAGED, "%s: documents of the view "
		    "%s.%s", r->name, place.db, place.name);
	p->crc = crc64_update(p->crc, item->doc, item->len);
	p->docs++;
	item->collection = s->current;
	return true;
}

enum archive_next
archive_stream_next(struct archive_reader *r, struct archive_item *item,
    struct err *err)
{
	struct archive_stream *s = r->stream;
	enum archive_next next;

	for (;;) {
		item->doc = NULL;
		if (!s->in_block) {
			next = open_block(r, item, err);
			if (next == ARCHIVE_COLLECTION_END &&
			    s->current == r->n)
				continue;
			if (next != ARCHIVE_DOC)
				return next;
		}
		if (!block_next(r, item, err))
			return ARCHIVE_FAILED;
		if (item->doc != NULL && s->current < r->n)
			return ARCHIVE_DOC;
	}
}
