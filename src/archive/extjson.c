#include <bson/bson.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "archive/extjson_internal.h"

bool
extjson_fail(struct extjson *j, const char *why)
{

	return err_set(j->err, ERR_DAMAGED, "byte %zu: %s",
	    (size_t)(j->p - j->start), why);
}

bool
extjson_full(struct extjson *j)
{

	return err_set(j->err, ERR_TOO_LARGE, "byte %zu: larger than %zu bytes, "
	    "or memory is out", (size_t)(j->p - j->start), j->out->max);
}

bool
extjson_put(struct extjson *j, const void *bytes, size_t len)
{

	return buf_append(j->out, bytes, len) || extjson_full(j);
}

bool
extjson_put_number(struct extjson *j, uint64_t value, size_t n)
{
	uint8_t bytes[8];
	size_t i;

	for (i = 0; i < n; i++)
		bytes[i] = (uint8_t)(value >> (8 * i));
	return extjson_put(j, bytes, n);
}

bool
extjson_put_string(struct extjson *j)
{

	return extjson_put_number(j, j->word.len + 1, 4) &&
	    extjson_put(j, j->word.data, j->word.len + 1);
}

char
extjson_peek(struct extjson *j)
{

	while (j->p < j->end && (*j->p == ' ' || *j->p == '\t' ||
	    *j->p == '\n' || *j->p == '\r'))
		j->p++;
	return j->p < j->end ? *j->p : '\0';
}

bool
extjson_expect(struct extjson *j, char c)
{
	char why[] = "'x' expected";

	if (extjson_peek(j) == c && j->p < j->end) {
		j->p++;
		return true;
	}
	why[1] = c;
	return extjson_fail(j, why);
}

/* The four hex digits behind \u. */
static bool
hex4(struct extjson *j, uint32_t *value)
{
	int i;

	*value = 0;
	if (j->end - j->p < 4)
		return extjson_fail(j, "a cut \\u");
	for (i = 0; i < 4; i++) {
		char c = *j->p++;
		uint32_t digit = c >= '0' && c <= '9' ? (uint32_t)(c - '0') :
		    c >= 'a' && c <= 'f' ? (uint32_t)(c - 'a' + 10) :
		    c >= 'A' && c <= 'F' ? (uint32_t)(c - 'A' + 10) : 16;

		if (digit == 16)
			return extjson_fail(j, "\\u without four hex digits");
		*value = *value << 4 | digit;
	}
	return true;
}

static bool
unicode_escape(struct extjson *j)
{
	uint32_t c, low;
	char utf8[4];
	size_t n = 0;

	if (!hex4(j, &c))
		return false;
	if (c >= 0xd800 && c < 0xe000) {
		if (c >= 0xdc00 || j->end - j->p < 2 ||
		    memcmp(j->p, "\\u", 2) != 0)
			return extjson_fail(j, "half a surrogate pair");
		j->p += 2;
		if (!hex4(j, &low))
			return false;
		if (low < 0xdc00 || low >= 0xe000)
			return extjson_fail(j, "half a surrogate pair");
		c = 0x10000 + ((c & 0x3ff) << 10 | (low & 0x3ff));
	}
	if (c < 0x80) {
		utf8[n++] = (char)c;
	} else if (c < 0x800) {
		utf8[n++] = (char)(0xc0 | c >> 6);
	} else {
		if (c < 0x10000) {
			utf8[n++] = (char)(0xe0 | c >> 12);
		} else {
			utf8[n++] = (char)(0xf0 | c >> 18);
			utf8[n++] = (char)(0x80 | (c >> 12 & 63));
		}
		utf8[n++] = (char)(0x80 | (c >> 6 & 63));
	}
	if (c >= 0x80)
		utf8[n++] = (char)(0x80 | (c & 63));
	return buf_append(&j->word, utf8, n) || extjson_full(j);
}

/* What stands behind a backslash. */
static bool
escape(struct extjson *j)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *found;
	char c;

	if (j->p == j->end)
		return extjson_fail(j, "a string without its end");
	c = *j->p++;
	if (c == 'u')
		return unicode_escape(j);
	if (c == '\0' || (found = strchr(from, c)) == NULL)
		return extjson_fail(j, "an unknown escape");
	return buf_append_byte(&j->word, (uint8_t)to[found - from]) ||
	    extjson_full(j);
}

