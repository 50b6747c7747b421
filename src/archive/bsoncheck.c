#include <string.h>

#include "archive/bsoncheck.h"

#define OID_SIZE 12

/* What one element holds: value_len bytes, and maybe a document in it. */
struct element {
	size_t value_len;
	size_t doc;		/* offset of the document in the value */
	size_t doc_len;		/* 0: none */
};

/* Bytes of the document that begins at p, 0 when none of at most left does. */
static size_t
document_at(const uint8_t *p, size_t left)
{
	size_t n;

	if (left < BSONCHECK_SMALLEST)
		return 0;
	n = bsoncheck_u32(p);
	return n < BSONCHECK_SMALLEST || n > left || p[n - 1] != 0 ? 0 : n;
}

static size_t
string_at(const uint8_t *p, size_t left)
{
	size_t n;

	if (left < 5)
		return 0;
	n = bsoncheck_u32(p);
	return n < 1 || n > left - 4 || p[4 + n - 1] != 0 ? 0 : 4 + n;
}

/* Two C strings. */
static size_t
regex_at(const uint8_t *p, size_t left)
{
	const uint8_t *nul, *second;

	if ((nul = memchr(p, 0, left)) == NULL)
		return 0;
	second = nul + 1;
	nul = memchr(second, 0, left - (size_t)(second - p));
	return nul == NULL ? 0 : (size_t)(nul + 1 - p);
}

static bool
code_with_scope_at(const uint8_t *p, size_t left, struct element *e)
{
	size_t total, code;

	if (left < 4)
		return false;
	total = bsoncheck_u32(p);
	if (total < 4 || total > left)
		return false;
	if ((code = string_at(p + 4, total - 4)) == 0)
		return false;
	e->value_len = total;
	e->doc = 4 + code;
	e->doc_len = document_at(p + e->doc, total - e->doc);
	return e->doc_len != 0 && e->doc + e->doc_len == total;
}

/* Types as bsonspec.org, version 1.1, numbers them. */
static bool
value_at(uint8_t type, const uint8_t *p, size_t left, struct element *e)
{
	size_t n;

	*e = (struct element){ 0 };
	switch (type) {
	case 0x01:				/* double */
	case 0x09:				/* date */
	case 0x11:				/* timestamp */
	case 0x12:				/* 64 bits */
		e->value_len = 8;
		return left >= 8;
	case 0x02:				/* string */
	case 0x0d:				/* code */
	case 0x0e:				/* symbol */
		return (e->value_len = string_at(p, left)) != 0;
	case 0x03:				/* document */
	case 0x04:				/* array */
		e->value_len = e->doc_len = document_at(p, left);
		return e->doc_len != 0;
	case 0x05:				/* binary */
		if (left < 5)
			return false;
		n = bsoncheck_u32(p);
		e->value_len = 5 + n;
		return n <= left - 5;
	case 0x07:				/* object id */
		e->value_len = OID_SIZE;
		return left >= OID_SIZE;
	case 0x08:				/* boolean */
		e->value_len = 1;
		return left >= 1;
	case 0x0b:
		return (e->value_len = regex_at(p, left)) != 0;
	case 0x0c:				/* DBPointer */
		e->value_len = string_at(p, left) + OID_SIZE;
		return e->value_len > OID_SIZE && e->value_len <= left;
	case 0x0f:
		return code_with_scope_at(p, left, e);
	case 0x10:				/* 32 bits */
		e->value_len = 4;
		return left >= 4;
	case 0x13:				/* decimal */
		e->value_len = 16;
		return left >= 16;
	case 0x06:				/* undefined */
	case 0x0a:				/* null */
	case 0x7f:				/* largest and smallest key */
	case 0xff:
		return true;
	default:
		return false;
	}
}

bool
bsoncheck_valid(const uint8_t *doc, size_t len, size_t *at)
{
	const uint8_t *ends[BSONCHECK_DEPTH_MAX], *p = doc, *value;
	struct element e;
	size_t depth = 0;

	*at = 0;
	if (len > INT32_MAX || document_at(doc, len) != len)
		return false;
	ends[0] = doc + len - 1;
	for (p = doc + 4;;) {
		while (p == ends[depth]) {
			if (depth == 0)
				return true;
			p = ends[depth--] + 1;
		}
		*at = (size_t)(p - doc);
		value = memchr(p + 1, 0, (size_t)(ends[depth] - p - 1));
		if (value == NULL)
			return false;
		value++;		/* behind the key */
		if (!value_at(*p, value, (size_t)(ends[depth] - value), &e))
			return false;
		p = value + e.value_len;
		if (e.doc_len == 0)
			continue;
		if (++depth == BSONCHECK_DEPTH_MAX)
			return false;
		/* A scope ends where its element ends, like any other. */
		ends[depth] = p - 1;
		p = value + e.doc + 4;
	}
}
