#include <string.h>

#include "bson/walk.h"

#define OID_SIZE 12
#define OLD_BINARY 0x02		/* a subtype */
#define SMALLEST_DOC 5		/* length and terminator */
#define VARIES (-1)
#define UNKNOWN (-2)

/* Bytes of a value of each type below 0x14. */
static const signed char value_sizes[] = {
	[0x00] = UNKNOWN,
	[WALK_DOUBLE] = 8,
	[WALK_STRING] = VARIES,
	[WALK_DOCUMENT] = VARIES,
	[WALK_ARRAY] = VARIES,
	[WALK_BINARY] = VARIES,
	[WALK_UNDEFINED] = 0,
	[WALK_OID] = OID_SIZE,
	[WALK_BOOL] = 1,
	[WALK_DATE] = 8,
	[WALK_NULL] = 0,
	[WALK_REGEX] = VARIES,
	[WALK_DBPOINTER] = VARIES,
	[WALK_CODE] = VARIES,
	[WALK_SYMBOL] = VARIES,
	[WALK_CODE_WITH_SCOPE] = VARIES,
	[WALK_INT32] = 4,
	[WALK_TIMESTAMP] = 8,
	[WALK_INT64] = 8,
	[WALK_DECIMAL128] = 16,
};

static int
value_size(uint8_t type)
{

	if (type < sizeof(value_sizes))
		return value_sizes[type];
	return type == WALK_MAX_KEY || type == WALK_MIN_KEY ? 0 : UNKNOWN;
}

/* A document of at most left bytes at p: its length, 0 when there is none. */
static size_t
doc_at(const uint8_t *p, size_t left)
{
	size_t n;

	if (left < SMALLEST_DOC)
		return 0;
	n = walk_u32(p);
	if (n < SMALLEST_DOC || n > INT32_MAX || n > left || p[n - 1] != 0)
		return 0;
	return n;
}

/* The same for a string: its length, characters, NUL. */
static size_t
string_at(const uint8_t *p, size_t left)
{
	size_t n;

	if (left < 5)
		return 0;
	n = walk_u32(p);
	if (n < 1 || n > left - 4 || p[4 + n - 1] != 0)
		return 0;
	return 4 + n;
}

static bool
read_string(struct walk_element *e, size_t left)
{

	if ((e->value_len = string_at(e->value, left)) == 0)
		return false;
	e->text = (const char *)e->value + 4;
	e->text_len = e->value_len - 5;
	return true;
}

static bool
read_doc(struct walk_element *e, size_t left)
{

	if ((e->value_len = doc_at(e->value, left)) == 0)
		return false;
	e->doc = e->value;
	e->doc_len = e->value_len;
	return true;
}

static bool
read_binary(struct walk_element *e, size_t left)
{
	size_t n;

	if (left < 5)
		return false;
	n = walk_u32(e->value);
	if (n > left - 5)
		return false;
	e->value_len = 5 + n;
	e->text = (const char *)e->value + 5;
	e->text_len = n;
	if (e->value[4] == OLD_BINARY && n >= 4 &&
	    walk_u32(e->value + 5) == n - 4) {
		e->text += 4;
		e->text_len -= 4;
	}
	return true;
}

static bool
read_regex(struct walk_element *e, size_t left)
{
	const uint8_t *nul, *options;

	if ((nul = memchr(e->value, 0, left)) == NULL)
		return false;
	options = nul + 1;
	e->text = (const char *)e->value;
	e->text_len = (size_t)(nul - e->value);
	left -= e->text_len + 1;
	if ((nul = memchr(options, 0, left)) == NULL)
		return false;
	e->value_len = (size_t)(nul + 1 - e->value);
	return true;
}

static bool
read_dbpointer(struct walk_element *e, size_t left)
{

	if (!read_string(e, left) || left - e->value_len < OID_SIZE)
		return false;
	e->value_len += OID_SIZE;
	return true;
}

