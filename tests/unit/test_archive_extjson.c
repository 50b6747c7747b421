/*
 * Extended JSON to BSON and back: each type, what is ambiguous, what is no JSON.
 */
#include "archive_fixture.h"

#include <bson/bson.h>

#include "archive/bsoncheck.h"
#include "archive/extjson.h"
#include "archive/name.h"

static bool
read_text(const char *text, size_t len, struct buf *doc, struct err *err)
{
	size_t at;

	buf_init(doc, 1 << 20);
	if (!extjson_read(text, len, doc, err))
		return false;
	assert_true(bsoncheck_valid(doc->data, doc->len, &at));
	return true;
}

/* Canonical text: read, and written to the same (as libbson lays it out). */
static void
test_canonical(void **state)
{
	static const char *const values[] = {
		"{\"$numberInt\":\"-5\"}",
		"{\"$numberLong\":\"9223372036854775807\"}",
		"{\"$numberDouble\":\"-0.0\"}",
		"{\"$numberDouble\":\"Infinity\"}",
		"{\"$numberDouble\":\"1.5\"}",
		"{\"$numberDecimal\":\"5.50\"}",
		"{\"$oid\":\"65e0a1b2c3d4e5f601234567\"}",
		"{\"$date\":{\"$numberLong\":\"-5\"}}",
		"{\"$binary\":{\"base64\":\"AQID\",\"subType\":\"80\"}}",
		"{\"$binary\":{\"base64\":\"\",\"subType\":\"00\"}}",
		"{\"$binary\":{\"base64\":\"AQ==\",\"subType\":\"00\"}}",
		"{\"$binary\":{\"base64\":\"AQI=\",\"subType\":\"05\"}}",
		"{\"$timestamp\":{\"t\":4294967295,\"i\":1}}",
		"{\"$regularExpression\":{\"pattern\":\"^a/\",\"options\":\"im\"}}",
		"{\"$code\":\"f()\"}",
		"{\"$code\":\"f()\",\"$scope\":{\"x\":{\"$numberInt\":\"1\"}}}",
		"{\"$symbol\":\"s\"}",
		"{\"$minKey\":1}", "{\"$maxKey\":1}", "{\"$undefined\":true}",
		"{\"$dbPointer\":{\"$ref\":\"c\",\"$id\":{\"$oid\":"
		    "\"65e0a1b2c3d4e5f601234567\"}}}",
		"null", "true", "false", "\"text\"", "\"\"",
		"\"\\u0000\\u0001 \\\"\\\\\"", "\"\xc3\xa9\xf0\x9f\x98\x80\"",
		"[]", "[true,[null],{}]", "{}", "{\"\":null}",
		"{\"a\":true,\"a\":false}",
		/* Queries, not values: a validator, a view, a filter. */
		"{\"$regex\":\"^a\",\"$options\":\"i\"}",
		"{\"$regex\":\"^a\"}",
		"{\"$type\":\"string\"}",
		"{\"$ref\":\"c\",\"$id\":\"x\"}",
		"{\"$gt\":{\"$date\":{\"$numberLong\":\"5\"}}}",
		"{\"x\":true,\"$date\":\"5\"}",
		"{\"$options\":\"i\",\"$regex\":\"a\"}",
	};
	struct buf doc, json, again;
	char text[300];
	struct err err;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(values); i++) {
		snprintf(text, sizeof(text), " {\"a\" : %s } \n", values[i]);
		if (!read_text(text, strlen(text), &doc, &err))
			fail_msg("%s: %s", values[i], err.message);
		buf_init(&json, 1 << 20);
		if (!extjson_write(doc.data, doc.len, &json, &err))
			fail_msg("%s: %s", values[i], err.message);
		assert_true(read_text((char *)json.data, json.len, &again,
		    &err));
		assert_int_equal(doc.len, again.len);
		assert_memory_equal(doc.data, again.data, doc.len);
		buf_free(&again);
		buf_free(&json);
		buf_free(&doc);
	}
}

