/*
 * What doc_json.c is made of, for those in bson/ that write JSON of a part of a
 * document.
 *
 * Pure functions; thread-safe.
 */
#ifndef BSON_DOC_INTERNAL_H
#define BSON_DOC_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "bson/walk.h"

/* The length of the UTF-8 sequence at s, of which left bytes (> 0) are there
 * (Unicode, table 3-7); 0 when there is none: overlong forms and surrogates are
 * not UTF-8. */
size_t doc_utf8_len(const uint8_t *s, size_t left);

/* Appends text as a JSON string; bytes that are not UTF-8 as \ufffd.  False
 * when out is full; whole characters that fitted are in it then. */
bool doc_string_json(struct buf *out, const char *text, size_t len);

/* Appends the value of e as canonical Extended JSON.  False when out is full or
 * a document in e is malformed; what fitted is in out then. */
bool doc_value_json(const struct walk_element *e, struct buf *out);

#endif
