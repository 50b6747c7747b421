/*
 * Whether bytes are a BSON document through and through: lengths, terminators
 * and types at every depth.  What a server stores is more than what a driver
 * makes, so keys (empty, twice, with dots) and UTF-8 are not looked at.
 *
 * Pure functions; thread-safe.
 */
#ifndef ARCHIVE_BSONCHECK_H
#define ARCHIVE_BSONCHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Documents in documents, the outermost counted; a server stops at 180. */
#define BSONCHECK_DEPTH_MAX 200
#define BSONCHECK_SMALLEST 5	/* length and terminator */

/* The little-endian 32 bits at p. */
static inline uint32_t
bsoncheck_u32(const uint8_t *p)
{

	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
	    (uint32_t)p[3] << 24;
}

/* True when doc is exactly one valid document of len bytes; else *at is the
 * offset in it where it goes wrong. */
bool bsoncheck_valid(const uint8_t *doc, size_t len, size_t *at);

#endif
