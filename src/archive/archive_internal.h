/*
 * Between the files behind archive.h: the table of collections, and how one
 * document is read, which a stream and a directory have in common.
 */
#ifndef ARCHIVE_ARCHIVE_INTERNAL_H
#define ARCHIVE_ARCHIVE_INTERNAL_H

#include "archive/archive.h"
#include "archive/input.h"

/* No database has as many; an archive that says so would eat memory. */
#define ARCHIVE_COLLECTIONS_MAX ((size_t)100000)
#define ARCHIVE_METADATA_MAX ((size_t)64 * 1024 * 1024)

struct archive_stream;
struct archive_dump;

struct archive_reader {
	char *name;		/* for messages */
	char *server_version;
	struct archive_collection *collections;
	size_t n, cap;
	size_t metadata_bytes;
	size_t *sorted;		/* their numbers, by namespace */
	/* One of the two. */
	struct archive_stream *stream;
	struct archive_dump *dump;
};

/* Bytes that may hold a NUL. */
struct archive_text {
	const char *bytes;
	size_t len;
};

/* A collection as its archive or folder describes it. */
struct archive_found {
	struct archive_text db, name;
	struct archive_text metadata;	/* Extended JSON, or nothing */
	const char *type;		/* "" where only metadata tell */
	uint64_t size;
};

/* Which document it is about, for messages. */
struct archive_place {
	const char *source;	/* "archive FILE" */
	const char *db, *name;
	uint64_t number;	/* from 1 */
};

struct archive_reader *archive_reader_make(const char *name, struct err *err);

/* Checks found and adds it.  False with ERR_DAMAGED and the like, without the
 * reader's name. */
bool archive_reader_add(struct archive_reader *r,
    const struct archive_found *found, struct err *err);

/* After the last one was added: ERR_DAMAGED when a namespace is there twice. */
bool archive_reader_sort(struct archive_reader *r, struct err *err);

/* The number of a namespace, r->n when there is none. */
size_t archive_reader_find(const struct archive_reader *r, const char *db,
    const char *name);

/* Reads and checks the document of len bytes (as its first four say, which are
 * at hand) that comes next, and takes it; *doc lives until in is read again. */
bool archive_read_doc(struct input *in, const struct archive_place *place,
    const uint8_t **doc, size_t *len, struct err *err);

enum archive_next archive_stream_next(struct archive_reader *r,
    struct archive_item *item, struct err *err);
void archive_stream_free(struct archive_stream *s);

enum archive_next archive_dump_next(struct archive_reader *r,
    struct archive_item *item, struct err *err);
void archive_dump_free(struct archive_reader *r);

#endif
