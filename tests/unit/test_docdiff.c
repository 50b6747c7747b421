#include "docdiff_fixture.h"

static void
expect_json(const char *a, const char *b, const char *expected)
{

	expect(json(a), json(b), expected);
}

static void
test_values(void **state)
{

	(void)state;
	expect_json("{\"_id\":1,\"a\":1}", "{\"_id\":1,\"a\":1}", "");
	expect_json("{\"a\":5,\"b\":\"x\"}", "{\"a\":6,\"b\":\"x\"}",
	    "a: {\"$numberInt\":\"5\"} -> {\"$numberInt\":\"6\"}\n");
	expect_json("{\"a\":5}", "{\"a\":\"5\"}",
	    "a: {\"$numberInt\":\"5\"} -> \"5\"\n");
	expect_json("{\"a\":5}", "{\"a\":{\"$numberLong\":\"5\"}}",
	    "a: {\"$numberInt\":\"5\"} -> {\"$numberLong\":\"5\"}\n");
	expect_json("{\"a\":{\"$numberDouble\":\"-0.0\"}}",
	    "{\"a\":{\"$numberDouble\":\"0.0\"}}",
	    "a: {\"$numberDouble\":\"-0.0\"} -> {\"$numberDouble\":\"0.0\"}\n");
	expect_json("{\"a\":1,\"b\":null}", "{\"a\":1}", "b: null -> none\n");
	expect_json("{\"a\":1}", "{\"a\":1,\"b\":[]}", "b: none -> []\n");
	expect_json("{}", "{\"a\":1}", "a: none -> {\"$numberInt\":\"1\"}\n");
}

static void
test_nested(void **state)
{

	(void)state;
	expect_json("{\"a\":{\"b\":{\"c\":\"x\",\"d\":1}}}",
	    "{\"a\":{\"b\":{\"c\":\"y\",\"d\":1}}}", "a.b.c: \"x\" -> \"y\"\n");
	expect_json("{\"a\":[\"x\",{\"b\":\"y\"},\"z\"]}",
	    "{\"a\":[\"x\",{\"b\":\"Y\"}]}",
	    "a.1.b: \"y\" -> \"Y\"\na.2: \"z\" -> none\n");
	expect_json("{\"a\":[]}", "{\"a\":[\"p\",[\"q\"]]}",
	    "a.0: none -> \"p\"\na.1: none -> [\"q\"]\n");
	/* No looking into what is of two kinds. */
	expect_json("{\"a\":[\"x\"]}", "{\"a\":{\"0\":\"x\"}}",
	    "a: [\"x\"] -> {\"0\":\"x\"}\n");
	expect_json("{\"a\":{\"b\":\"x\"}}", "{\"a\":null}",
	    "a: {\"b\":\"x\"} -> null\n");
}

static void
test_order(void **state)
{

	(void)state;
	expect_json("{\"a\":null,\"b\":null}", "{\"b\":null,\"a\":null}",
	    ": order\n");
	expect_json("{\"x\":{\"a\":null,\"b\":[{\"c\":\"1\",\"d\":\"2\"}]}}",
	    "{\"x\":{\"b\":[{\"d\":\"2\",\"c\":\"3\"}],\"a\":null}}",
	    "x.b.0.c: \"1\" -> \"3\"\nx.b.0: order\nx: order\n");
	/* One that came or went moves nothing. */
	expect_json("{\"a\":null,\"b\":null,\"c\":null}",
	    "{\"a\":null,\"x\":null,\"c\":null}",
	    "b: null -> none\nx: none -> null\n");
	/* The server moves _id, but only the outermost. */
	expect_json("{\"a\":null,\"b\":null,\"_id\":1}",
	    "{\"_id\":1,\"a\":null,\"b\":null}", "");
	expect_json("{\"a\":null,\"_id\":1,\"b\":null}",
	    "{\"_id\":1,\"b\":null,\"a\":null}", ": order\n");
	expect_json("{\"x\":{\"a\":null,\"_id\":1}}",
	    "{\"x\":{\"_id\":1,\"a\":null}}", "x: order\n");
}

