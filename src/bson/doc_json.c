#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bson/bson.h>

#include "base/hash.h"
#include "bson/doc.h"
#include "bson/doc_internal.h"
#include "bson/walk.h"

/*
 * Extended JSON v2, canonical (MongoDB specifications, "extended-json").
 * libbson's writer stops at text that is not UTF-8, which documents do have,
 * so this is our own; only decimals are left to libbson.
 */

/* An open document: where its terminator is, and what closes it. */
struct level {
	const uint8_t *end;
	const char *closer;
	bool array;
	bool first;		/* no comma yet */
};

size_t
doc_utf8_len(const uint8_t *s, size_t left)
{
	uint8_t low = 0x80, high = 0xbf;
	size_t n, i;

	if (s[0] < 0x80)
		return 1;
	if (s[0] < 0xc2 || s[0] > 0xf4)
		return 0;
	n = s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
	if (s[0] == 0xe0)
		low = 0xa0;
	else if (s[0] == 0xed)
		high = 0x9f;
	else if (s[0] == 0xf0)
		low = 0x90;
	else if (s[0] == 0xf4)
		high = 0x8f;
	if (n > left || s[1] < low || s[1] > high)
		return 0;
	for (i = 2; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	}
	return n;
}

static bool
put_char(struct buf *out, const uint8_t *s, size_t n)
{

	if (n == 0)
		return buf_append_str(out, "\\ufffd");
	if (n > 1)
		return buf_append(out, s, n);
	switch (*s) {
	case '"':
		return buf_append_str(out, "\\\"");
	case '\\':
		return buf_append_str(out, "\\\\");
	case '\n':
		return buf_append_str(out, "\\n");
	case '\r':
		return buf_append_str(out, "\\r");
	case '\t':
		return buf_append_str(out, "\\t");
	default:
		if (*s < 0x20 || *s == 0x7f)
			return buf_printf(out, "\\u%04x", *s);
		return buf_append_byte(out, *s);
	}
}

bool
doc_string_json(struct buf *out, const char *text, size_t len)
{
	const uint8_t *s = (const uint8_t *)text;
	size_t n;

	if (!buf_append_byte(out, '"'))
		return false;
	for (; len > 0; s += n, len -= n) {
		n = doc_utf8_len(s, len);
		if (!put_char(out, s, n))
			return false;
		n = n == 0 ? 1 : n;
	}
	return buf_append_byte(out, '"');
}

static uint64_t
u64_at(const uint8_t *p)
{

	return (uint64_t)walk_u32(p) | (uint64_t)walk_u32(p + 4) << 32;
}

/* The shortest decimal that reads back as the same number. */
static bool
put_double(struct buf *out, uint64_t bits)
{
	char text[40];
	double d;
	int digits;

	memcpy(&d, &bits, sizeof(d));
	if (isnan(d))
		return buf_append_str(out, "{\"$numberDouble\":\"NaN\"}");
	if (isinf(d))
		return buf_printf(out, "{\"$numberDouble\":\"%sInfinity\"}",
		    d < 0 ? "-" : "");
	for (digits = 15; digits <= 17; digits++) {
		snprintf(text, sizeof(text), "%.*g", digits, d);
		if (strtod(text, NULL) == d)
			break;
	}
	return buf_printf(out, "{\"$numberDouble\":\"%s%s\"}", text,
	    strpbrk(text, ".e") == NULL ? ".0" : "");
}

static bool
put_decimal(struct buf *out, const uint8_t *p)
{
	char text[BSON_DECIMAL128_STRING];
	bson_decimal128_t d = { .low = u64_at(p), .high = u64_at(p + 8) };

	bson_decimal128_to_string(&d, text);
	return buf_printf(out, "{\"$numberDecimal\":\"%s\"}", text);
}

static bool
put_oid(struct buf *out, const uint8_t *oid)
{
	char hex[25];

	hash_hex(oid, 12, hex);
	return buf_printf(out, "{\"$oid\":\"%s\"}", hex);
}

static bool
put_binary(struct buf *out, const struct walk_element *e)
{
	size_t n = e->text_len;

	if (!buf_append_str(out, "{\"$binary\":{\"base64\":\"") ||
	    !buf_reserve(out, 4 * ((n + 2) / 3) + 1))
		return false;
	hash_base64((const uint8_t *)e->text, n, (char *)out->data + out->len);
	out->len += 4 * ((n + 2) / 3);
	return buf_printf(out, "\",\"subType\":\"%02x\"}}", e->value[4]);
}

static bool
put_regex(struct buf *out, const struct walk_element *e)
{
	const char *options = walk_regex_options(e);

	return buf_append_str(out, "{\"$regularExpression\":{\"pattern\":") &&
	    doc_string_json(out, e->text, e->text_len) &&
	    buf_append_str(out, ",\"options\":") &&
	    doc_string_json(out, options, strlen(options)) &&
	    buf_append_str(out, "}}");
}

/* {"name":"text"} */
static bool
put_named(struct buf *out, const char *name, const struct walk_element *e)
{

	return buf_printf(out, "{\"%s\":", name) &&
	    doc_string_json(out, e->text, e->text_len) &&
	    buf_append_byte(out, '}');
}

static bool
put_dbpointer(struct buf *out, const struct walk_element *e)
{

	return buf_append_str(out, "{\"$dbPointer\":{\"$ref\":") &&
	    doc_string_json(out, e->text, e->text_len) &&
	    buf_append_str(out, ",\"$id\":") &&
	    put_oid(out, e->value + e->value_len - 12) &&
	    buf_append_str(out, "}}");
}

