#include <string.h>

#include "bson/doc_internal.h"
#include "bson/docdiff_text.h"

#define WINDOW 32		/* bytes shown of values that print the same */
#define WINDOW_BEFORE 8
#define KEY_MAX 256
#define EXCERPT(limit) ((limit) / 8)

/* A value as bytes that have positions: a text, or what BSON has. */
struct bytes {
	const uint8_t *p;
	size_t n;
};

static const char *
type_name(uint8_t type)
{
	static const char *const names[] = {
		[WALK_DOUBLE] = "double", [WALK_STRING] = "string",
		[WALK_DOCUMENT] = "object", [WALK_ARRAY] = "array",
		[WALK_BINARY] = "binData", [WALK_UNDEFINED] = "undefined",
		[WALK_OID] = "objectId", [WALK_BOOL] = "bool",
		[WALK_DATE] = "date", [WALK_NULL] = "null",
		[WALK_REGEX] = "regex", [WALK_DBPOINTER] = "dbPointer",
		[WALK_CODE] = "javascript", [WALK_SYMBOL] = "symbol",
		[WALK_CODE_WITH_SCOPE] = "javascriptWithScope",
		[WALK_INT32] = "int", [WALK_TIMESTAMP] = "timestamp",
		[WALK_INT64] = "long", [WALK_DECIMAL128] = "decimal",
	};

	if (type < sizeof(names) / sizeof(names[0]) && names[type] != NULL)
		return names[type];
	return type == WALK_MIN_KEY ? "minKey" : "maxKey";
}

static bool
is_text(const struct walk_element *e)
{

	return e->type == WALK_STRING || e->type == WALK_CODE ||
	    e->type == WALK_SYMBOL;
}

static struct bytes
bytes_of(const struct walk_element *e)
{

	if (is_text(e))
		return (struct bytes){ (const uint8_t *)e->text, e->text_len };
	return (struct bytes){ e->value, e->value_len };
}

/* Where a and b differ first; 0 when they do not. */
static size_t
first_difference(struct bytes a, struct bytes b)
{
	size_t i, n = a.n < b.n ? a.n : b.n;

	for (i = 0; i < n; i++) {
		if (a.p[i] != b.p[i])
			return i;
	}
	return a.n == b.n ? 0 : n;
}

static bool
put_hex(struct buf *out, const uint8_t *p, size_t n)
{
	static const char digits[] = "0123456789abcdef";
	size_t i;

	if (!buf_reserve(out, 2 * n))
		return false;
	for (i = 0; i < n; i++) {
		buf_append_byte(out, (uint8_t)digits[p[i] >> 4]);
		buf_append_byte(out, (uint8_t)digits[p[i] & 15]);
	}
	return true;
}

/* Moves at to the beginning of a character, where there are such. */
static size_t
char_start(struct bytes b, size_t at)
{
	size_t i;

	for (i = 0; i < 4 && i <= at && at < b.n; i++) {
		if ((b.p[at - i] & 0xc0) != 0x80)
			return at - i;
	}
	return at;
}

/* {"$cut":…} of a text or of binary data. */
static bool
put_cut_text(struct buf *out, const struct walk_element *e,
    const struct walk_element *other, size_t limit)
{
	struct bytes b = { (const uint8_t *)e->text, e->text_len };
	size_t from = 0, n = EXCERPT(limit);

	if (other != NULL && other->type == e->type)
		from = first_difference(b, (struct bytes){
		    (const uint8_t *)other->text, other->text_len });
	from = from > n / 4 ? from - n / 4 : 0;
	if (e->type != WALK_BINARY)
		from = char_start(b, from);
	if (n > b.n - from)
		n = b.n - from;
	else if (e->type != WALK_BINARY)
		n = char_start(b, from + n) - from;
	if (!buf_append_str(out, "{\"$cut\":"))
		return false;
	if (e->type != WALK_BINARY) {
		if (!doc_string_json(out, e->text + from, n))
			return false;
	} else if (!buf_append_byte(out, '"') || !put_hex(out, b.p + from, n) ||
	    !buf_append_byte(out, '"')) {
		return false;
	}
	return buf_printf(out, ",\"$type\":\"%s\",\"$from\":%zu,"
	    "\"$length\":%zu}", type_name(e->type), from, b.n);
}

