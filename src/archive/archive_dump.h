/*
 * A dump directory: archive_dump.c finds what is in it, archive_dump_read.c
 * reads its files.  Everything is opened from the folder's own descriptor
 * down, never through a symbolic link.
 */
#ifndef ARCHIVE_ARCHIVE_DUMP_H
#define ARCHIVE_ARCHIVE_DUMP_H

#include "archive/archive_internal.h"
#include "base/buf.h"

/* One file being read, through the filter where its name ends in .gz. */
struct archive_dump_file {
	int fd;
	char *label;		/* "dump DIR: db/x.bson", for messages */
	void *reader;		/* the filter's, NULL without one */
	struct stream_in content;
	uint64_t size;		/* of the file */
};

struct archive_dump {
	int root;
	const struct archive_filter *filter;
	char **files;		/* of each collection's documents, or NULL */
	size_t current;		/* collection being read */
	bool open;
	struct archive_dump_file file;
	struct input in;
	uint64_t number;	/* documents read of it */
};

/* Opens db/name (db "": name).  False with *err; ERR_DAMAGED when it is no
 * regular file. */
bool archive_dump_open(const struct archive_reader *r,
    struct archive_dump_file *f, const char *db, const char *name,
    struct err *err);
void archive_dump_close(const struct archive_reader *r,
    struct archive_dump_file *f);

/* Reads the whole of a file into out. */
bool archive_dump_slurp(const struct archive_reader *r, const char *db,
    const char *name, struct buf *out, uint64_t *size, struct err *err);

/* Opens the folder db of r's dump; -1 with *err. */
int archive_dump_open_db(const struct archive_reader *r, const char *db,
    struct err *err);

#endif
