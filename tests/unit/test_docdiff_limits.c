/*
 * Documents and values that are large, deep or many.
 */
#include "docdiff_fixture.h"

/* A string of n bytes, all a, but for one. */
static bson_t *
with_long(size_t n, size_t at, char c)
{
	char *text = malloc(n + 1);
	bson_t *doc = bson_new();

	memset(text, 'a', n);
	text[at] = c;
	bson_append_utf8(doc, "s", 1, text, (int)n);
	free(text);
	return doc;
}

static void
test_long_text(void **state)
{
	bson_t *a = with_long(5000000, 4000000, 'x');
	bson_t *b = with_long(5000000, 4000000, 'y');
	const char *text = differences(a, b);

	(void)state;
	assert_true(strlen(text) < 64 * 1024);
	assert_non_null(strstr(text, "aaxaa"));
	assert_non_null(strstr(text, "aayaa"));
	assert_non_null(strstr(text, "\"$type\":\"string\",\"$from\":3997952,"
	    "\"$length\":5000000}"));
	bson_destroy(a);
	bson_destroy(b);
}

static void
test_long_others(void **state)
{
	bson_t *a = bson_new(), *b = bson_new(), inner;
	uint8_t *bytes = calloc(1, 1000000);
	const char *text;
	char key[12];
	int i;

	(void)state;
	bson_append_binary(a, "b", 1, BSON_SUBTYPE_BINARY, bytes, 1000000);
	bytes[999999] = 0xab;
	bson_append_binary(b, "b", 1, BSON_SUBTYPE_BINARY, bytes, 1000000);
	free(bytes);
	bson_append_document_begin(a, "o", 1, &inner);
	for (i = 0; i < 20000; i++) {
		snprintf(key, sizeof(key), "é%d", i);
		bson_append_int32(&inner, key, -1, i);
	}
	bson_append_document_end(a, &inner);
	text = differences(a, b);
	assert_non_null(strstr(text, "00ab\",\"$type\":\"binData\",\"$from\":"));
	assert_non_null(strstr(text, "o: {\"$cut\":\"{\\\"é0\\\":{\\\"$number"
	    "Int\\\":\\\"0\\\"},"));
	assert_non_null(strstr(text, "\"$type\":\"object\",\"$length\":"));
	assert_true(strlen(text) < 200 * 1024);
	bson_destroy(a);
	bson_destroy(b);
}

/* Many long values: all of it stays small. */
static void
test_budget(void **state)
{
	bson_t *a = bson_new(), *b = bson_new();
	char key[12], text[10001];
	int i;

	(void)state;
	memset(text, 1, sizeof(text) - 1);
	text[10000] = '\0';
	for (i = 0; i < 1500; i++) {
		snprintf(key, sizeof(key), "k%d", i);
		text[5000] = 'x';
		bson_append_utf8(a, key, -1, text, 10000);
		text[5000] = 'y';
		bson_append_utf8(b, key, -1, text, 10000);
	}
	differences(a, b);
	assert_int_equal(n_told, DOCDIFF_FIELDS_MAX + 1);
	assert_int_equal(more, 1500 - DOCDIFF_FIELDS_MAX);
	assert_in_range(told.len, 256 * 1024, 1536 * 1024);
	bson_destroy(a);
	bson_destroy(b);
}

/* 100,000 names in opposite order: no quadratic time. */
static void
test_many(void **state)
{
	bson_t *a = bson_new(), *b = bson_new();
	char key[12];
	int i;

	(void)state;
	for (i = 0; i < 100000; i++) {
		snprintf(key, sizeof(key), "%d", i);
		bson_append_int32(a, key, -1, i);
		snprintf(key, sizeof(key), "%d", 99999 - i);
		bson_append_int32(b, key, -1, 99999 - i - (i == 50));
	}
	expect(a, b, "99949: {\"$numberInt\":\"99949\"} -> "
	    "{\"$numberInt\":\"99948\"}\n: order\n");
}

/* A document in a document, depth of them. */
static bson_t *
deep(int depth, const char *value)
{
	bson_t *doc = BCON_NEW("v", value), *outer;

	while (--depth > 0) {
		outer = bson_new();
		bson_append_document(outer, "k", 1, doc);
		bson_destroy(doc);
		doc = outer;
	}
	return doc;
}

static void
test_depth(void **state)
{
	bson_t *a = deep(200, "x"), *b = deep(200, "y"), *c = deep(201, "x");
	struct err err;
	const char *text = differences(a, b);

	(void)state;
	assert_int_equal(strlen(text), 2 * 199 + strlen("v: \"x\" -> \"y\"\n"));
	assert_non_null(strstr(text, "k.k.v: \"x\" -> \"y\"\n"));
	assert_false(docdiff(bson_get_data(a), a->len, bson_get_data(c),
	    c->len, note, NULL, &err));
	assert_int_equal(err.kind, ERR_DAMAGED);
	bson_destroy(a);
	bson_destroy(b);
	bson_destroy(c);
}

static void
test_long_path(void **state)
{
	bson_t *a = bson_new(), *b = bson_new();
	char *key = malloc(100002);
	size_t i;

	(void)state;
	for (i = 0; i < 100000; i += 2)
		memcpy(key + i, "é", 2);
	key[100000] = 'x';
	key[100001] = '\0';
	bson_append_utf8(a, key, -1, "1", 1);
	bson_append_utf8(b, key, -1, "2", 1);
	differences(a, b);
	assert_true(told.len < 4200);
	assert_true(bson_utf8_validate((char *)told.data, told.len, false));
	assert_non_null(strstr((char *)told.data, "é…: \"1\" -> \"2\"\n"));
	free(key);
	bson_destroy(a);
	bson_destroy(b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_long_text), TEST(test_long_others), TEST(test_budget),
		TEST(test_many), TEST(test_depth), TEST(test_long_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
