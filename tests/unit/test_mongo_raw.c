#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "mongo/raw.h"

static bool
same(const bson_t *a, const bson_t *b)
{
	bool there = raw_same(bson_get_data(a), a->len, bson_get_data(b),
	    b->len);
	bool back = raw_same(bson_get_data(b), b->len, bson_get_data(a),
	    a->len);

	assert_int_equal(there, back);
	return there;
}

/* Where _id stands makes no difference; all else does. */
static void
compares_without_the_place_of_id(void **state)
{
	bson_t *docs[4], *other;
	size_t i, j;

	(void)state;
	docs[0] = BCON_NEW("_id", BCON_INT32(1), "a", "x", "b", BCON_INT64(2),
	    "c", "z");
	docs[1] = BCON_NEW("a", "x", "_id", BCON_INT32(1), "b", BCON_INT64(2),
	    "c", "z");
	docs[2] = BCON_NEW("a", "x", "b", BCON_INT64(2), "_id", BCON_INT32(1),
	    "c", "z");
	docs[3] = BCON_NEW("a", "x", "b", BCON_INT64(2), "c", "z",
	    "_id", BCON_INT32(1));
	for (i = 0; i < 4; i++) {
		for (j = 0; j < 4; j++)
			assert_true(same(docs[i], docs[j]));
	}
	other = BCON_NEW("b", BCON_INT64(2), "a", "x", "_id", BCON_INT32(1),
	    "c", "z");
	for (i = 0; i < 4; i++)
		assert_false(same(docs[i], other));
	bson_destroy(other);
	other = BCON_NEW("a", "x", "_id", BCON_INT32(2), "b", BCON_INT64(2),
	    "c", "z");
	for (i = 0; i < 4; i++)
		assert_false(same(docs[i], other));
	bson_destroy(other);
	other = BCON_NEW("a", "x", "_id", BCON_INT32(1), "b", BCON_INT64(2),
	    "c", "y");
	for (i = 0; i < 4; i++)
		assert_false(same(docs[i], other));
	bson_destroy(other);
	for (i = 0; i < 4; i++)
		bson_destroy(docs[i]);
}

static void
takes_the_id(void **state)
{
	bson_t *doc = BCON_NEW("a", "x", "_id", "{", "k", BCON_INT32(1), "}");
	bson_t *want = BCON_NEW("_id", "{", "k", BCON_INT32(1), "}");
	bson_t *none = BCON_NEW("a", "{", "_id", BCON_INT32(1), "}");
	struct rawdoc id = { NULL, 0 };

	(void)state;
	assert_true(raw_id(bson_get_data(doc), doc->len, &id));
	assert_int_equal(id.len, want->len);
	assert_memory_equal(id.data, bson_get_data(want), id.len);
	raw_free(&id);
	assert_null(id.data);
	assert_false(raw_id(bson_get_data(none), none->len, &id));
	assert_false(raw_id((const uint8_t *)"\5\0\0\0", 4, &id));
	bson_destroy(doc);
	bson_destroy(want);
	bson_destroy(none);
}

static bool
zero_stamp(const bson_t *b)
{

	return raw_has_zero_stamp(bson_get_data(b), b->len);
}

static void
finds_zero_stamps(void **state)
{
	bson_t *b;

	(void)state;
	b = BCON_NEW("_id", BCON_INT32(1), "t", BCON_TIMESTAMP(0, 0));
	assert_true(zero_stamp(b));
	bson_destroy(b);
	b = BCON_NEW("t", BCON_TIMESTAMP(0, 1), "u", BCON_TIMESTAMP(1, 0));
	assert_false(zero_stamp(b));
	bson_destroy(b);
	b = BCON_NEW("_id", BCON_TIMESTAMP(0, 0));
	assert_false(zero_stamp(b));
	bson_destroy(b);
	b = BCON_NEW("in", "{", "t", BCON_TIMESTAMP(0, 0), "}", "list", "[",
	    BCON_TIMESTAMP(0, 0), "]");
	assert_false(zero_stamp(b));
	bson_destroy(b);
}

static void
compares_but_for_stamps(void **state)
{
	bson_t *ours = BCON_NEW("_id", BCON_INT32(1), "t", BCON_TIMESTAMP(0, 0),
	    "a", "x", "u", BCON_TIMESTAMP(5, 5), "v", BCON_TIMESTAMP(0, 0));
	bson_t *made = BCON_NEW("_id", BCON_INT32(1), "t", BCON_TIMESTAMP(9, 1),
	    "a", "x", "u", BCON_TIMESTAMP(5, 5), "v", BCON_TIMESTAMP(9, 2));
	bson_t *other = BCON_NEW("_id", BCON_INT32(1), "t",
	    BCON_TIMESTAMP(9, 1), "a", "x", "u", BCON_TIMESTAMP(5, 6), "v",
	    BCON_TIMESTAMP(9, 2));

	(void)state;
	assert_int_equal(ours->len, made->len);
	assert_true(raw_same_but_stamps(bson_get_data(made),
	    bson_get_data(ours), ours->len));
	assert_false(raw_same_but_stamps(bson_get_data(ours),
	    bson_get_data(made), ours->len));
	assert_false(raw_same_but_stamps(bson_get_data(other),
	    bson_get_data(ours), ours->len));
	bson_destroy(ours);
	bson_destroy(made);
	bson_destroy(other);
}

static bool
odd(bson_t *b)
{
	bool yes = raw_has_odd_names(bson_get_data(b), b->len);

	bson_destroy(b);
	return yes;
}

static void
finds_odd_names(void **state)
{
	bson_t *many = bson_new();
	char name[16];
	unsigned i;

	(void)state;
	assert_false(odd(BCON_NEW("a", BCON_INT32(1), "b", "{", "a",
	    BCON_INT32(1), "}", "c", "[", "x", "x", "]")));
	assert_true(odd(BCON_NEW("a", BCON_INT32(1), "a", BCON_INT32(1))));
	assert_true(odd(BCON_NEW("a", "{", "b", BCON_INT32(1), "b",
	    BCON_INT32(2), "}")));
	assert_true(odd(BCON_NEW("a", "[", "{", "b", BCON_INT32(1), "b",
	    BCON_INT32(2), "}", "]")));
	assert_true(odd(BCON_NEW("$a", BCON_INT32(1))));
	assert_true(odd(BCON_NEW("a", "[", "{", "$b", BCON_INT32(1), "}", "]")));
	assert_false(odd(BCON_NEW("a$", BCON_INT32(1), "", BCON_INT32(1))));
	for (i = 0; i < 5000; i++) {
		snprintf(name, sizeof(name), "f%u", i);
		BSON_APPEND_INT32(many, name, 1);
	}
	assert_true(odd(many));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(compares_without_the_place_of_id),
		cmocka_unit_test(takes_the_id),
		cmocka_unit_test(finds_zero_stamps),
		cmocka_unit_test(compares_but_for_stamps),
		cmocka_unit_test(finds_odd_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
