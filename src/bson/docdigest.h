/*
 * The digest of one document (docs/DESIGN.md, verification): XXH3-128, seed 0,
 * of its bytes with the top-level _id moved first, because the server moves it
 * there.  A time-series measurement is put in canonical order first, because
 * the server does not keep the order of its fields.
 *
 * Pure functions over raw BSON bytes; thread-safe.
 */
#ifndef BSON_DOCDIGEST_H
#define BSON_DOCDIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/digest.h"

/* The digest of a whole, well-formed raw document.  Of a malformed one: of its
 * bytes as they are. */
struct digest docdigest(const uint8_t *doc, size_t len);

/* Appends doc to out with its top-level fields sorted by the bytes of their
 * names, and those of its meta_field (may be NULL) likewise at every depth
 * (arrays keep their order).  False when doc is malformed or out is full. */
bool docdigest_canonical(const uint8_t *doc, size_t len, const char *meta_field,
    struct buf *out);

/* The digest by which documents are joined across two sides: XXH3-128 of the
 * _id element's type and value; of a document without one: of all its bytes. */
struct digest docdigest_id(const uint8_t *doc, size_t len);

#endif
