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
	bool special;		/* the server's own, not the app's: of admin,
				 * config or local, system.profile, users and
				 * roles in their places ($admin.*) */
};

/* A file at a dump's root that its maker may keep there for itself: passed over
 * without a word (docs/FORMAT.md). */
#define ARCHIVE_SUMS_NAME "spaceferry.sums"

/* What stands between a file of a dump directory and its content: the caller
 * plugs compression in here, told by the ending of name ("x.bson.gz").  What
 * open() returns is passed to the others; NULL with *err.  raw's arg lives until
 * close(), which follows every successful open(), finished or not. */
struct archive_filter {
	void *(*reader_open)(const struct stream_in *raw, const char *name,
	    struct stream_in *content, struct err *err);
	void (*reader_close)(void *reader);
	void *(*writer_open)(const struct stream_out *raw, const char *name,
	    struct stream_out *content, struct err *err);
	bool (*writer_finish)(void *writer, struct err *err);
	void (*writer_close)(void *writer);
};

struct archive_reader;

/* Reads the head of an archive.  name is for messages ("archive FILE").  An oplog
 * in it is passed over, with a warning.  NULL with ERR_DAMAGED, ERR_UNSUPPORTED,
 * ERR_TOO_LARGE (100,000 collections, 64 MiB of metadata), or what in says. */
struct archive_reader *archive_reader_new(const struct stream_in *in,
    const char *name, struct err *err);

/* Opens a dump directory; files named .gz are read through filter, which may be
 * NULL when there are none (ERR_UNSUPPORTED where there is one).  ERR_NOT_FOUND
 * when nothing in it can be read, ERR_DAMAGED for a .bson outside a database's
 * folder.  All metadata is read here, documents are not. */
struct archive_reader *archive_reader_dump(const char *path,
    const struct archive_filter *filter, struct err *err);
void archive_reader_free(struct archive_reader *r);	/* NULL is allowed */

/* The version of the server it was made of, "" where it does not say. */
const char *archive_reader_server_version(const struct archive_reader *r);

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
	bool left_out;		/* the document is there, but --query does not
				 * choose it; false of an archive */
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
	/* Collections that may have begun and not ended at one time (see
	 * archive_write_end()); 0: all of them.  mongorestore reads as many
	 * at once, so that a small figure spares it memory. */
	size_t concurrent;
};

/* Starts an archive; head is copied as far as it is needed. */
struct archive_writer *archive_writer_new(const struct stream_out *out,
    const struct archive_head *head, struct err *err);

/* Starts a dump directory, which must be missing or empty (ERR_CONFLICT), its
 * parent there; written beside it and renamed by archive_finish().  With gzip
 * every file is named .gz and written through filter (else it may be NULL); one
 * that is written to now and again may be several members. */
struct archive_writer *archive_writer_dump(const char *path,
    const struct archive_head *head, bool gzip,
    const struct archive_filter *filter, struct err *err);

/* Adds n whole documents, len bytes in all, to one collection. */
bool archive_write(struct archive_writer *w, size_t collection,
    const uint8_t *docs, size_t len, struct err *err);

/* Says that nothing more comes for this collection: spares memory and open files
 * here and in whatever reads the archive.  Optional. */
bool archive_write_end(struct archive_writer *w, size_t collection,
    struct err *err);

/* Ends every collection and the archive; a dump is durable on return. */
bool archive_finish(struct archive_writer *w, struct err *err);
void archive_writer_free(struct archive_writer *w);	/* NULL is allowed */

#endif
