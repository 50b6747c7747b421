#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <bson/bson.h>
#include <jansson.h>

#include "bson/doc.h"

static struct buf out;

static int
set_up(void **state)
{

	(void)state;
	buf_init(&out, 1 << 20);
	return 0;
}

static int
tear_down(void **state)
{

	(void)state;
	buf_free(&out);
	return 0;
}

static const char *
json_of(const bson_t *doc)
{

	buf_reset(&out);
	assert_true(doc_json(bson_get_data(doc), doc->len, &out));
	return buf_str(&out);
}

/* Every type there is. */
static bson_t *
everything(void)
{
	bson_t *doc = bson_new(), *inner = BCON_NEW("x", BCON_INT32(1),
	    "", "[", BCON_INT32(-1), "{", "}", "[", "]", "]");
	bson_t *array = BCON_NEW("0", BCON_NULL, "1", "{", "}");
	bson_decimal128_t decimal;
	bson_oid_t oid;

	bson_oid_init_from_string(&oid, "64b0c0ffee0123456789abcd");
	bson_decimal128_from_string("-12.50E+7", &decimal);
	bson_append_oid(doc, "_id", -1, &oid);
	bson_append_double(doc, "double", -1, 1.5);
	bson_append_utf8(doc, "string", -1, "a\"\\/\b\f\n\r\t\x01\x1f\x7f", -1);
	bson_append_utf8(doc, "with NUL", -1, "a\0b", 3);
	bson_append_utf8(doc, "é€😀", -1, "é€😀", -1);
	bson_append_document(doc, "document", -1, inner);
	bson_append_array(doc, "array", -1, array);
	bson_append_binary(doc, "binary", -1, BSON_SUBTYPE_BINARY,
	    (const uint8_t *)"\0\1\2\377", 4);
	bson_append_binary(doc, "uuid", -1, BSON_SUBTYPE_UUID,
	    (const uint8_t *)"0123456789abcdef", 16);
	bson_append_binary(doc, "old", -1, BSON_SUBTYPE_BINARY_DEPRECATED,
	    (const uint8_t *)"abc", 3);
	bson_append_binary(doc, "empty", -1, BSON_SUBTYPE_USER, NULL, 0);
	bson_append_undefined(doc, "undefined", -1);
	bson_append_bool(doc, "true", -1, true);
	bson_append_bool(doc, "false", -1, false);
	bson_append_date_time(doc, "date", -1, 1709210096123);
	bson_append_date_time(doc, "far", -1, INT64_MAX);
	bson_append_date_time(doc, "past", -1, INT64_MIN);
	bson_append_null(doc, "null", -1);
	bson_append_regex(doc, "regex", -1, "^a/\"b", "im");
	bson_append_dbpointer(doc, "dbpointer", -1, "db.c\"", &oid);
	bson_append_code(doc, "code", -1, "f(\"x\")");
	bson_append_symbol(doc, "symbol", -1, "s", -1);
	bson_append_code_with_scope(doc, "scope", -1, "g()", inner);
	bson_append_int32(doc, "int32", -1, INT32_MIN);
	bson_append_timestamp(doc, "timestamp", -1, UINT32_MAX, 7);
	bson_append_int64(doc, "int64", -1, INT64_MIN);
	bson_append_decimal128(doc, "decimal", -1, &decimal);
	bson_append_maxkey(doc, "maxkey", -1);
	bson_append_minkey(doc, "minkey", -1);
	bson_destroy(array);
	bson_destroy(inner);
	return doc;
}

/* Both as jansson reads them. */
static void
assert_same_json(const char *ours, const char *theirs)
{
	json_t *a, *b;
	json_error_t why;

	if ((a = json_loads(ours, JSON_ALLOW_NUL, &why)) == NULL)
		fail_msg("%s in %s", why.text, ours);
	b = json_loads(theirs, JSON_ALLOW_NUL, &why);
	assert_non_null(b);
	if (!json_equal(a, b))
		fail_msg("%s\nnot\n%s", ours, theirs);
	json_decref(a);
	json_decref(b);
}