bool
extjson_string(struct extjson *j)
{
	const char *from;

	buf_reset(&j->word);
	if (!extjson_expect(j, '"'))
		return false;
	for (;;) {
		from = j->p;
		while (j->p < j->end && *j->p != '"' && *j->p != '\\' &&
		    (uint8_t)*j->p >= ' ')
			j->p++;
		if (!buf_append(&j->word, from, (size_t)(j->p - from)))
			return extjson_full(j);
		if (j->p == j->end)
			return extjson_fail(j, "a string without its end");
		if (*j->p == '"')
			break;
		if (*j->p != '\\')
			return extjson_fail(j, "a control character");
		j->p++;
		if (!escape(j))
			return false;
	}
	j->p++;
	return buf_str(&j->word) != NULL || extjson_full(j);
}

bool
extjson_c_string(struct extjson *j)
{

	return extjson_string(j) && (memchr(j->word.data, 0, j->word.len) ==
	    NULL || extjson_fail(j, "a NUL where none may be"));
}

bool
extjson_key(struct extjson *j, const char *key)
{

	return extjson_c_string(j) && extjson_expect(j, ':') &&
	    (strcmp((const char *)j->word.data, key) == 0 ||
	    extjson_fail(j, "not the key that belongs here"));
}

/* The extent of a number by JSON's grammar; *whole: no fraction, no exponent. */
static bool
number_extent(struct extjson *j, const char **end, bool *whole)
{
	const char *p = j->p;
	bool digits;

	*whole = true;
	if (p < j->end && *p == '-')
		p++;
	digits = p < j->end && *p >= '0' && *p <= '9';
	if (digits && *p == '0')
		p++;
	else
		while (p < j->end && *p >= '0' && *p <= '9')
			p++;
	if (digits && p < j->end && *p == '.') {
		*whole = digits = false;
		for (p++; p < j->end && *p >= '0' && *p <= '9'; p++)
			digits = true;
	}
	if (digits && p < j->end && (*p == 'e' || *p == 'E')) {
		*whole = digits = false;
		p++;
		if (p < j->end && (*p == '+' || *p == '-'))
			p++;
		for (; p < j->end && *p >= '0' && *p <= '9'; p++)
			digits = true;
	}
	*end = p;
	return digits;
}

bool
extjson_integer(struct extjson *j, int64_t *value)
{
	const char *end;
	bool whole;

	extjson_peek(j);
	if (!number_extent(j, &end, &whole) || !whole)
		return extjson_fail(j, "a whole number expected");
	errno = 0;
	*value = strtoll(j->p, NULL, 10);	/* ends where the digits do */
	if (errno != 0)
		return extjson_fail(j, "a number too large");
	j->p = end;
	return true;
}

static bool
plain_number(struct extjson *j, uint8_t *type)
{
	const char *end;
	int64_t value = 0;
	uint64_t bits;
	double d;
	bool whole;

	if (!number_extent(j, &end, &whole))
		return extjson_fail(j, "not JSON");
	errno = 0;
	if (whole)
		value = strtoll(j->p, NULL, 10);
	if (!whole || errno != 0) {
		d = strtod(j->p, NULL);
		memcpy(&bits, &d, sizeof(bits));
		j->p = end;
		*type = EXTJSON_DOUBLE;
		return extjson_put_number(j, bits, 8);
	}
	j->p = end;
	*type = value >= INT32_MIN && value <= INT32_MAX ? EXTJSON_INT32 :
	    EXTJSON_INT64;
	return extjson_put_number(j, (uint64_t)value,
	    *type == EXTJSON_INT32 ? 4 : 8);
}

static bool
literal(struct extjson *j, const char *word)
{
	size_t n = strlen(word);

	if ((size_t)(j->end - j->p) < n || memcmp(j->p, word, n) != 0)
		return extjson_fail(j, "not JSON");
	j->p += n;
	return true;
}

static bool array(struct extjson *j);

/* An object: a document, or what stands for another value. */
static bool
object(struct extjson *j, uint8_t *type)
{
	const char *start = j->p;
	char key[20];

	*type = EXTJSON_DOCUMENT;
	j->p++;
	if (extjson_peek(j) == '"') {
		if (!extjson_string(j))
			return false;
		if (j->word.len < sizeof(key) && j->word.len > 0 &&
		    *j->word.data == '$') {
			memcpy(key, j->word.data, j->word.len + 1);
			if (extjson_is_value(key)) {
				j->p = start;
				return extjson_value(j, key, type);
			}
		}
	}
	j->p = start;
	return extjson_document(j);
}

