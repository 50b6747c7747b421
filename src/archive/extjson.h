/*
 * Canonical Extended JSON v2, in which mongodump keeps options and indexes, to
 * BSON and back, so that what was written is read to the same bytes.  libbson's
 * own reader will not do: it takes {"$regex": "a", "$options": "i"}, a query in
 * a validator or a view, for a regular expression.  As in the tools themselves
 * only the first key of an object tells whether it stands for a value, and the
 * outermost object never does.  Read are also the relaxed forms (plain numbers,
 * dates as text) and the binary of v1.
 *
 * Pure functions; thread-safe.
 */
#ifndef ARCHIVE_EXTJSON_H
#define ARCHIVE_EXTJSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

#define EXTJSON_DEPTH_MAX 180	/* objects and arrays in one another */

/* Appends the document that text, one JSON object and nothing else, stands for.
 * False with ERR_DAMAGED and the offset, ERR_TOO_LARGE when it passes out's
 * maximum; out may then have grown. */
bool extjson_read(const char *text, size_t len, struct buf *out,
    struct err *err);

/* Appends the JSON of a valid document.  False with ERR_UNSUPPORTED when it has
 * none that is read back to the same bytes: text that is not UTF-8, a field
 * named "$date" that holds no date, and the like. */
bool extjson_write(const uint8_t *doc, size_t len, struct buf *out,
    struct err *err);

#endif
