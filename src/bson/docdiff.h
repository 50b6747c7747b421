/*
 * In which fields two raw documents differ, for people and for tools.  The
 * bytes are what is compared; JSON is made of those values only that differ.
 *
 * Fields are paired by name, the n-th of a name with the n-th; elements of
 * arrays by their position.  Pairs of documents and of arrays are looked into,
 * any other pair with different bytes is one difference.  Where fields that
 * both sides have stand in another order, there is one more, for the document
 * they are in.  Where the top-level _id stands does not matter (the server
 * moves it to the front).
 *
 * Values are canonical Extended JSON, with two additions that no such value can
 * be taken for, so that each stays short and tells the two sides apart:
 *
 *   {"$cut":TEXT,"$type":T,"$from":N,"$length":M}   a value of more than 64 KiB
 *      of JSON (256 bytes, once a document's differences come to 256 KiB): of a
 *      string, code or symbol, M bytes long, the text from byte N on, around
 *      the first difference; of binary data likewise, in hexadecimal; of
 *      anything else, M bytes of BSON, the beginning of its Extended JSON.
 *   {"$value":V,"$type":T,"$key":K,"$from":N,"$bytes":HEX}   values that print
 *      the same (NaNs, bytes that are not UTF-8, a document that looks like
 *      another type's Extended JSON): what they look like, and the bytes, as in
 *      BSON or those of the text, from N on (0 when there is no "$from") around
 *      the first difference.  "$key" is there where elements of arrays at one
 *      position have different keys.
 *
 * T is the name that $type has for it in MongoDB's query language.
 *
 * Pure functions; thread-safe.
 */
#ifndef BSON_DOCDIFF_H
#define BSON_DOCDIFF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

/* So many differences are told of a document; the rest is counted. */
#define DOCDIFF_FIELDS_MAX 1000

#define DOCDIFF_ID_MAX ((size_t)128 * 1024)

/* One difference.  path: names and positions (from 0) with dots between, valid
 * UTF-8 (other bytes as \xNN), cut after 4 KiB with "…"; "" is the document
 * itself.  source and target: the value as JSON text; NULL: that side has no
 * such field.  order: only the order of the fields of the document at path
 * differs; both are NULL.  more > 0: the last one, so many differences were not
 * told; path is "", both are NULL. */
struct docdiff_field {
	const char *path;
	const char *source;
	const char *target;
	bool order;
	uint64_t more;
};

/* Told each difference, in the order of the source's fields, then those that
 * only the target has; f lives for the call.  False with *err ends it. */
typedef bool docdiff_fn(void *arg, const struct docdiff_field *f,
    struct err *err);

/* Compares.  True when each was told all; it may have been told nothing although
 * the bytes differ, where it is only for the place of the top-level _id.  False
 * with *err: ERR_DAMAGED (a document is malformed or more than 200 levels
 * deep), ERR_NOMEM, or that of each.  Takes up to 32 bytes of memory for a field
 * and time n log n where fields stand in different places. */
bool docdiff(const uint8_t *source, size_t source_len, const uint8_t *target,
    size_t target_len, docdiff_fn *each, void *arg, struct err *err);

/* Replaces what is in out by the top-level _id as such a value, cut where it is
 * long; "null" without one.  False without memory, or when out, which takes at
 * least DOCDIFF_ID_MAX bytes, is full. */
bool docdiff_id(const uint8_t *doc, size_t len, struct buf *out);

#endif