/* The same as libbson's writer and the same bytes through its reader. */
static void
every_type_as_libbson(void **state)
{
	bson_t *doc = everything();
	char *theirs = bson_as_canonical_extended_json(doc, NULL);
	struct buf back;
	struct err err;

	(void)state;
	assert_same_json(json_of(doc), theirs);
	buf_init(&back, 1 << 20);
	if (!doc_from_json(buf_str(&out), &back, &err))
		fail_msg("%s", err.message);
	assert_int_equal(back.len, doc->len);
	assert_memory_equal(back.data, bson_get_data(doc), back.len);
	buf_free(&back);
	bson_free(theirs);
	bson_destroy(doc);
}

static void
every_type_as_id(void **state)
{
	bson_t *all = everything(), *doc;
	char whole[1000];
	bson_iter_t it;
	size_t n = 0;

	(void)state;
	assert_true(bson_iter_init(&it, all));
	while (bson_iter_next(&it)) {
		doc = BCON_NEW("before", BCON_NULL);
		bson_append_iter(doc, "_id", -1, &it);
		bson_append_null(doc, "behind", -1);
		json_of(doc);
		/* {"before":null,"_id":…,"behind":null} */
		snprintf(whole, sizeof(whole), "%s", buf_str(&out));
		whole[strlen(whole) - strlen(",\"behind\":null}")] = '\0';
		buf_reset(&out);
		assert_true(doc_id_json(bson_get_data(doc), doc->len, &out));
		assert_string_equal(buf_str(&out),
		    whole + strlen("{\"before\":null,\"_id\":"));
		bson_destroy(doc);
		n++;
	}
	assert_true(n > 25);
	bson_destroy(all);
	doc = BCON_NEW("a", BCON_INT32(1));
	buf_reset(&out);
	assert_true(doc_id_json(bson_get_data(doc), doc->len, &out));
	assert_string_equal(buf_str(&out), "null");
	assert_false(doc_id_json(bson_get_data(doc), doc->len - 1, &out));
	bson_destroy(doc);
}

static void
exact_text(void **state)
{
	bson_t *doc = BCON_NEW("a", "{", "b", "[", BCON_INT32(1),
	    BCON_UTF8("x"), "]", "c", "{", "}", "}", "d", "[", "]");

	(void)state;
	assert_string_equal(json_of(doc), "{\"a\":{\"b\":[{\"$numberInt\":"
	    "\"1\"},\"x\"],\"c\":{}},\"d\":[]}");
	bson_destroy(doc);
}

static void
doubles_read_back(void **state)
{
	static const struct {
		double d;
		const char *want;
	} cases[] = {
		{ 0.0, "0.0" }, { -0.0, "-0.0" }, { 1, "1.0" }, { 0.1, "0.1" },
		{ 1e100, "1e+100" }, { 123456789.0, "123456789.0" },
		{ 1.0 / 3, "0.3333333333333333" }, { INFINITY, "Infinity" },
		{ -INFINITY, "-Infinity" }, { NAN, "NaN" },
		{ 5e-324, "4.94065645841247e-324" },
		{ 1.7976931348623157e308, "1.7976931348623157e+308" },
		{ 9007199254740993.0, "9007199254740992.0" },
	};
	char want[100];
	bson_t *doc;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		doc = BCON_NEW("d", BCON_DOUBLE(cases[i].d));
		snprintf(want, sizeof(want),
		    "{\"d\":{\"$numberDouble\":\"%s\"}}", cases[i].want);
		assert_string_equal(json_of(doc), want);
		bson_destroy(doc);
	}
}