static bson_t *
repeated(const char *names, const char *values)
{
	bson_t *doc = bson_new();

	for (; *names != '\0'; names++, values++)
		bson_append_utf8(doc, names, 1, values, 1);
	return doc;
}

static void
test_duplicate_keys(void **state)
{

	(void)state;
	expect(repeated("aab", "123"), repeated("aab", "143"),
	    "a: \"2\" -> \"4\"\n");
	expect(repeated("aba", "123"), repeated("baa", "213"), ": order\n");
	expect(repeated("aaa", "123"), repeated("ba", "91"),
	    "a: \"2\" -> none\na: \"3\" -> none\nb: none -> \"9\"\n");
	expect(repeated("aa", "12"), repeated("aa", "21"),
	    "a: \"1\" -> \"2\"\na: \"2\" -> \"1\"\n");
}

static bson_t *
with_double(uint64_t bits)
{
	bson_t *doc = bson_new();
	double d;

	memcpy(&d, &bits, sizeof(d));
	bson_append_double(doc, "d", 1, d);
	return doc;
}

/* A string whose bytes need not be UTF-8. */
static bson_t *
with_bytes(const char *key, const char *bytes)
{
	char text[64] = "";
	uint8_t *at;
	bson_t *doc = bson_new();

	memset(text, 'q', strlen(bytes));
	bson_append_utf8(doc, key, -1, text, -1);
	at = memmem(bson_get_data(doc), doc->len, text, strlen(text));
	memcpy(at, bytes, strlen(bytes));
	return doc;
}

/* What prints the same is told apart by its bytes. */
static void
test_unseen(void **state)
{
	bson_t *oid;

	(void)state;
	expect(with_double(0x7ff8000000000000), with_double(0x7ff8000000000001),
	    "d: {\"$value\":{\"$numberDouble\":\"NaN\"},\"$type\":\"double\","
	    "\"$bytes\":\"000000000000f87f\"} -> {\"$value\":"
	    "{\"$numberDouble\":\"NaN\"},\"$type\":\"double\","
	    "\"$bytes\":\"010000000000f87f\"}\n");
	expect(with_bytes("s", "a\xff"), with_bytes("s", "a\xfe"),
	    "s: {\"$value\":\"a\\ufffd\",\"$type\":\"string\",\"$bytes\":"
	    "\"61ff\"} -> {\"$value\":\"a\\ufffd\",\"$type\":\"string\","
	    "\"$bytes\":\"61fe\"}\n");
	/* U+FFFD itself is read as what stands for bytes that are none. */
	expect(with_bytes("s", "\\\xff"), with_bytes("s", "\\\xef\xbf\xbd"),
	    "s: {\"$value\":\"\\\\\\ufffd\",\"$type\":\"string\",\"$bytes\":"
	    "\"5cff\"} -> {\"$value\":\"\\\\\xef\xbf\xbd\",\"$type\":"
	    "\"string\",\"$bytes\":\"5cefbfbd\"}\n");
	expect(with_bytes("s", "\xff"), with_bytes("s", "\\ufffd"),
	    "s: \"\\ufffd\" -> \"\\\\ufffd\"\n");
	oid = BCON_NEW("o", "{", "$oid", "64b0c0ffee0123456789abcd", "}");
	expect(json("{\"o\":{\"$oid\":\"64b0c0ffee0123456789abcd\"}}"), oid,
	    "o: {\"$value\":{\"$oid\":\"64b0c0ffee0123456789abcd\"},"
	    "\"$type\":\"objectId\",\"$bytes\":\"64b0c0ffee0123456789abcd\"}"
	    " -> {\"$value\":{\"$oid\":\"64b0c0ffee0123456789abcd\"},\"$type\":"
	    "\"object\",\"$bytes\":\"2800000002246f6964001900000036346230"
	    "6330666665653031323334353637\"}\n");
}