static bool
put_number(struct buf *out, const struct walk_element *e)
{

	switch (e->type) {
	case WALK_INT32:
		return buf_printf(out, "{\"$numberInt\":\"%" PRId32 "\"}",
		    (int32_t)walk_u32(e->value));
	case WALK_INT64:
		return buf_printf(out, "{\"$numberLong\":\"%" PRId64 "\"}",
		    (int64_t)u64_at(e->value));
	case WALK_DATE:
		return buf_printf(out,
		    "{\"$date\":{\"$numberLong\":\"%" PRId64 "\"}}",
		    (int64_t)u64_at(e->value));
	case WALK_TIMESTAMP:
		return buf_printf(out, "{\"$timestamp\":{\"t\":%" PRIu32
		    ",\"i\":%" PRIu32 "}}", walk_u32(e->value + 4),
		    walk_u32(e->value));
	case WALK_DECIMAL128:
		return put_decimal(out, e->value);
	default:
		return put_double(out, u64_at(e->value));
	}
}

/* The beginning of what holds a document, and its end in *closer. */
static bool
put_opening(struct buf *out, const struct walk_element *e, const char **closer)
{

	*closer = e->type == WALK_ARRAY ? "]" : "}";
	if (e->type != WALK_CODE_WITH_SCOPE)
		return buf_append_byte(out, e->type == WALK_ARRAY ? '[' : '{');
	*closer = "}}";
	return buf_append_str(out, "{\"$code\":") &&
	    doc_string_json(out, e->text, e->text_len) &&
	    buf_append_str(out, ",\"$scope\":{");
}

/* A value that is no document. */
static bool
put_scalar(struct buf *out, const struct walk_element *e)
{

	switch (e->type) {
	case WALK_STRING:
		return doc_string_json(out, e->text, e->text_len);
	case WALK_BINARY:
		return put_binary(out, e);
	case WALK_UNDEFINED:
		return buf_append_str(out, "{\"$undefined\":true}");
	case WALK_OID:
		return put_oid(out, e->value);
	case WALK_BOOL:
		return buf_append_str(out, e->value[0] ? "true" : "false");
	case WALK_NULL:
		return buf_append_str(out, "null");
	case WALK_REGEX:
		return put_regex(out, e);
	case WALK_DBPOINTER:
		return put_dbpointer(out, e);
	case WALK_CODE:
		return put_named(out, "$code", e);
	case WALK_SYMBOL:
		return put_named(out, "$symbol", e);
	case WALK_MAX_KEY:
		return buf_append_str(out, "{\"$maxKey\":1}");
	case WALK_MIN_KEY:
		return buf_append_str(out, "{\"$minKey\":1}");
	default:
		return put_number(out, e);
	}
}

static bool
put_name(struct buf *out, struct level *lv, const struct walk_element *e)
{
	bool first = lv->first;

	lv->first = false;
	if (!first && !buf_append_byte(out, ','))
		return false;
	return lv->array || (doc_string_json(out, e->key, e->key_len) &&
	    buf_append_byte(out, ':'));
}

/* Writes the elements from p on, of the document opened in levels[0]. */
static bool
put_elements(struct buf *out, struct level levels[WALK_DEPTH_MAX],
    const uint8_t *p)
{
	struct walk_element e;
	size_t depth = 0;

	for (;;) {
		while (p == levels[depth].end) {
			if (!buf_append_str(out, levels[depth].closer))
				return false;
			if (depth == 0)
				return true;
			p = levels[depth--].end + 1;
		}
		if (!walk_next(p, levels[depth].end, &e) ||
		    !put_name(out, &levels[depth], &e))
			return false;
		p = e.value + e.value_len;
		if (e.doc == NULL) {
			if (!put_scalar(out, &e))
				return false;
			continue;
		}
		if (++depth == WALK_DEPTH_MAX)
			return false;
		levels[depth].array = e.type == WALK_ARRAY;
		levels[depth].first = true;
		if (!put_opening(out, &e, &levels[depth].closer) ||
		    !walk_open(e.doc, e.doc_len, &p, &levels[depth].end))
			return false;
	}
}

bool
doc_json(const uint8_t *doc, size_t len, struct buf *out)
{
	struct level levels[WALK_DEPTH_MAX];
	const uint8_t *p;
	size_t before = out->len;

	levels[0] = (struct level){ .closer = "}", .first = true };
	if (walk_open(doc, len, &p, &levels[0].end) &&
	    buf_append_byte(out, '{') && put_elements(out, levels, p))
		return true;
	out->len = before;
	return false;
}

bool
doc_value_json(const struct walk_element *e, struct buf *out)
{
	struct level levels[WALK_DEPTH_MAX];
	const uint8_t *p;

	if (e->doc == NULL)
		return put_scalar(out, e);
	levels[0] = (struct level){ .first = true,
	    .array = e->type == WALK_ARRAY };
	return put_opening(out, e, &levels[0].closer) &&
	    walk_open(e->doc, e->doc_len, &p, &levels[0].end) &&
	    put_elements(out, levels, p);
}

bool
doc_id_json(const uint8_t *doc, size_t len, struct buf *out)
{
	struct walk_element id;
	size_t before = out->len;

	if (!walk_find_id(doc, len, &id))
		return doc_valid(doc, len) && buf_append_str(out, "null");
	if (doc_value_json(&id, out))
		return true;
	out->len = before;
	return false;
}