static bool
any_value(struct extjson *j, uint8_t *type)
{

	switch (extjson_peek(j)) {
	case '{':
		return object(j, type);
	case '[':
		*type = EXTJSON_ARRAY;
		return array(j);
	case '"':
		*type = EXTJSON_STRING;
		return extjson_string(j) && extjson_put_string(j);
	case 't':
		*type = EXTJSON_BOOL;
		return literal(j, "true") && extjson_put_number(j, 1, 1);
	case 'f':
		*type = EXTJSON_BOOL;
		return literal(j, "false") && extjson_put_number(j, 0, 1);
	case 'n':
		*type = EXTJSON_NULL;
		return literal(j, "null");
	default:
		return plain_number(j, type);
	}
}

/* One element: its type is known when its value has been read. */
static bool
element(struct extjson *j, const char *key, size_t key_len)
{
	size_t at = j->out->len;
	uint8_t type = 0;

	if (!extjson_put_number(j, 0, 1) || !extjson_put(j, key, key_len + 1) ||
	    !any_value(j, &type))
		return false;
	j->out->data[at] = type;
	return true;
}

static bool
begin(struct extjson *j, size_t *at)
{

	*at = j->out->len;
	if (++j->depth > EXTJSON_DEPTH_MAX)
		return extjson_fail(j, "too many objects in one another");
	return extjson_put_number(j, 0, 4);
}

static bool
finish(struct extjson *j, size_t at)
{
	size_t i, n;

	j->depth--;
	if (!extjson_put_number(j, 0, 1))
		return false;
	n = j->out->len - at;
	for (i = 0; i < 4; i++)
		j->out->data[at + i] = (uint8_t)(n >> (8 * i));
	return true;
}

static bool
array(struct extjson *j)
{
	char key[24];
	size_t at, n = 0;
	int len;

	j->p++;
	if (!begin(j, &at))
		return false;
	if (extjson_peek(j) == ']') {
		j->p++;
		return finish(j, at);
	}
	for (;; n++) {
		len = snprintf(key, sizeof(key), "%zu", n);
		if (!element(j, key, (size_t)len))
			return false;
		if (extjson_peek(j) != ',')
			break;
		j->p++;
	}
	return extjson_expect(j, ']') && finish(j, at);
}

bool
extjson_document(struct extjson *j)
{
	size_t at;

	if (!extjson_expect(j, '{') || !begin(j, &at))
		return false;
	if (extjson_peek(j) == '}') {
		j->p++;
		return finish(j, at);
	}
	for (;;) {
		if (!extjson_c_string(j) || !extjson_expect(j, ':') ||
		    !element(j, (const char *)j->word.data, j->word.len))
			return false;
		if (extjson_peek(j) != ',')
			break;
		j->p++;
	}
	return extjson_expect(j, '}') && finish(j, at);
}

bool
extjson_read(const char *text, size_t len, struct buf *out, struct err *err)
{
	struct extjson j = { .start = text, .p = text, .end = text + len,
	    .out = out, .err = err };
	char *copy;
	bool ok;

	if (!bson_utf8_validate(text, len, true))
		return err_set(err, ERR_DAMAGED, "not UTF-8");
	/* A NUL behind it, for strtod() and its like. */
	if ((copy = malloc(len + 1)) == NULL)
		return err_nomem(err, "Extended JSON");
	memcpy(copy, text, len);
	copy[len] = '\0';
	j.start = j.p = copy;
	j.end = copy + len;
	buf_init(&j.word, len + 1);
	ok = extjson_document(&j);
	if (ok && extjson_peek(&j) != '\0')
		ok = extjson_fail(&j, "something behind the object");
	if (ok && j.p != j.end)
		ok = extjson_fail(&j, "a NUL");
	buf_free(&j.word);
	free(copy);
	return ok;
}

bool
extjson_write(const uint8_t *doc, size_t len, struct buf *out, struct err *err)
{
	struct buf back;
	bson_t bson;
	char *json = NULL;
	size_t json_len;
	bool ok = false;

	buf_init(&back, len);
	if (bson_init_static(&bson, doc, len))
		json = bson_as_canonical_extended_json(&bson, &json_len);
	if (json == NULL || !extjson_read(json, json_len, &back, err) ||
	    back.len != len || memcmp(back.data, doc, len) != 0) {
		err_set(err, ERR_UNSUPPORTED, "no Extended JSON stands for it "
		    "(text that is not UTF-8, or a field name like \"$date\")");
		goto out;
	}
	ok = buf_append(out, json, json_len) || err_set(err, ERR_TOO_LARGE,
	    "its Extended JSON is larger than %zu bytes", out->max);
out:
	bson_free(json);
	buf_free(&back);
	return ok;
}
