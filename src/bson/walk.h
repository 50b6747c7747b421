/*
 * Steps through raw BSON without decoding it.  bson_iter would do for most of
 * it, but the bytes of a document must come through whatever they are, and the
 * places where a text begins and ends are needed, not copies of it.  Checked
 * are lengths, terminators and types; not UTF-8, keys, or their number.
 *
 * For bson/ only.  Pure functions; thread-safe.
 */
#ifndef BSON_WALK_H
#define BSON_WALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Documents in documents, the outermost counted. */
#define WALK_DEPTH_MAX 200

/* The types of an element (bsonspec.org, version 1.1). */
enum walk_type {
	WALK_DOUBLE = 0x01,
	WALK_STRING = 0x02,
	WALK_DOCUMENT = 0x03,
	WALK_ARRAY = 0x04,
	WALK_BINARY = 0x05,
	WALK_UNDEFINED = 0x06,
	WALK_OID = 0x07,
	WALK_BOOL = 0x08,
	WALK_DATE = 0x09,
	WALK_NULL = 0x0a,
	WALK_REGEX = 0x0b,
	WALK_DBPOINTER = 0x0c,
	WALK_CODE = 0x0d,
	WALK_SYMBOL = 0x0e,
	WALK_CODE_WITH_SCOPE = 0x0f,
	WALK_INT32 = 0x10,
	WALK_TIMESTAMP = 0x11,
	WALK_INT64 = 0x12,
	WALK_DECIMAL128 = 0x13,
	WALK_MAX_KEY = 0x7f,
	WALK_MIN_KEY = 0xff
};

/* One element; the pointers are into the document. */
struct walk_element {
	uint8_t type;
	const uint8_t *start;	/* its type byte */
	const char *key;
	size_t key_len;
	const uint8_t *value;
	size_t value_len;
	/* What a person would read in it: the characters of a string, symbol,
	 * code, code with scope, the name of a DBPointer, the pattern of a
	 * regular expression, the bytes of a binary (without the second length
	 * that subtype 2 has).  NULL for other types. */
	const char *text;
	size_t text_len;
	/* The document in it: itself, an array, a scope.  NULL for others. */
	const uint8_t *doc;
	size_t doc_len;
};

/* Some bytes of a document. */
struct walk_piece {
	const uint8_t *bytes;
	size_t len;
};

/* Told each element, outer before inner.  False ends the walk. */
typedef bool walk_fn(void *arg, const struct walk_element *e);

/* The little-endian int32 at p, as it is used for lengths. */
static inline uint32_t
walk_u32(const uint8_t *p)
{

	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
	    (uint32_t)p[3] << 24;
}

/* The options of a regular expression. */
static inline const char *
walk_regex_options(const struct walk_element *e)
{

	return e->text + e->text_len + 1;
}

/* Looks at the outside of a document of exactly len bytes: where its first
 * element and its terminator are.  False when its length or terminator are
 * wrong. */
bool walk_open(const uint8_t *doc, size_t len, const uint8_t **first,
    const uint8_t **end);

/* Reads the element at p, in a document whose terminator is at end; the next
 * one is at e->value + e->value_len.  The documents in it are looked at from
 * outside only.  False when it is malformed or reaches past end. */
bool walk_next(const uint8_t *p, const uint8_t *end, struct walk_element *e);

/* Walks the whole document.  False when it is malformed, deeper than
 * WALK_DEPTH_MAX, or when each (may be NULL) returned false. */
bool walk_all(const uint8_t *doc, size_t len, walk_fn *each, void *arg);

/* Finds the first top-level _id.  False when there is none, or the document is
 * malformed before it. */
bool walk_find_id(const uint8_t *doc, size_t len, struct walk_element *id);

/* The bytes of the document as they are once the top-level _id stands first:
 * n pieces (1 to 4).  A document without _id, or malformed, is one piece. */
size_t walk_id_first(const uint8_t *doc, size_t len,
    struct walk_piece pieces[4]);

#endif