/* Each byte that belongs to no character becomes one U+FFFD. */
static void
odd_utf8_is_replaced(void **state)
{
	static const char *const cases[][2] = {
		{ "a\xff" "b", "a\\ufffdb" },
		{ "\xc0\x80", "\\ufffd\\ufffd" },
		{ "\xe2\x82", "\\ufffd\\ufffd" },
		{ "\xe2\x82x", "\\ufffd\\ufffdx" },
		{ "\xe2\x82\xac", "\xe2\x82\xac" },
		{ "\xe0\x80\x80", "\\ufffd\\ufffd\\ufffd" },
		{ "\xed\x9f\xbf\xed\xa0\x80",
		  "\xed\x9f\xbf\\ufffd\\ufffd\\ufffd" },
		{ "\xf0\x8f\xbf\xbf", "\\ufffd\\ufffd\\ufffd\\ufffd" },
		{ "\xf4\x8f\xbf\xbf\xf4\x90\x80\x80",
		  "\xf4\x8f\xbf\xbf\\ufffd\\ufffd\\ufffd\\ufffd" },
		{ "\xf5\x80\x80\x80", "\\ufffd\\ufffd\\ufffd\\ufffd" },
		{ "\xc3", "\\ufffd" }, { "\x80x", "\\ufffdx" },
	};
	char want[200];
	bson_t *doc;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		doc = bson_new();
		bson_append_utf8(doc, cases[i][0], -1, cases[i][0], -1);
		snprintf(want, sizeof(want), "{\"%s\":\"%s\"}", cases[i][1],
		    cases[i][1]);
		assert_string_equal(json_of(doc), want);
		bson_destroy(doc);
	}
}

static void
no_room_leaves_out_as_it_was(void **state)
{
	bson_t *doc = everything();
	size_t max, full;
	struct buf small;

	(void)state;
	json_of(doc);
	full = out.len;
	for (max = 1; max < full + 10; max++) {
		bool ok;

		buf_init(&small, max);
		ok = doc_json(bson_get_data(doc), doc->len, &small);
		assert_true(ok ? small.len == full : small.len == 0);
		assert_true(ok || max <= full);
		buf_free(&small);
	}
	bson_destroy(doc);
}

static void
from_json_says_where(void **state)
{
	static const char *const cases[][2] = {
		{ "", "position 0" }, { "  [1]", "position 2" },
		{ "1", "position 0" }, { "{\"a\":1", "position 5" },
		{ "{a:1}", "position 1" }, { "{\"a\":1} x", "position 8" },
		{ "{\"a\":1},", "position 7" }, { "{\"a\":1,}", "position 7" },
		{ "{\"a\":1}{\"b\":1}", "follows" },
		{ "{\"a\":1} {", "position 8" },
		{ "{\"a\":1}}", "position 7" },
		{ "{\"a\":{\"$oid\":\"zz\"}}", "zz" },
		{ "{\"a\":{\"$numberLong\":\"99999999999999999999\"}}", "9999" },
		{ "{\"a\":\"\xff\"}", "UTF8" },
	};
	struct err err;
	size_t i;

	(void)state;
	buf_reset(&out);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		err_clear(&err);
		assert_false(doc_from_json(cases[i][0], &out, &err));
		assert_int_equal(err.kind, ERR_CONFIG);
		if (strstr(err.message, cases[i][1]) == NULL)
			fail_msg("%s: %s", cases[i][0], err.message);
		assert_string_not_equal(err.hint, "");
		assert_int_equal(out.len, 0);
	}
	assert_true(doc_from_json(" \n{ \"age\" : { \"$gt\" : 18 } }\n", &out,
	    &err));
	assert_true(doc_valid(out.data, out.len));
	buf_reset(&out);
	assert_true(doc_from_json("{}", &out, &err));
	assert_int_equal(out.len, 5);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_type_as_libbson),
		cmocka_unit_test(every_type_as_id),
		cmocka_unit_test(exact_text),
		cmocka_unit_test(doubles_read_back),
		cmocka_unit_test(odd_utf8_is_replaced),
		cmocka_unit_test(no_room_leaves_out_as_it_was),
		cmocka_unit_test(from_json_says_where),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
