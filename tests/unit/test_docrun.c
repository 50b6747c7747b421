#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bson/docrun.h"

#define SEED UINT64_C(0x5eed)
#define HASH_INT UINT64_C(0x5b14ae066f82cd8f)
#define HASH_NONE UINT64_C(0x2f0f217779e8f936)
#define HASH_TEXT UINT64_C(0x42d44703f7cde902)

/* {_id: n (int32), b: binary of size bytes}; returns the length. */
static size_t
make(uint8_t *doc, int32_t id, size_t size)
{
	size_t len = 4 + 9 + 8 + size + 1;
	uint32_t n = (uint32_t)len, body = (uint32_t)size;

	memset(doc, 0, len);
	memcpy(doc, &n, 4);
	doc[4] = 0x10;
	memcpy(doc + 5, "_id", 4);
	memcpy(doc + 9, &id, 4);
	doc[13] = 0x05;
	memcpy(doc + 14, "b", 2);
	memcpy(doc + 16, &body, 4);
	return len;
}

/* Where runs begin, of documents first to end - 1 of this size (no document
 * without): a bit for each. */
static void
cut(int first, int end, int without, size_t size, uint8_t *begins)
{
	uint8_t *doc = malloc(size + 64);
	struct docrun r = { .seed = SEED };
	size_t run = 0, len;
	bool cuts;
	int i;

	for (i = first; i < end; i++) {
		begins[i] = 0;
		if (i == without)
			continue;
		len = make(doc, i, size);
		cuts = docrun_cuts(&r, doc, len);
		begins[i] = cuts;
		if (cuts && run < DOCRUN_MIN && len <= DOCRUN_MAX)
			fail_msg("a run of %zu bytes", run);
		run = cuts ? len : run + len;
		if (run > DOCRUN_MAX && run != len)
			fail_msg("a run of %zu bytes", run);
	}
	free(doc);
}

static void
test_average(void **state)
{
	static const size_t sizes[] = { 10, 300, 5000, 90000, 400000 };
	enum { BYTES = 400 << 20 };
	size_t i;
	int j;

	(void)state;
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		int n = (int)(BYTES / (sizes[i] + 22)), runs = 1;
		uint8_t *begins = calloc((size_t)n, 1);

		if (n > 200000)
			n = 200000;
		cut(0, n, -1, sizes[i], begins);
		for (j = 0; j < n; j++)
			runs += begins[j];
		/* About 1 MiB, whatever the size of documents. */
		double average = (double)n * (double)(sizes[i] + 22) / runs;
		if (average < 700e3 || average > 1400e3)
			fail_msg("documents of %zu: %.0f on average", sizes[i],
			    average);
		free(begins);
	}
}

/* What is removed, or where reading began, matters to the runs beside it only. */
static void
test_stays(void **state)
{
	enum { N = 60000, AT = 30000 };
	uint8_t *all = calloc(N, 1), *other = calloc(N, 1);
	int i, differ = 0;

	(void)state;
	cut(0, N, -1, 1000, all);
	cut(0, N, AT, 1000, other);
	for (i = 0; i < N; i++) {
		if (all[i] != other[i] && (i < AT || i > AT + 10000))
			fail_msg("document %d", i);
	}
	cut(AT, N, -1, 1000, other);
	for (i = AT + 10000; i < N; i++)
		differ += all[i] != other[i];
	assert_int_equal(differ, 0);
	free(all);
	free(other);
}

static void
test_large_alone(void **state)
{
	enum { LARGE = 3 << 20 };
	uint8_t *doc = malloc(LARGE + 64);
	struct docrun r = { .seed = SEED };
	size_t small = make(doc, 1, 100);

	(void)state;
	assert_false(docrun_cuts(&r, doc, small));
	assert_true(docrun_cuts(&r, doc, make(doc, 2, LARGE)));
	assert_true(docrun_cuts(&r, doc, make(doc, 3, LARGE)));
	assert_true(docrun_cuts(&r, doc, make(doc, 4, 100)));
	assert_false(docrun_cuts(&r, doc, make(doc, 5, 100)));
	free(doc);
}

/* Expected values by the Python package xxhash: xxh3_64_intdigest(type byte +
 * value, seed), and of the whole document where there is no _id. */
static void
test_hash(void **state)
{
	static const uint8_t none[12] = "\x0c\0\0\0\x10" "a\0\1\0\0\0";
	uint8_t doc[600], text[600];
	size_t len = make(doc, 258, 7);

	(void)state;
	assert_true(docrun_hash(SEED, doc, len) == HASH_INT);
	assert_true(docrun_hash(SEED, none, sizeof(none)) == HASH_NONE);
	/* A string of 300 characters: hashed in two pieces. */
	memset(text, 'x', sizeof(text));
	memcpy(text, "\x3a\x01\0\0\x02_id\0\x2c\x01\0\0", 13);
	text[312] = text[313] = 0;
	len = 314;
	assert_true(docrun_hash(SEED, text, len) == HASH_TEXT);
	assert_true(docrun_hash(SEED + 1, doc, 28) !=
	    docrun_hash(SEED, doc, 28));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_average),
		cmocka_unit_test(test_stays),
		cmocka_unit_test(test_large_alone),
		cmocka_unit_test(test_hash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
