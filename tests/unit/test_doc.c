#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <bson/bson.h>

#include "bson/doc.h"
#include "bson/docdigest.h"

static const uint8_t empty[] = { 5, 0, 0, 0, 0 };

/* One element as the whole document: {"": value}. */
static size_t
wrap(uint8_t type, const void *value, size_t len, uint8_t *out)
{
	size_t n = 4 + 2 + len + 1;

	memset(out, 0, n);
	out[0] = (uint8_t)n;
	out[1] = (uint8_t)(n >> 8);
	out[4] = type;
	memcpy(out + 6, value, len);
	return n;
}

/* doc_valid on a copy of just that size, so that reading beyond is caught; and
 * the others that look at everything must agree. */
static bool
valid(const uint8_t *doc, size_t len)
{
	uint8_t *copy = malloc(len == 0 ? 1 : len);
	struct buf out;
	bool ok;

	memcpy(copy, doc, len);
	ok = doc_valid(copy, len);
	buf_init(&out, 100000);
	assert_int_equal(doc_json(copy, len, &out), ok);
	assert_int_equal(docdigest_canonical(copy, len, NULL, &out), ok);
	doc_id_json(copy, len, &out);
	buf_free(&out);
	free(copy);
	return ok;
}

struct value {
	const char *name;
	uint8_t type;
	const char *bytes;
	size_t len;
	bool want;
};

#define V(name, type, bytes, want) \
	{ name, type, bytes, sizeof(bytes) - 1, want }

static const struct value values[] = {
	V("double", 0x01, "\0\0\0\0\0\0\xf8\x7f", true),
	V("short double", 0x01, "\0\0\0\0\0\0\xf8", false),
	V("string", 0x02, "\2\0\0\0a\0", true),
	V("empty string", 0x02, "\1\0\0\0\0", true),
	V("string of no length", 0x02, "\0\0\0\0", false),
	V("string of no length, more", 0x02, "\0\0\0\0\0", false),
	V("string of no length, element", 0x02, "\0\0\0\0\x0a\0", false),
	V("string below zero", 0x02, "\xff\xff\xff\xff" "a\0", false),
	V("string without end", 0x02, "\2\0\0\0ab", false),
	V("string with NUL inside", 0x02, "\4\0\0\0a\0b\0", true),
	V("string, not UTF-8", 0x02, "\4\0\0\0\xff\xc0\x80\0", true),
	V("document", 0x03, "\5\0\0\0\0", true),
	V("document of 4", 0x03, "\4\0\0\0\0", false),
	V("document of 4, element", 0x03, "\4\0\0\0\x0a\0", false),
	V("document of 0, element", 0x03, "\0\0\0\0\x0a\0", false),
	V("document too long", 0x03, "\6\0\0\0\0", false),
	V("document without end", 0x03, "\5\0\0\0\1", false),
	V("document below zero", 0x03, "\5\0\0\x80\0", false),
	V("array", 0x04, "\5\0\0\0\0", true),
	V("array, any keys", 0x04, "\x0b\0\0\0\x0ax\0\x0ax\0\0", true),
	V("binary", 0x05, "\1\0\0\0\x80x", true),
	V("empty binary", 0x05, "\0\0\0\0\0", true),
	V("binary without subtype", 0x05, "\0\0\0\0", false),
	V("binary too long", 0x05, "\2\0\0\0\0x", false),
	V("old binary", 0x05, "\5\0\0\0\2\1\0\0\0x", true),
	V("old binary, odd inside", 0x05, "\1\0\0\0\2x", true),
	V("undefined", 0x06, "", true),
	V("ObjectId", 0x07, "123456789012", true),
	V("short ObjectId", 0x07, "12345678901", false),
	V("bool", 0x08, "\1", true),
	V("no bool", 0x08, "", false),
	V("date", 0x09, "12345678", true),
	V("null", 0x0a, "", true),
	V("regex", 0x0b, "a\0i\0", true),
	V("empty regex", 0x0b, "\0\0", true),
	V("regex without options", 0x0b, "a\0i", false),
	V("DBPointer", 0x0c, "\2\0\0\0a\0" "123456789012", true),
	V("short DBPointer", 0x0c, "\2\0\0\0a\0" "12345678901", false),
	V("code", 0x0d, "\2\0\0\0a\0", true),
	V("symbol", 0x0e, "\2\0\0\0a\0", true),
	V("scope", 0x0f, "\x0f\0\0\0\2\0\0\0a\0\5\0\0\0\0", true),
	V("scope, total too long", 0x0f,
	    "\x10\0\0\0\2\0\0\0a\0\5\0\0\0\0", false),
	V("scope, total too short", 0x0f,
	    "\x0e\0\0\0\2\0\0\0a\0\5\0\0\0\0", false),
	V("scope, room left", 0x0f,
	    "\x10\0\0\0\2\0\0\0a\0\5\0\0\0\0\0", false),
	V("scope, element left", 0x0f,
	    "\x11\0\0\0\2\0\0\0a\0\5\0\0\0\0\x0a\0", false),
	V("scope, code passes it", 0x0f,
	    "\x0e\0\0\0\6\0\0\0a\0\5\0\0\0\0", false),
	V("scope, nothing", 0x0f, "\4\0\0\0", false),
	V("scope, less", 0x0f, "\3\0\0\0", false),
	V("int32", 0x10, "1234", true),
	V("timestamp", 0x11, "12345678", true),
	V("int64", 0x12, "12345678", true),
	V("decimal", 0x13, "1234567812345678", true),
	V("short decimal", 0x13, "123456781234567", false),
	V("unknown type", 0x14, "", false),
	V("end as a type", 0x00, "", false),
	V("max key", 0x7f, "", true),
	V("min key", 0xff, "", true),
	V("unknown type", 0x80, "", false),
};