/* Total length, code as a string, scope as a document: to the byte. */
static bool
read_code_with_scope(struct walk_element *e, size_t left)
{
	size_t total, code;

	if (left < 4)
		return false;
	total = walk_u32(e->value);
	if (total < 4 || total > left)
		return false;
	if ((code = string_at(e->value + 4, total - 4)) == 0)
		return false;
	e->text = (const char *)e->value + 8;
	e->text_len = code - 5;
	e->doc = e->value + 4 + code;
	e->doc_len = doc_at(e->doc, total - 4 - code);
	e->value_len = total;
	return e->doc_len != 0 && 4 + code + e->doc_len == total;
}

static bool
read_varying(struct walk_element *e, size_t left)
{

	switch (e->type) {
	case WALK_STRING:
	case WALK_CODE:
	case WALK_SYMBOL:
		return read_string(e, left);
	case WALK_DOCUMENT:
	case WALK_ARRAY:
		return read_doc(e, left);
	case WALK_BINARY:
		return read_binary(e, left);
	case WALK_REGEX:
		return read_regex(e, left);
	case WALK_DBPOINTER:
		return read_dbpointer(e, left);
	default:
		return read_code_with_scope(e, left);
	}
}

bool
walk_open(const uint8_t *doc, size_t len, const uint8_t **first,
    const uint8_t **end)
{

	if (len == 0 || doc_at(doc, len) != len)
		return false;
	*first = doc + 4;
	*end = doc + len - 1;
	return true;
}

bool
walk_next(const uint8_t *p, const uint8_t *end, struct walk_element *e)
{
	const uint8_t *nul;
	size_t left;
	int size;

	if (p >= end)
		return false;
	e->type = *p;
	e->start = p;
	e->key = (const char *)p + 1;
	if ((nul = memchr(p + 1, 0, (size_t)(end - p - 1))) == NULL)
		return false;
	e->key_len = (size_t)(nul - p - 1);
	e->value = nul + 1;
	e->text = NULL;
	e->text_len = 0;
	e->doc = NULL;
	e->doc_len = 0;
	left = (size_t)(end - e->value);
	if ((size = value_size(e->type)) == VARIES)
		return read_varying(e, left);
	if (size == UNKNOWN || (size_t)size > left)
		return false;
	e->value_len = (size_t)size;
	return true;
}

bool
walk_all(const uint8_t *doc, size_t len, walk_fn *each, void *arg)
{
	const uint8_t *ends[WALK_DEPTH_MAX], *p;
	struct walk_element e;
	size_t depth = 0;

	if (!walk_open(doc, len, &p, &ends[0]))
		return false;
	for (;;) {
		while (p == ends[depth]) {
			if (depth == 0)
				return true;
			p = ends[depth--] + 1;
		}
		if (!walk_next(p, ends[depth], &e))
			return false;
		if (each != NULL && !each(arg, &e))
			return false;
		p = e.value + e.value_len;
		if (e.doc == NULL)
			continue;
		/* A scope ends where its element ends, like any other. */
		if (++depth == WALK_DEPTH_MAX)
			return false;
		if (!walk_open(e.doc, e.doc_len, &p, &ends[depth]))
			return false;
	}
}

bool
walk_find_id(const uint8_t *doc, size_t len, struct walk_element *id)
{
	const uint8_t *p, *end;

	if (!walk_open(doc, len, &p, &end))
		return false;
	while (p != end) {
		if (!walk_next(p, end, id))
			return false;
		if (id->key_len == 3 && memcmp(id->key, "_id", 3) == 0)
			return true;
		p = id->value + id->value_len;
	}
	return false;
}

size_t
walk_id_first(const uint8_t *doc, size_t len, struct walk_piece pieces[4])
{
	const uint8_t *after;
	struct walk_element id;

	if (!walk_find_id(doc, len, &id) || id.start == doc + 4) {
		pieces[0] = (struct walk_piece){ doc, len };
		return 1;
	}
	after = id.value + id.value_len;
	pieces[0] = (struct walk_piece){ doc, 4 };
	pieces[1] = (struct walk_piece){ id.start, (size_t)(after - id.start) };
	pieces[2] = (struct walk_piece){ doc + 4,
	    (size_t)(id.start - doc - 4) };
	pieces[3] = (struct walk_piece){ after, (size_t)(doc + len - after) };
	return 4;
}