/* The value of e, cut when its JSON is longer than limit. */
static bool
put_value(struct buf *out, const struct walk_element *e,
    const struct walk_element *other, size_t limit)
{
	struct buf text;
	bool ok;

	buf_init(&text, limit);
	if (doc_value_json(e, &text)) {
		ok = buf_append(out, text.data, text.len);
	} else if (is_text(e) || e->type == WALK_BINARY) {
		ok = put_cut_text(out, e, other, limit);
	} else {
		struct bytes b = { text.data, text.len };

		if (b.n > EXCERPT(limit))
			b.n = char_start(b, EXCERPT(limit));
		ok = buf_append_str(out, "{\"$cut\":") &&
		    doc_string_json(out, (const char *)b.p, b.n) &&
		    buf_printf(out, ",\"$type\":\"%s\",\"$length\":%zu}",
		    type_name(e->type), e->value_len);
	}
	buf_free(&text);
	return ok;
}

/* Whether two texts of JSON are read as the same: \ufffd, which stands for what
 * is not UTF-8, is also a character. */
static bool
same_text(const struct buf *a, const struct buf *b)
{
	static const char escape[] = "\\ufffd", character[] = "\xef\xbf\xbd";
	const struct buf *sides[2] = { a, b };
	size_t at[2] = { 0, 0 }, len[2], i;
	const char *piece[2];

	while (at[0] < a->len && at[1] < b->len) {
		for (i = 0; i < 2; i++) {
			size_t left = sides[i]->len - at[i];

			piece[i] = (const char *)sides[i]->data + at[i];
			len[i] = piece[i][0] == '\\' && left > 1 ? 2 : 1;
			at[i] += len[i];
			if (left < 6 || memcmp(piece[i], escape, 6) != 0)
				continue;
			at[i] += 4;
			piece[i] = character;
			len[i] = 3;
		}
		/* The character itself on the other side: three bytes. */
		for (i = 0; i < 2; i++) {
			size_t left = sides[i]->len - at[i];

			if (len[i] == 1 && len[1 - i] == 3 && left >= 2) {
				len[i] = 3;
				at[i] += 2;
			}
		}
		if (len[0] != len[1] || memcmp(piece[0], piece[1], len[0]) != 0)
			return false;
	}
	return at[0] == a->len && at[1] == b->len;
}

/* The key of e, as much of it as makes sense. */
static bool
put_key(struct buf *out, const struct walk_element *e)
{
	struct buf name;
	bool ok;

	buf_init(&name, KEY_MAX);
	docdiff_name(&name, e->key, e->key_len);
	ok = buf_append_str(out, ",\"$key\":") &&
	    doc_string_json(out, (const char *)name.data, name.len);
	buf_free(&name);
	return ok;
}

/* Puts what is in out into {"$value":…}, with the bytes of e behind it. */
static bool
wrap(struct buf *out, const struct walk_element *e, size_t difference,
    bool key)
{
	static const char opening[] = "{\"$value\":";
	struct bytes b = bytes_of(e);
	size_t from = 0, n = b.n;

	if (n > WINDOW) {
		from = difference > WINDOW_BEFORE ?
		    difference - WINDOW_BEFORE : 0;
		n = n - from < WINDOW ? n - from : WINDOW;
	}
	if (!buf_reserve(out, sizeof(opening)))
		return false;
	memmove(out->data + sizeof(opening) - 1, out->data, out->len);
	memcpy(out->data, opening, sizeof(opening) - 1);
	out->len += sizeof(opening) - 1;
	if (!buf_printf(out, ",\"$type\":\"%s\"", type_name(e->type)))
		return false;
	if (key && !put_key(out, e))
		return false;
	if (from > 0 && !buf_printf(out, ",\"$from\":%zu", from))
		return false;
	return buf_append_str(out, ",\"$bytes\":\"") &&
	    put_hex(out, b.p + from, n) && buf_append_str(out, "\"}");
}

bool
docdiff_texts(const struct docdiff_texts *v, struct buf *source,
    struct buf *target)
{
	size_t difference;

	buf_reset(source);
	buf_reset(target);
	if (v->source != NULL &&
	    !put_value(source, v->source, v->target, v->limit))
		return false;
	if (v->target != NULL &&
	    !put_value(target, v->target, v->source, v->limit))
		return false;
	if (v->source == NULL || v->target == NULL ||
	    (!v->keys && !same_text(source, target)))
		return true;
	difference = first_difference(bytes_of(v->source), bytes_of(v->target));
	return wrap(source, v->source, difference, v->keys) &&
	    wrap(target, v->target, difference, v->keys);
}

bool
docdiff_name(struct buf *out, const char *key, size_t len)
{
	const uint8_t *s = (const uint8_t *)key, *end = s + len;
	size_t n;

	while (s < end) {
		n = doc_utf8_len(s, (size_t)(end - s));
		if (n == 0 ? !buf_printf(out, "\\x%02x", *s) :
		    !buf_append(out, s, n))
			return false;
		s += n == 0 ? 1 : n;
	}
	return true;
}
