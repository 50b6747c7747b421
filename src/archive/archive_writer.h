/*
 * Between the files that write: archive_writer.c (what both forms have in
 * common, and the stream), archive_dump_write.c and archive_dump_output.c (the
 * directory).
 */
#ifndef ARCHIVE_ARCHIVE_WRITER_H
#define ARCHIVE_ARCHIVE_WRITER_H

#include "archive/archive.h"

struct archive_dump_writer;

struct archive_target {
	char *db;
	char *data;		/* the collection that the documents are of:
				 * "system.buckets.x" of a time-series x */
	bool view;
	bool begun, ended;
	uint64_t crc;
};

struct archive_writer {
	struct archive_target *targets;
	size_t n;
	/* One of the two. */
	struct stream_out out;
	size_t current;		/* target of the open block, n: none */
	struct archive_dump_writer *dump;
};

/* Makes a writer that knows head's collections, and checks their names. */
struct archive_writer *archive_writer_make(const struct archive_head *head,
    struct err *err);

/* The server's version as it is written; never empty. */
const char *archive_writer_version(const struct archive_head *head);

/* Name and version of this program. */
#define ARCHIVE_TOOL "spaceferry-" SF_VERSION

bool archive_dump_write(struct archive_writer *w, size_t i,
    const uint8_t *docs, size_t len, struct err *err);
bool archive_dump_end(struct archive_writer *w, size_t i, struct err *err);
bool archive_dump_finish(struct archive_writer *w, struct err *err);
void archive_dump_writer_free(struct archive_writer *w);

#endif