static void
values_of_each_type(void **state)
{
	uint8_t doc[300];
	size_t i, len, cut;

	(void)state;
	for (i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		len = wrap(values[i].type, values[i].bytes, values[i].len, doc);
		if (valid(doc, len) != values[i].want)
			fail_msg("%s", values[i].name);
		for (cut = 0; cut < len; cut++)
			assert_false(valid(doc, cut));
	}
}

/* In a document, in an array, in a scope; where one ends in two must fail. */
static void
ends_must_agree(void **state)
{
	uint8_t inner[300], outer[300];
	size_t i, n, len;

	(void)state;
	for (i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		n = wrap(values[i].type, values[i].bytes, values[i].len, inner);
		len = wrap(0x03, inner, n, outer);
		assert_int_equal(valid(outer, len), values[i].want);
		len = wrap(0x04, inner, n, outer);
		assert_int_equal(valid(outer, len), values[i].want);
		/* The inner length one too small or too large. */
		outer[6]++;
		assert_false(valid(outer, len));
		outer[6] -= 2;
		assert_false(valid(outer, len));
		outer[6]++;
		outer[len - 1] = 1;
		assert_false(valid(outer, len));
	}
	assert_true(valid(empty, sizeof(empty)));
	assert_false(valid(empty, 4));
	assert_false(valid((const uint8_t *)"\6\0\0\0\0\0", 6));
	/* A name without end. */
	assert_false(valid((const uint8_t *)"\x08\0\0\0\x0a" "ab", 8));
}

/* depth documents, one in the other. */
static uint8_t *
nested(size_t depth, uint8_t type, size_t *len)
{
	uint8_t *doc = calloc(1, depth * 7 + 5), *p = doc;
	size_t i, n = 5 + 7 * (depth - 1);

	*len = n;
	for (i = 0; i < depth; i++, n -= 7) {
		p[0] = (uint8_t)n;
		p[1] = (uint8_t)(n >> 8);
		if (i + 1 < depth)
			p[4] = type;
		p += 6;
	}
	return doc;
}

static void
depth_is_bounded(void **state)
{
	static const size_t depths[] = { 1, 2, 199, 200, 201, 5000 };
	struct buf out;
	uint8_t *doc;
	size_t i, len;
	bool want;

	(void)state;
	buf_init(&out, 1 << 20);
	for (i = 0; i < 2 * sizeof(depths) / sizeof(depths[0]); i++) {
		doc = nested(depths[i / 2], i % 2 ? 0x03 : 0x04, &len);
		want = depths[i / 2] <= 200;
		assert_int_equal(doc_valid(doc, len), want);
		buf_reset(&out);
		assert_int_equal(doc_json(doc, len, &out), want);
		assert_true(want || out.len == 0);
		free(doc);
	}
	buf_free(&out);
}