/* The bytes themselves, as libbson makes them. */
static void
test_bytes(void **state)
{
	static const char text[] = "{\"$date\":{\"$date\":\"2024-02-29T13:00:00"
	    ".005+01:00\"},\"i\":5,\"l\":5000000000,\"d\":5e0,\"big\":"
	    "12345678901234567890,\"u\":{\"$uuid\":"
	    "\"00112233-4455-6677-8899-aabbccddeeff\"},\"b\":{\"$binary\":"
	    "\"AQID\",\"$type\":\"00\"},\"s\":\"\\ud83d\\ude00\\/\"}";
	static const uint8_t uuid[] = { 0x00, 0x11, 0x22, 0x33, 0x44, 0x55,
	    0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff };
	bson_t expected = BSON_INITIALIZER;
	struct buf doc;
	struct err err;

	(void)state;
	BSON_APPEND_DATE_TIME(&expected, "$date", 1709208000005);
	BSON_APPEND_INT32(&expected, "i", 5);
	BSON_APPEND_INT64(&expected, "l", 5000000000);
	BSON_APPEND_DOUBLE(&expected, "d", 5);
	BSON_APPEND_DOUBLE(&expected, "big", 12345678901234567890.0);
	BSON_APPEND_BINARY(&expected, "u", BSON_SUBTYPE_UUID, uuid, 16);
	BSON_APPEND_BINARY(&expected, "b", BSON_SUBTYPE_BINARY,
	    (const uint8_t *)"\1\2\3", 3);
	BSON_APPEND_UTF8(&expected, "s", "\xf0\x9f\x98\x80/");
	if (!read_text(text, strlen(text), &doc, &err))
		fail_msg("%s", err.message);
	assert_int_equal(doc.len, expected.len);
	assert_memory_equal(doc.data, bson_get_data(&expected), doc.len);
	buf_free(&doc);
	bson_destroy(&expected);
}

static void
test_refused(void **state)
{
	static const char *const texts[] = {
		"", " ", "x", "5", "[]", "{", "}", "{}}", "{} {}", "{\"a\"}",
		"{\"a\":}", "{\"a\":1,}", "{,}", "{a:1}", "{'a':1}",
		"{\"a\":01}", "{\"a\":1.}", "{\"a\":.5}", "{\"a\":1e}",
		"{\"a\":-}", "{\"a\":+1}", "{\"a\":NaN}", "{\"a\":tru}",
		"{\"a\":[1,]}", "{\"a\":[1 2]}", "{\"a\":[", "{\"a\":\"x}",
		"{\"a\":\"\\x\"}", "{\"a\":\"\\u12\"}", "{\"a\":\"\\ud800\"}",
		"{\"a\":\"\\udc00\"}", "{\"a\":\"\\ud800\\u0041\"}",
		"{\"a\":\"\n\"}", "{\"a\\u0000b\":1}", "{\"a\":\"\xff\"}",
		"{\"a\":{\"$oid\":\"12\"}}", "{\"a\":{\"$numberInt\":\"x\"}}",
		"{\"a\":{\"$numberInt\":\"2147483648\"}}",
		"{\"a\":{\"$numberInt\":\" 5\"}}",
		"{\"a\":{\"$numberLong\":\"9223372036854775808\"}}",
		"{\"a\":{\"$numberDouble\":\"\"}}",
		"{\"a\":{\"$numberDecimal\":\"x\"}}",
		"{\"a\":{\"$date\":\"yesterday\"}}", "{\"a\":{\"$date\":\"\"}}",
		"{\"a\":{\"$date\":\"2024-13-01T00:00:00Z\"}}",
		"{\"a\":{\"$date\":{\"$numberLong\":\"5\"},\"b\":1}}",
		"{\"a\":{\"$date\":true}}", "{\"a\":{\"$minKey\":2}}",
		"{\"a\":{\"$undefined\":false}}",
		"{\"a\":{\"$binary\":{\"base64\":\"A\",\"subType\":\"00\"}}}",
		"{\"a\":{\"$binary\":{\"base64\":\"A*==\",\"subType\":\"00\"}}}",
		"{\"a\":{\"$binary\":{\"base64\":\"\",\"subType\":\"100\"}}}",
		"{\"a\":{\"$binary\":{\"base64\":\"\"}}}",
		"{\"a\":{\"$timestamp\":{\"t\":-1,\"i\":0}}}",
		"{\"a\":{\"$timestamp\":{\"t\":4294967296,\"i\":0}}}",
		"{\"a\":{\"$regularExpression\":{\"pattern\":\"a\\u0000b\","
		    "\"options\":\"\"}}}",
		"{\"a\":{\"$code\":\"f\",\"x\":1}}",
		"{\"a\":{\"$uuid\":\"0011\"}}",
	};
	struct buf doc;
	struct err err;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(texts); i++) {
		if (read_text(texts[i], strlen(texts[i]), &doc, &err))
			fail_msg("%s: was read", texts[i]);
		assert_int_equal(err.kind, ERR_DAMAGED);
		buf_free(&doc);
	}
	assert_false(read_text("{}\0", 3, &doc, &err));
	buf_free(&doc);
}

