/*
 * An archive, a dump directory or a file of documents as one pass of reading:
 * file, decompression and format put behind each other.
 *
 * Order: archive_in_open(), the collections, archive_in_next() to its end,
 * archive_in_free(); again for another pass.  One thread.
 */
#ifndef JOB_ARCHIVE_IN_H
#define JOB_ARCHIVE_IN_H

#include <stdbool.h>
#include <stddef.h>

#include "archive/archive.h"
#include "base/err.h"
#include "job/archive_place.h"

struct archive_in;

/* Opens place, which must outlive it, and reads what describes the
 * collections.  Blocks (stdin: until somebody writes; a stop is heeded).  NULL
 * with *err: ERR_NOT_FOUND, ERR_DENIED, ERR_DAMAGED, ERR_UNSUPPORTED. */
struct archive_in *archive_in_open(const struct archive_place *place,
    struct err *err);
void archive_in_free(struct archive_in *in);	/* NULL is allowed */

size_t archive_in_count(const struct archive_in *in);
const struct archive_collection *archive_in_collection(
    const struct archive_in *in, size_t i);

/* Of the server that it was made of; "" where nothing says. */
const char *archive_in_version(const struct archive_in *in);

/* As archive_next(); also ends with ERR_CANCELLED when a stop was asked for. */
enum archive_next archive_in_next(struct archive_in *in,
    struct archive_item *item, struct err *err);

/* Tells each document to each, to the end.  False with *err, each's too. */
bool archive_in_all(struct archive_in *in,
    bool (*each)(void *arg, const struct archive_item *item, struct err *err),
    void *arg, struct err *err);

#endif
