#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <bson/bson.h>

#include "bson/doc.h"
#include "bson/docignore.h"

static struct docignore *
make(const char *one, const char *two)
{
	char *entries[] = { (char *)(uintptr_t)one, (char *)(uintptr_t)two };
	struct strings list = { entries, two != NULL ? 2 : 1 };
	struct docignore *ignore;
	struct err err;

	if ((ignore = docignore_new(&list, "app.users", &err)) == NULL)
		fail_msg("%s", err.message);
	return ignore;
}

static bson_t *
json(const char *text)
{
	bson_error_t why;
	bson_t *doc = bson_new_from_json((const uint8_t *)text, -1, &why);

	if (doc == NULL)
		fail_msg("%s: %s", text, why.message);
	return doc;
}

/* The document without the fields is, byte for byte, the one of expected. */
static void
expect(struct docignore *ignore, const char *text, const char *expected)
{
	bson_t *doc = json(text), *want = json(expected);
	struct buf out;
	bool stripped;

	buf_init(&out, 1 << 20);
	assert_true(buf_append_str(&out, "before"));
	assert_true(docignore_strip(ignore, bson_get_data(doc), doc->len,
	    &out, &stripped));
	assert_int_equal(out.len - 6, want->len);
	assert_memory_equal(out.data + 6, bson_get_data(want), want->len);
	assert_int_equal(stripped, doc->len != want->len);
	buf_free(&out);
	bson_destroy(doc);
	bson_destroy(want);
	docignore_free(ignore);
}

static void
test_fields(void **state)
{

	(void)state;
	expect(make("app.users:lastSeen", NULL),
	    "{\"_id\":1,\"lastSeen\":5,\"x\":{\"lastSeen\":1}}",
	    "{\"_id\":1,\"x\":{\"lastSeen\":1}}");
	expect(make("*:a.b", "app.*:c"),
	    "{\"a\":{\"b\":1,\"c\":2},\"c\":{\"d\":1},\"b\":3}",
	    "{\"a\":{\"c\":2},\"b\":3}");
	expect(make("app.users:a", NULL), "{\"a\":1}", "{}");
	expect(make("app.users:a", NULL), "{\"b\":1}", "{\"b\":1}");
}

static void
test_arrays(void **state)
{

	(void)state;
	expect(make("app.users:a.b", NULL),
	    "{\"a\":[{\"b\":1,\"c\":[1]},[{\"b\":2}],3],\"z\":\"end\"}",
	    "{\"a\":[{\"c\":[1]},[{}],3],\"z\":\"end\"}");
	/* A number is a name, not a position. */
	expect(make("app.users:a.0", NULL),
	    "{\"a\":[1,{\"0\":2}]}", "{\"a\":[1,{}]}");
	expect(make("app.users:*.t", NULL),
	    "{\"a\":{\"t\":1,\"u\":2},\"b\":{\"t\":3},\"t\":4}",
	    "{\"a\":{\"u\":2},\"b\":{},\"t\":4}");
}

static void
test_scope(void **state)
{

	(void)state;
	expect(make("app.users:f.n", NULL),
	    "{\"f\":{\"$code\":\"g\",\"$scope\":{\"n\":1,\"m\":{\"n\":2}}},"
	    "\"z\":1}",
	    "{\"f\":{\"$code\":\"g\",\"$scope\":{\"m\":{\"n\":2}}},\"z\":1}");
}

static void
test_id(void **state)
{
	static const char *const bad[] = { "app.users:_id", "app.users:_id.a",
	    "other.*:_id", "app.users", "app.users:", ":a" };
	struct strings list = { .n = 1 };
	struct err err;
	char *entry;
	size_t i;

	(void)state;
	expect(make("app.users:*", NULL), "{\"a\":1,\"_id\":{\"a\":1},\"b\":2}",
	    "{\"_id\":{\"a\":1}}");
	expect(make("app.users:*.a", NULL),
	    "{\"_id\":{\"a\":1},\"b\":{\"a\":1,\"_id\":2}}",
	    "{\"_id\":{\"a\":1},\"b\":{\"_id\":2}}");
	expect(make("app.users:b._id", "app.users:_ids"),
	    "{\"_id\":1,\"b\":{\"_id\":1},\"_ids\":1}",
	    "{\"_id\":1,\"b\":{}}");
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		entry = (char *)(uintptr_t)bad[i];
		list.v = &entry;
		assert_null(docignore_new(&list, "app.users", &err));
		assert_int_equal(err.kind, ERR_USAGE);
		assert_non_null(strstr(err.message, "--ignore"));
	}
}

static void
test_any(void **state)
{
	struct docignore *ignore;
	struct strings none = { 0 };
	struct err err;

	(void)state;
	ignore = make("app.users:a", NULL);
	assert_true(docignore_any(ignore));
	docignore_free(ignore);
	ignore = make("app.other:a", NULL);
	assert_false(docignore_any(ignore));
	docignore_free(ignore);
	assert_non_null(ignore = docignore_new(NULL, "a.b", &err));
	assert_false(docignore_any(ignore));
	expect(ignore, "{\"a\":1}", "{\"a\":1}");
	assert_non_null(ignore = docignore_new(&none, "a.b", &err));
	assert_false(docignore_any(ignore));
	docignore_free(ignore);
	docignore_free(NULL);
}

/* Each prefix and each changed byte: a sound document comes out, or none. */
static void
test_damaged(void **state)
{
	struct docignore *ignore = make("app.users:a.b", "app.users:c");
	bson_t *doc = json("{\"a\":[{\"b\":1},{\"b\":\"x\",\"d\":2}],\"c\":"
	    "{\"$code\":\"f\",\"$scope\":{\"q\":1}},\"e\":\"end\"}");
	uint8_t *bytes = malloc(doc->len);
	struct buf out;
	bool stripped;
	size_t i;
	int flip;

	(void)state;
	buf_init(&out, 1 << 20);
	for (i = 0; i < doc->len; i++) {
		assert_false(docignore_strip(ignore, bson_get_data(doc), i,
		    &out, &stripped));
		assert_int_equal(out.len, 0);
		for (flip = 1; flip < 256; flip <<= 1) {
			memcpy(bytes, bson_get_data(doc), doc->len);
			bytes[i] ^= (uint8_t)flip;
			buf_reset(&out);
			if (docignore_strip(ignore, bytes, doc->len, &out,
			    &stripped) && doc_valid(bytes, doc->len))
				assert_true(doc_valid(out.data, out.len));
		}
		buf_reset(&out);
	}
	buf_free(&out);
	buf_init(&out, doc->len / 4);
	assert_false(docignore_strip(ignore, bson_get_data(doc), doc->len,
	    &out, &stripped));
	assert_int_equal(out.len, 0);
	buf_free(&out);
	free(bytes);
	bson_destroy(doc);
	docignore_free(ignore);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fields), cmocka_unit_test(test_arrays),
		cmocka_unit_test(test_scope), cmocka_unit_test(test_id),
		cmocka_unit_test(test_any), cmocka_unit_test(test_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