static void
test_deep(void **state)
{
	char text[20000];
	struct buf doc;
	struct err err;
	size_t n;

	(void)state;
	for (n = 0; n < sizeof(text); n += 5)
		memcpy(text + n, "{\"a\":", 5);
	assert_false(read_text(text, sizeof(text), &doc, &err));
	assert_non_null(strstr(err.message, "too many objects"));
	buf_free(&doc);
	memset(text, '[', sizeof(text));
	memcpy(text, "{\"a\":", 5);
	assert_false(read_text(text, sizeof(text), &doc, &err));
	assert_non_null(strstr(err.message, "too many objects"));
	buf_free(&doc);
}

/* Documents that no Extended JSON stands for. */
static void
test_not_written(void **state)
{
	bson_t doc, inner;
	struct buf json;
	struct err err;
	int i;

	(void)state;
	for (i = 0; i < 3; i++) {
		bson_init(&doc);
		BSON_APPEND_DOCUMENT_BEGIN(&doc, "a", &inner);
		if (i == 0)
			BSON_APPEND_UTF8(&inner, "$date", "no date");
		else if (i == 1)
			BSON_APPEND_UTF8(&inner, "$oid",
			    "65e0a1b2c3d4e5f601234567");
		else
			bson_append_utf8(&inner, "s", 1, "\xff", 1);
		bson_append_document_end(&doc, &inner);
		buf_init(&json, 1 << 20);
		assert_false(extjson_write(bson_get_data(&doc), doc.len, &json,
		    &err));
		assert_int_equal(err.kind, ERR_UNSUPPORTED);
		assert_int_equal(json.len, 0);
		buf_free(&json);
		bson_destroy(&doc);
	}
}

/* File names, against what mongodump called its files. */
static void
test_file_names(void **state)
{
	char name[300], file[NAME_FILE_MAX + 1], *back;
	struct err err;
	size_t n;

	(void)state;
	assert_true(name_escape("odd/name %\xc3\xa9 .:*?", file));
	assert_string_equal(file, "odd%2Fname+%25%C3%A9+.%3A%2A%3F");
	assert_true(name_unescape(file, strlen(file), &back, &n, &err));
	assert_string_equal(back, "odd/name %\xc3\xa9 .:*?");
	free(back);
	memcpy(name, "long.", 5);
	for (n = 5; n < 165; n += 2)
		memcpy(name + n, "\xc3\xa9", 2);
	name[n] = '\0';
	assert_true(name_escape(name, file));
	assert_int_equal(strlen(file), NAME_FILE_MAX);
	assert_true(name_is_cut(file, strlen(file)));
	assert_string_equal(file + 206, "%A%24BaTcZdOzibS_bwWdOjiBU6FRtCM");
	/* 238 plain bytes fit, 239 do not. */
	memset(name, 'n', sizeof(name));
	name[238] = '\0';
	assert_true(name_escape(name, file));
	assert_string_equal(file, name);
	assert_false(name_is_cut(file, strlen(file)));
	name[238] = 'n';
	name[239] = '\0';
	assert_true(name_escape(name, file));
	assert_true(name_is_cut(file, strlen(file)));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_canonical),
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_deep),
		cmocka_unit_test(test_not_written),
		cmocka_unit_test(test_file_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
