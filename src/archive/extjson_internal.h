/*
 * Between extjson.c (the grammar of JSON) and extjson_value.c (objects that
 * stand for a value).
 */
#ifndef ARCHIVE_EXTJSON_INTERNAL_H
#define ARCHIVE_EXTJSON_INTERNAL_H

#include "archive/extjson.h"

/* BSON's types (bsonspec.org). */
enum extjson_type {
	EXTJSON_DOUBLE = 0x01,
	EXTJSON_STRING = 0x02,
	EXTJSON_DOCUMENT = 0x03,
	EXTJSON_ARRAY = 0x04,
	EXTJSON_BINARY = 0x05,
	EXTJSON_UNDEFINED = 0x06,
	EXTJSON_OID = 0x07,
	EXTJSON_BOOL = 0x08,
	EXTJSON_DATE = 0x09,
	EXTJSON_NULL = 0x0a,
	EXTJSON_REGEX = 0x0b,
	EXTJSON_DBPOINTER = 0x0c,
	EXTJSON_CODE = 0x0d,
	EXTJSON_SYMBOL = 0x0e,
	EXTJSON_CODE_WITH_SCOPE = 0x0f,
	EXTJSON_INT32 = 0x10,
	EXTJSON_TIMESTAMP = 0x11,
	EXTJSON_INT64 = 0x12,
	EXTJSON_DECIMAL128 = 0x13,
	EXTJSON_MAX_KEY = 0x7f,
	EXTJSON_MIN_KEY = 0xff
};

struct extjson {
	const char *start, *p, *end;
	unsigned depth;
	struct buf *out;
	struct buf word;	/* the last string read */
	struct err *err;
};

/* Each returns false with j->err filled. */

/* "byte N: why" */
bool extjson_fail(struct extjson *j, const char *why);
/* What does not fit, or is out of memory. */
bool extjson_full(struct extjson *j);

/* The next character behind white space, 0 at the end. */
char extjson_peek(struct extjson *j);
/* Steps over c. */
bool extjson_expect(struct extjson *j, char c);
/* A string, into j->word; a NUL stands behind it. */
bool extjson_string(struct extjson *j);
/* A string without a NUL in it. */
bool extjson_c_string(struct extjson *j);
/* "key": without a NUL; true when it was this one. */
bool extjson_key(struct extjson *j, const char *key);
/* A whole number of JSON. */
bool extjson_integer(struct extjson *j, int64_t *value);
/* Appends an object as a document, never as another value. */
bool extjson_document(struct extjson *j);

/* Appends bytes, or n low bytes of value, little-endian. */
bool extjson_put(struct extjson *j, const void *bytes, size_t len);
bool extjson_put_number(struct extjson *j, uint64_t value, size_t n);
/* Appends j->word as BSON's string. */
bool extjson_put_string(struct extjson *j);

/* Whether an object whose first key is this stands for a value. */
bool extjson_is_value(const char *key);

/* Reads the object that begins at j->p, whose first key is such a one, appends
 * its value and sets *type. */
bool extjson_value(struct extjson *j, const char *key, uint8_t *type);

#endif
