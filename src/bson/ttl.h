/*
 * Whether a TTL index, or the expiry of a clustered or time-series collection,
 * would remove a document now: such documents may vanish
 * on either side at any moment and are no differences.
 *
 * Pure functions; thread-safe.
 */
#ifndef BSON_TTL_H
#define BSON_TTL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* index_spec: a raw index specification with one key and expireAfterSeconds;
 * now_ms: milliseconds since 1970.  True when the key's value is a date (or an
 * array with one: the earliest counts) that lies that long in the past.  A
 * partial filter is not looked at: a document outside it counts as due too. */
bool ttl_is_due(const uint8_t *doc, size_t len, const uint8_t *index_spec,
    size_t spec_len, int64_t now_ms);

/* expireAfterSeconds of a collection's options (or an index_spec); negative
 * when there is none. */
int64_t ttl_seconds(const uint8_t *options, size_t len);

/* The same for the date in one field (a dotted path), after seconds later; a
 * negative after is never. */
bool ttl_field_is_due(const uint8_t *doc, size_t len, const char *field,
    int64_t after, int64_t now_ms);

#endif
