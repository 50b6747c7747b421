/*
 * Extended JSON in the form that MongoDB's shell has for it, which people read:
 * 5, Long(5), 5.0, ObjectId("…"), ISODate("…"), so that types stay visible.  The
 * additions of bson/docdiff.h ($cut, $value) become words.
 *
 * Works on the text itself, so that fields that occur twice are shown twice.
 * What is not Extended JSON of canonical form is shown as the plain JSON it is.
 * Pure functions; thread-safe.
 */
#ifndef CLI_EXTENDED_H
#define CLI_EXTENDED_H

#include <stdbool.h>

#include "base/buf.h"

/* Appends the shell's form of one JSON value.  The text is still one from
 * elsewhere: not safe for a terminal.  False, with out as it was, when json is
 * not JSON or out is full. */
bool extended_show(struct buf *out, const char *json);

/* Appends the value as it is, without white space between its parts: one line
 * of valid JSON.  False likewise. */
bool extended_compact(struct buf *out, const char *json);

#endif
