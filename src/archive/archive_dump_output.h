/*
 * One file of a dump that is being written.
 */
#ifndef ARCHIVE_ARCHIVE_DUMP_OUTPUT_H
#define ARCHIVE_ARCHIVE_DUMP_OUTPUT_H

#include "archive/archive.h"

struct archive_dump_output {
	int fd;			/* -1: not open */
	char *path;
	const struct archive_filter *filter;
	void *writer;		/* the filter's, NULL without one */
	struct stream_out content;
};

/* Opens path, appending to what is there; filter: NULL for a plain file.  The
 * struct must not move while it is open. */
bool archive_dump_output_open(struct archive_dump_output *o, const char *path,
    const struct archive_filter *filter, struct err *err);

/* Ends and closes it: what was written lasts on return. */
bool archive_dump_output_close(struct archive_dump_output *o, struct err *err);

/* Closes it as it is.  For one that is not open too. */
void archive_dump_output_drop(struct archive_dump_output *o);

/* Writes a whole file. */
bool archive_dump_output_file(const char *path,
    const struct archive_filter *filter, const void *data, size_t len,
    struct err *err);

#endif
