/*
 * An archive put together piece by piece, so that each can be wrong; and what
 * reading it says.  Header-only, because each unit test is one source file.
 */
#ifndef UNIT_ARCHIVE_PIECES_H
#define UNIT_ARCHIVE_PIECES_H

#include <bson/bson.h>

#include "archive/crc64.h"
#include "archive_fixture.h"

static inline void
put_bson(struct buf *b, bson_t *doc)
{

	assert_true(buf_append(b, bson_get_data(doc), doc->len));
	bson_destroy(doc);
}

static inline void
terminator(struct buf *b)
{

	buf_append(b, "\xff\xff\xff\xff", 4);
}

static inline void
head(struct buf *b, const char *version)
{
	bson_t doc = BSON_INITIALIZER;

	buf_append(b, "\x6d\xe2\x99\x81", 4);
	BSON_APPEND_INT32(&doc, "concurrent_collections", 1);
	if (version != NULL)
		BSON_APPEND_UTF8(&doc, "version", version);
	BSON_APPEND_UTF8(&doc, "server_version", "6.0.5");
	put_bson(b, &doc);
}

static inline void
collection_n(struct buf *b, const char *db, int db_len, const char *name,
    int name_len, const char *json, const char *type)
{
	bson_t doc = BSON_INITIALIZER;

	if (db != NULL)
		bson_append_utf8(&doc, "db", -1, db, db_len);
	bson_append_utf8(&doc, "collection", -1, name, name_len);
	BSON_APPEND_UTF8(&doc, "metadata", json);
	BSON_APPEND_INT32(&doc, "size", 0);
	BSON_APPEND_UTF8(&doc, "type", type);
	put_bson(b, &doc);
}

static inline void
collection(struct buf *b, const char *db, const char *name, const char *json)
{

	collection_n(b, db, -1, name, -1, json, "");
}

static inline void
block(struct buf *b, const char *db, const char *name, bool eof, uint64_t crc)
{
	bson_t doc = BSON_INITIALIZER;

	BSON_APPEND_UTF8(&doc, "db", db);
	BSON_APPEND_UTF8(&doc, "collection", name);
	BSON_APPEND_BOOL(&doc, "EOF", eof);
	BSON_APPEND_INT64(&doc, "CRC", (int64_t)crc);
	put_bson(b, &doc);
}

/* {_id: 1}, as bytes and as part of an archive. */
static const uint8_t one[14] = { 14, 0, 0, 0, 0x10, '_', 'i', 'd', 0, 1 };

static inline void
document(struct buf *b)
{

	buf_append(b, one, sizeof(one));
}

/* Head and description of db.c, up to where blocks begin. */
static inline void
begin(struct buf *b)
{

	head(b, "0.1");
	collection(b, "db", "c", "{\"indexes\":[]}");
	terminator(b);
}

static inline void
end(struct buf *b, const char *db, const char *name, uint64_t crc)
{

	block(b, db, name, true, crc);
	terminator(b);
}

/* begin(), and a block of two documents without its terminator. */
static inline void
two_documents(struct buf *b)
{

	begin(b);
	block(b, "db", "c", false, 0);
	document(b);
	document(b);
}

static inline uint64_t
crc_of_two(void)
{

	return crc64_update(crc64_update(0, one, sizeof(one)), one,
	    sizeof(one));
}

/* A whole archive whose one collection has this name or metadata. */
static inline void
named(struct buf *b, const char *db, const char *name)
{

	head(b, "0.1");
	collection(b, db, name, "");
	terminator(b);
	end(b, db, name, 0);
}

static inline void
described(struct buf *b, const char *json)
{

	head(b, "0.1");
	collection(b, "db", "c", json);
	terminator(b);
	end(b, "db", "c", 0);
}

static inline void
whole(struct buf *b)
{

	two_documents(b);
	terminator(b);
	end(b, "db", "c", crc_of_two());
}

/* Reads what is in b.  False with *err. */
static inline bool
read_bytes(const struct buf *b, struct seen *seen, struct err *err)
{
	struct memory m = { b->data, b->len, 0, 0, -1 };
	struct stream_in in = { memory_read, &m };
	struct archive_reader *r;
	bool ok;

	err_clear(err);
	r = archive_reader_new(&in, "archive x", err);
	ok = r != NULL && read_all(r, seen, err);
	archive_reader_free(r);
	return ok;
}

static inline void
assert_refused(const struct buf *b, const char *name, enum err_kind kind,
    const char *message)
{
	struct seen seen;
	struct err err;

	seen_init(&seen);
	if (read_bytes(b, &seen, &err))
		fail_msg("%s: was read", name);
	if (err.kind != kind || strstr(err.message, message) == NULL ||
	    strstr(err.message, "archive x") == NULL)
		fail_msg("%s: %s: %s", name, err_kind_name(err.kind),
		    err.message);
	seen_free(&seen);
}

#endif
