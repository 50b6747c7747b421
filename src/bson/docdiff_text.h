/*
 * The texts of two values that differ, as docdiff.h describes them.  For
 * docdiff.c only.
 *
 * Pure functions; thread-safe.
 */
#ifndef BSON_DOCDIFF_TEXT_H
#define BSON_DOCDIFF_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "bson/walk.h"

struct docdiff_texts {
	const struct walk_element *source;	/* one of them may be NULL */
	const struct walk_element *target;
	bool keys;		/* their keys differ, and that is to be seen */
	size_t limit;		/* bytes of a text before it is cut; >= 256 */
};

/* Replaces what is in the two buffers by the texts; that of a side that is NULL
 * becomes empty.  A text has at most the limit and 4 KiB more.  False when
 * memory is out or a buffer is full. */
bool docdiff_texts(const struct docdiff_texts *v, struct buf *source,
    struct buf *target);

/* Appends a name in a path.  False when out is full. */
bool docdiff_name(struct buf *out, const char *key, size_t len);

#endif
