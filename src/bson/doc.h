/*
 * Small questions about one raw document, for those who must not see libbson:
 * its _id, its canonical Extended JSON, whether it is well-formed.  Raw bytes
 * in, bytes or text out; nothing is ever re-encoded.
 *
 * Pure functions; thread-safe.
 */
#ifndef BSON_DOC_H
#define BSON_DOC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

/* True when doc is structurally sound BSON of exactly len bytes (lengths,
 * terminators, known types; UTF-8 and duplicate keys are not looked at), at
 * most 200 levels deep. */
bool doc_valid(const uint8_t *doc, size_t len);

/* How many documents and arrays are inside each other at most, the document
 * itself counted: 1 for {a: 1}.  0 when it is malformed or more than 200 levels
 * deep. */
unsigned doc_depth(const uint8_t *doc, size_t len);

/* Appends {"_id": value} as a raw document to out.  False when doc has no _id
 * or out is full. */
bool doc_id(const uint8_t *doc, size_t len, struct buf *out);

/* Appends canonical Extended JSON (v2) of doc; of only its _id's value for
 * doc_id_json ("null" without one).  Bytes that are not UTF-8 appear as
 * \ufffd.  False when out is full or doc is malformed. */
bool doc_json(const uint8_t *doc, size_t len, struct buf *out);
bool doc_id_json(const uint8_t *doc, size_t len, struct buf *out);

/* Parses Extended JSON into one raw document appended to out.  ERR_CONFIG with
 * the position when text is not a JSON object. */
bool doc_from_json(const char *text, struct buf *out, struct err *err);

/* True when both are the same document for the server: the same bytes, _id
 * first or not. */
bool doc_same(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len);

#endif
