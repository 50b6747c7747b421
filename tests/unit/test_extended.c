#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/extended.h"

static void
expect(const char *json, const char *shown)
{
	struct buf out;

	buf_init(&out, 1 << 20);
	assert_true(buf_append_str(&out, "="));
	if (shown == NULL) {
		assert_false(extended_show(&out, json));
		assert_string_equal(buf_str(&out), "=");
	} else {
		assert_true(extended_show(&out, json));
		assert_string_equal(buf_str(&out) + 1, shown);
	}
	buf_free(&out);
}

static void
test_types(void **state)
{

	(void)state;
	expect("{\"$numberInt\":\"-5\"}", "-5");
	expect("{\"$numberLong\":\"5\"}", "Long(5)");
	expect("{\"$numberDouble\":\"5.0\"}", "5.0");
	expect("{\"$numberDouble\":\"-Infinity\"}", "-Infinity");
	expect("{\"$numberDouble\":\"1e+300\"}", "1e+300");
	expect("{\"$numberDecimal\":\"1.50\"}", "Decimal128(\"1.50\")");
	expect("\"5\"", "\"5\"");
	expect("{\"$oid\":\"64b0c0ffee0123456789abcd\"}",
	    "ObjectId(\"64b0c0ffee0123456789abcd\")");
	expect("{\"$date\":{\"$numberLong\":\"1709210096123\"}}",
	    "ISODate(\"2024-02-29T12:34:56.123Z\")");
	expect("{\"$date\":{\"$numberLong\":\"-1\"}}",
	    "ISODate(\"1969-12-31T23:59:59.999Z\")");
	expect("{\"$date\":{\"$numberLong\":\"9223372036854775807\"}}",
	    "Date(9223372036854775807)");
	expect("{\"$date\":{\"$numberLong\":\"-99999999999999999\"}}",
	    "Date(-99999999999999999)");
	expect("{\"$timestamp\":{\"t\":7,\"i\":1}}", "Timestamp(7, 1)");
	expect("{\"$binary\":{\"base64\":\"AAE=\",\"subType\":\"80\"}}",
	    "BinData(128, \"AAE=\")");
	expect("{\"$regularExpression\":{\"pattern\":\"^a\",\"options\":\"i\"}}",
	    "RegExp(\"^a\", \"i\")");
	expect("{\"$code\":\"f()\"}", "Code(\"f()\")");
	expect("{\"$code\":\"f()\",\"$scope\":{\"n\":{\"$numberInt\":\"1\"}}}",
	    "Code(\"f()\", {n: 1})");
	expect("{\"$symbol\":\"s\"}", "Symbol(\"s\")");
	expect("{\"$dbPointer\":{\"$ref\":\"a.b\",\"$id\":{\"$oid\":\"00\"}}}",
	    "DBPointer(\"a.b\", ObjectId(\"00\"))");
	expect("{\"$undefined\":true}", "undefined");
	expect("{\"$minKey\":1}", "MinKey");
	expect("{\"$maxKey\":1}", "MaxKey");
	expect("null", "null");
	expect("true", "true");
}

static void
test_documents(void **state)
{

	(void)state;
	expect("{}", "{}");
	expect("[]", "[]");
	expect("{\"a\":{\"$numberInt\":\"1\"},\"b c\":[null,\"x\"],\"1a\":[]}",
	    "{a: 1, \"b c\": [null, \"x\"], \"1a\": []}");
	/* Twice the same name, quotes, and white space as libbson writes it. */
	expect("{ \"a\" : \"x \\\"} y\", \"a\" : [ 1, 2 ] }",
	    "{a: \"x \\\"} y\", a: [1, 2]}");
	/* What only looks like another type. */
	expect("{\"$oid\":{\"$numberInt\":\"5\"}}", "{$oid: 5}");
	expect("{\"$numberInt\":\"5\",\"x\":null}",
	    "{$numberInt: \"5\", x: null}");
}

static void
test_marks(void **state)
{

	(void)state;
	expect("{\"$cut\":\"abc\",\"$type\":\"string\",\"$from\":10,"
	    "\"$length\":99}", "string of 99 bytes, from 10: \"abc\"");
	expect("{\"$cut\":\"{\\\"a\\\":\",\"$type\":\"object\",\"$length\":99}",
	    "object of 99 bytes: \"{\\\"a\\\":\"");
	expect("{\"$value\":{\"$numberDouble\":\"NaN\"},\"$type\":\"double\","
	    "\"$bytes\":\"00ff\"}", "NaN [double 00ff]");
	expect("{\"$value\":\"x\",\"$type\":\"string\",\"$from\":4,\"$bytes\":"
	    "\"00ff\"}", "\"x\" [string, bytes from 4: 00ff]");
	expect("{\"$value\":[{\"a\":1}],\"$type\":\"array\",\"$key\":\"7\","
	    "\"$bytes\":\"00\"}", "[{a: 1}] [key \"7\", array 00]");
	expect("{\"$value\":null,\"$type\":\"null\",\"$key\":\"7\",\"$from\":1,"
	    "\"$bytes\":\"00\"}", "null [key \"7\", null, bytes from 1: 00]");
}

static void
test_no_json(void **state)
{
	static const char *const bad[] = { "", "12 bytes", "{", "{\"a\":1",
	    "{\"$oid\":", "{\"$code\":\"f\",\"$scope\":{}", "\"\\", "[1,]" };
	struct buf deep, out;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		expect(bad[i], NULL);
	buf_init(&deep, 1 << 20);
	buf_init(&out, 1 << 20);
	for (i = 0; i < 1500; i++)
		buf_append_byte(&deep, '[');
	for (i = 0; i < 1500; i++)
		buf_append_byte(&deep, ']');
	assert_false(extended_show(&out, buf_str(&deep)));
	assert_int_equal(out.len, 0);
	buf_free(&out);
	buf_free(&deep);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_types), cmocka_unit_test(test_documents),
		cmocka_unit_test(test_marks), cmocka_unit_test(test_no_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