static void
test_array_keys(void **state)
{
	bson_t *a = BCON_NEW("a", "[", "{", "x", BCON_NULL, "}", "]");
	bson_t *b = bson_copy(a);
	uint8_t *key = memmem(bson_get_data(b), b->len, "\x03" "0", 3);

	(void)state;
	key[1] = '"';
	expect(a, b, "a.0: {\"$value\":{\"x\":null},\"$type\":\"object\","
	    "\"$key\":\"0\",\"$bytes\":\"080000000a780000\"} -> "
	    "{\"$value\":{\"x\":null},\"$type\":\"object\",\"$key\":\"\\\"\","
	    "\"$bytes\":\"080000000a780000\"}\n");
}

static void
test_names(void **state)
{
	bson_t *a = BCON_NEW("", "1", "qq", "2"), *b = BCON_NEW("", "3");
	uint8_t *key = memmem(bson_get_data(a), a->len, "qq", 2);

	(void)state;
	key[0] = 0xff;
	expect(a, b, ": \"1\" -> \"3\"\n\\xffq: \"2\" -> none\n");
}

static bool
stop(void *arg, const struct docdiff_field *f, struct err *err)
{

	(void)f;
	++*(int *)arg;
	return err_set(err, ERR_CANCELLED, "enough");
}

static void
test_stop_and_damage(void **state)
{
	bson_t *a = json("{\"a\":1,\"b\":2}"), *b = json("{\"a\":2,\"b\":1}");
	uint8_t bad[] = { 6, 0, 0, 0, 99, 0 };
	struct err err;
	int calls = 0;

	(void)state;
	assert_false(docdiff(bson_get_data(a), a->len, bson_get_data(b),
	    b->len, stop, &calls, &err));
	assert_int_equal(calls, 1);
	assert_int_equal(err.kind, ERR_CANCELLED);
	assert_false(docdiff(bad, sizeof(bad), bson_get_data(b), b->len, note,
	    NULL, &err));
	assert_int_equal(err.kind, ERR_DAMAGED);
	assert_non_null(strstr(err.message, "source"));
	bson_destroy(a);
	bson_destroy(b);
}

/* Every byte of a document with all types, changed: told, or damage, but never
 * silence, unless nothing but the place of what is read as the same changed. */
static void
test_every_byte(void **state)
{
	bson_t *a = json("{\"_id\":1,\"s\":\"text\",\"d\":1.5,\"n\":null,"
	    "\"o\":{\"x\":true,\"y\":[1,{\"z\":\"w\"}]},"
	    "\"b\":{\"$binary\":{\"base64\":\"AAEC\",\"subType\":\"02\"}},"
	    "\"t\":{\"$timestamp\":{\"t\":1,\"i\":2}},"
	    "\"c\":{\"$numberDecimal\":\"1.50\"},"
	    "\"r\":{\"$regularExpression\":{\"pattern\":\"p\",\"options\":\"i\"}},"
	    "\"j\":{\"$code\":\"f\",\"$scope\":{\"q\":1}},"
	    "\"m\":{\"$minKey\":1}}");
	uint8_t *b = malloc(a->len);
	struct err err;
	size_t i, before;
	int flip;

	(void)state;
	for (i = 0; i < a->len; i++) {
		for (flip = 1; flip < 256; flip <<= 1) {
			memcpy(b, bson_get_data(a), a->len);
			b[i] ^= (uint8_t)flip;
			before = n_told;
			if (!docdiff(bson_get_data(a), a->len, b, a->len, note,
			    NULL, &err))
				assert_int_equal(err.kind, ERR_DAMAGED);
			else if (n_told == before)
				fail_msg("byte %zu, bit %d", i, flip);
		}
	}
	free(b);
	bson_destroy(a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_values), TEST(test_nested), TEST(test_order),
		TEST(test_duplicate_keys), TEST(test_unseen),
		TEST(test_array_keys), TEST(test_names),
		TEST(test_stop_and_damage), TEST(test_every_byte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
