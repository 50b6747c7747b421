/*
 * Text from elsewhere (names, documents, what servers say) made safe for a
 * terminal and for JSON.  Bytes are read as UTF-8, whatever the locale says.
 */
#ifndef CLI_TEXT_H
#define CLI_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

#define TEXT_WHOLE ((size_t)-1)

/* Appends s in at most columns columns; one that is longer is cut and ends in
 * "…".  Control characters are spelled out (\n, \x1b), bytes that are not
 * UTF-8 and marks that turn the direction of writing become U+FFFD.  False
 * when out is full. */
bool text_show(struct buf *out, const char *s, size_t columns);

/* The columns that s takes when shown whole. */
size_t text_columns(const char *s);

/* Appends s with whatever is not UTF-8 replaced by U+FFFD.  False when out is
 * full. */
bool text_valid(struct buf *out, const char *s);

#endif