static void
finds_the_id(void **state)
{
	struct buf out;
	bson_t *doc = BCON_NEW("a", BCON_INT32(1), "_id", BCON_UTF8("x"),
	    "_id", BCON_INT32(2)), *want = BCON_NEW("_id", BCON_UTF8("x"));

	(void)state;
	buf_init(&out, 100);
	assert_true(doc_id(bson_get_data(doc), doc->len, &out));
	assert_int_equal(out.len, want->len);
	assert_memory_equal(out.data, bson_get_data(want), want->len);
	buf_free(&out);
	buf_init(&out, want->len - 1);
	assert_false(doc_id(bson_get_data(doc), doc->len, &out));
	assert_false(doc_id(empty, sizeof(empty), &out));
	assert_false(doc_id(empty, 3, &out));
	assert_int_equal(out.len, 0);
	buf_free(&out);
	bson_destroy(want);
	bson_destroy(doc);
}

static bool
same(const bson_t *a, const bson_t *b)
{
	bool ab = doc_same(bson_get_data(a), a->len, bson_get_data(b), b->len);

	assert_int_equal(ab, doc_same(bson_get_data(b), b->len,
	    bson_get_data(a), a->len));
	return ab;
}

static void
same_but_for_the_place_of_the_id(void **state)
{
	bson_t *docs[] = {
		/* These three are the same one. */
		BCON_NEW("_id", "7", "a", BCON_INT32(1), "bb", "x", "c", "y"),
		BCON_NEW("a", BCON_INT32(1), "_id", "7", "bb", "x", "c", "y"),
		BCON_NEW("a", BCON_INT32(1), "bb", "x", "c", "y", "_id", "7"),
		/* And these are not, nor each other. */
		BCON_NEW("a", BCON_INT32(1), "c", "y", "bb", "x", "_id", "7"),
		BCON_NEW("a", BCON_INT32(1), "bb", "x", "c", "z", "_id", "7"),
		BCON_NEW("a", BCON_INT32(1), "bb", "x", "c", "y", "_id", "8"),
		BCON_NEW("a", BCON_INT32(1), "bb", "x", "c", "y", "_ie", "7"),
		BCON_NEW("a", BCON_INT32(1), "bb", "x", "c", "y"),
		BCON_NEW("_id", "7"),
	};
	size_t n = sizeof(docs) / sizeof(docs[0]), i, j;

	(void)state;
	for (i = 0; i < n; i++) {
		for (j = 0; j < n; j++)
			assert_int_equal(same(docs[i], docs[j]),
			    i == j || (i < 3 && j < 3));
	}
	for (i = 0; i < n; i++)
		bson_destroy(docs[i]);
}

/* As deep as valid ones may be, and no deeper: the same bound. */
static void
tells_the_depth(void **state)
{
	bson_t *flat = BCON_NEW("a", BCON_INT32(1), "b", "{", "c", "[", "{",
	    "d", BCON_INT32(1), "}", BCON_INT32(2), "]", "}", "e", "{", "}");
	uint8_t doc[2000], inner[2000];
	size_t len = sizeof(empty);
	unsigned depth;

	(void)state;
	assert_int_equal(doc_depth(bson_get_data(flat), flat->len), 4);
	assert_int_equal(doc_depth(bson_get_data(flat), flat->len - 1), 0);
	bson_destroy(flat);
	memcpy(doc, empty, len);
	for (depth = 1; depth < 220; depth++) {
		assert_int_equal(doc_depth(doc, len), depth <= 200 ? depth : 0);
		memcpy(inner, doc, len);
		len = wrap(3, inner, len, doc);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_of_each_type),
		cmocka_unit_test(ends_must_agree),
		cmocka_unit_test(depth_is_bounded),
		cmocka_unit_test(finds_the_id),
		cmocka_unit_test(same_but_for_the_place_of_the_id),
		cmocka_unit_test(tells_the_depth),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
