/*
 * What mongodump writes and mongorestore reads: a database as one stream (an
 * archive) or as a directory of .bson and .metadata.json files (a dump).  Both
 * are read and written through the same two structs, so that jobs do not know
 * which it is.
 *
 * Reading: archive_reader_new() or archive_reader_dump(), the collections,
 * then archive_next() to its end.  Writing: archive_writer_new() or
 * archive_writer_dump(), archive_write() in any order of collections,
 * archive_finish(); archive_writer_free() without it rolls a dump back (a
 * stream belongs to the caller).  One thread each.
 *
 * Whatever is read is hostile until checked: every document is a whole, valid
 * BSON document of at most ARCHIVE_DOC_MAX bytes when it is handed out, every
 * name one that a server would take, every checksum right.
 */
#ifndef ARCHIVE_ARCHIVE_H
#define ARCHIVE_ARCHIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/stream.h"

#define ARCHIVE_DOC_MAX ((size_t)16 * 1024 * 1024 + 16 * 1024)

/* One collection, as its metadata describe it. */
struct archive_collection {
	char *db;
	char *name;		/* of the data: "system.buckets.x" is "x" with
				 * type "timeseries" */
	char *type;		/* "collection", "view", "timeseries" */
	uint8_t *options;	/* raw BSON, as listCollections gives it; never
				 * NULL */
	size_t options_len;
	uint8_t *indexes;	/* raw BSON documents one behind the other, the
				 * one on _id too; NULL: none */
	size_t indexes_len;
	uint64_t size;		/* bytes of documents, 0: not known */
};

struct archive_reader;

/* Reads the head of an archive.  name is for messages ("archive FILE").  NULL
 * with ERR_DAMAGED, ERR_UNSUPPORTED, or what in says. */
struct archive_reader *archive_reader_new(const struct stream_in *in,
    const char *name, struct err *err);

/* Opens a dump directory; compression of each file is told by its name (.gz).
 * ERR_NOT_FOUND when nothing in it can be read, ERR_DAMAGED for a .bson outside
 * a database's folder. */
struct archive_reader *archive_reader_dump(const char *path, struct err *err);
void archive_reader_free(struct archive_reader *r);	/* NULL is allowed */

size_t archive_reader_count(const struct archive_reader *r);
const struct archive_collection *archive_reader_collection(
    const struct archive_reader *r, size_t i);

enum archive_next { ARCHIVE_DOC, ARCHIVE_COLLECTION_END, ARCHIVE_END,
    ARCHIVE_FAILED };

/* One document, or the end of a collection. */
struct archive_item {
	size_t collection;	/* its number */
	const uint8_t *doc;	/* lives until the next call */
	size_t len;
};

/* The next document, in the order of the archive (collections may alternate).
 * ARCHIVE_COLLECTION_END: all of item->collection has been seen and its
 * checksum was right.  Blocks. */
enum archive_next archive_next(struct archive_reader *r,
    struct archive_item *item, struct err *err);

struct archive_writer;

struct archive_head {
	const struct archive_collection *collections;
	size_t n;
	const char *server_version;	/* "6.0.5" */
};

/* Starts an archive; head is copied as far as it is needed. */
struct archive_writer *archive_writer_new(const struct stream_out *out,
    const struct archive_head *head, struct err *err);

/* Starts a dump directory, which must be missing or empty; written beside it
 * and renamed by archive_finish(). */
struct archive_writer *archive_writer_dump(const char *path,
    const struct archive_head *head, bool gzip, struct err *err);

/* Adds n whole documents, len bytes in all, to one collection. */
bool archive_write(struct archive_writer *w, size_t collection,
    const uint8_t *docs, size_t len, struct err *err);

/* Ends every collection and the archive; a dump is durable on return. */
bool archive_finish(struct archive_writer *w, struct err *err);
void archive_writer_free(struct archive_writer *w);	/* NULL is allowed */

#endif
