/*
 * Raw documents inside mongo/: what a writer must know about bytes that it
 * never decodes as a whole.
 *
 * Pure functions; thread-safe.
 */
#ifndef MONGO_RAW_H
#define MONGO_RAW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mongoc/mongoc.h>

#include "mongo/catalog.h"

/* Copies len bytes to *to, which must be empty.  False when out of memory. */
bool raw_copy(struct rawdoc *to, const void *data, size_t len);
void raw_free(struct rawdoc *r);	/* r is absent afterwards */

/* One element inside a document: type byte, name, value. */
struct raw_element {
	const uint8_t *start;
	size_t len;
	const uint8_t *value;	/* behind the name */
	size_t value_len;
	uint8_t type;
};

/* Finds the top-level _id.  False when there is none or doc is malformed. */
bool raw_find_id(const uint8_t *doc, size_t len, struct raw_element *id);

/* Makes {"_id": value} of doc in *out, which must be empty.  False as
 * raw_find_id(), or when out of memory. */
bool raw_id(const uint8_t *doc, size_t len, struct rawdoc *out);

/* True when both are the same bytes once _id is moved first. */
bool raw_same(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len);

/* The same, but where b has a zero Timestamp at the top, a may have another
 * one: what the server makes of such a field on insert. */
bool raw_same_but_stamps(const uint8_t *a, const uint8_t *b, size_t len);

/* True when a top-level field other than _id is Timestamp(0,0): the server
 * replaces those on insert. */
bool raw_has_zero_stamp(const uint8_t *doc, size_t len);

/* True when, at any depth, a name occurs twice in one document or starts with
 * '$', or a document has thousands of fields: what is not put into an update
 * pipeline. */
bool raw_has_odd_names(const uint8_t *doc, size_t len);

/* As a bson_t that lives as long as data; false when malformed. */
bool raw_bson(const uint8_t *data, size_t len, bson_t *out);

#endif
