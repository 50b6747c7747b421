#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/hash.h"
#include "codec/chunker.h"

#define MIB ((size_t)1024 * 1024)
#define TOTAL (50 * MIB)
#define CUTS_MAX 128

static const uint8_t key[32] = { 1, 2, 3 };

/* splitmix64: the same bytes everywhere. */
static void
fill(uint8_t *data, size_t len, uint64_t seed)
{
	size_t i;

	for (i = 0; i < len; i++) {
		uint64_t z = seed + (i + 1) * 0x9e3779b97f4a7c15;

		z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
		z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
		data[i] = (uint8_t)((z ^ (z >> 31)) & 255);
	}
}

static uint8_t *
random_data(size_t len, uint64_t seed)
{
	uint8_t *data = malloc(len);

	assert_non_null(data);
	fill(data, len, seed);
	return data;
}

/* Cuts all of data; ends[i] is where chunk i ends. */
static size_t
cut(const struct chunker *c, const uint8_t *data, size_t len, size_t *ends)
{
	size_t at = 0, n = 0;

	while (at < len) {
		size_t size = chunker_next(c, data + at, len - at, true);

		assert_true(size > 0 && size <= len - at);
		assert_true(n < CUTS_MAX);
		ends[n++] = at += size;
	}
	return n;
}

static void
sizes_are_within_bounds_and_spread(void **state)
{
	uint8_t *data = random_data(TOTAL, 1);
	size_t ends[CUTS_MAX], n, i, before = 0, longest = 0, early = 0;
	struct chunker c;

	(void)state;
	assert_true(chunker_init(&c, key, sizeof(key)));
	n = cut(&c, data, TOTAL, ends);
	for (i = 0; i < n; i++) {
		size_t size = ends[i] - before;

		before = ends[i];
		assert_true(size <= CHUNKER_MAX);
		assert_true(i == n - 1 || size >= CHUNKER_MIN);
		longest += size == CHUNKER_MAX;
		early += size < CHUNKER_AVERAGE;
	}
	/* About 1.2 MiB each: an eighth below the average, a fiftieth cut for
	 * their length alone. */
	assert_in_range(n, 36, 50);
	assert_in_range(early, 1, n / 3);
	assert_in_range(longest, 0, n / 8);
	free(data);
}

static void
the_end_of_a_file(void **state)
{
	uint8_t *data = calloc(1, CHUNKER_MAX + 1);
	struct chunker c;

	(void)state;
	assert_non_null(data);
	assert_true(chunker_init(&c, key, sizeof(key)));
	assert_int_equal(chunker_next(&c, data, 0, true), 0);
	assert_int_equal(chunker_next(&c, data, 1, true), 1);
	assert_int_equal(chunker_next(&c, data, 1, false), 0);
	assert_int_equal(chunker_next(&c, data, CHUNKER_MIN, true),
	    CHUNKER_MIN);
	assert_int_equal(chunker_next(&c, data, CHUNKER_MIN, false), 0);
	/* Zeros are never cut but for their length. */
	assert_int_equal(chunker_next(&c, data, CHUNKER_MAX - 1, true),
	    CHUNKER_MAX - 1);
	assert_int_equal(chunker_next(&c, data, CHUNKER_MAX - 1, false), 0);
	assert_int_equal(chunker_next(&c, data, CHUNKER_MAX, false),
	    CHUNKER_MAX);
	assert_int_equal(chunker_next(&c, data, CHUNKER_MAX + 1, true),
	    CHUNKER_MAX);
	free(data);
}

/* However much is there at a time, the first chunk is the same one. */
static void
feeding_does_not_matter(void **state)
{
	static const size_t steps[] = { 1000, 65536, 300001, 1048576 };
	uint8_t *data = random_data(8 * MIB, 2);
	struct chunker c;
	size_t i, at = 0;

	(void)state;
	assert_true(chunker_init(&c, key, sizeof(key)));
	while (8 * MIB - at > CHUNKER_MAX) {
		size_t whole = chunker_next(&c, data + at, 8 * MIB - at, true);

		for (i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
			size_t len = steps[i] < 60000 ? whole - 1 : steps[i];
			size_t got;

			while ((got = chunker_next(&c, data + at, len,
			    false)) == 0)
				len += steps[i];
			assert_int_equal(got, whole);
		}
		assert_int_equal(chunker_next(&c, data + at, whole - 1, false),
		    0);
		at += whole;
	}
	free(data);
}

/* A set of the digests of all chunks. */
static size_t
digests_of(const struct chunker *c, const uint8_t *data, size_t len,
    uint8_t (*out)[HASH_SHA256_SIZE])
{
	size_t ends[CUTS_MAX], n = cut(c, data, len, ends), i, before = 0;

	for (i = 0; i < n; i++) {
		assert_true(hash_sha256(data + before, ends[i] - before,
		    out[i]));
		before = ends[i];
	}
	return n;
}

static size_t
count_new(uint8_t (*old)[HASH_SHA256_SIZE], size_t n_old,
    uint8_t (*now)[HASH_SHA256_SIZE], size_t n_now)
{
	size_t i, j, n = 0;

	for (i = 0; i < n_now; i++) {
		for (j = 0; j < n_old; j++) {
			if (memcmp(old[j], now[i], HASH_SHA256_SIZE) == 0)
				break;
		}
		n += j == n_old;
	}
	return n;
}

static void
an_insertion_changes_few_chunks(void **state)
{
	static uint8_t old[CUTS_MAX][HASH_SHA256_SIZE];
	static uint8_t now[CUTS_MAX][HASH_SHA256_SIZE];
	static const size_t places[] = { 0, 1, 25 * MIB + 12345, TOTAL };
	uint8_t *data = random_data(TOTAL, 3), *changed = malloc(TOTAL + 1);
	struct chunker c;
	size_t i, n_old, n_now;

	(void)state;
	assert_non_null(changed);
	assert_true(chunker_init(&c, key, sizeof(key)));
	n_old = digests_of(&c, data, TOTAL, old);
	for (i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		memcpy(changed, data, places[i]);
		changed[places[i]] = 'x';
		memcpy(changed + places[i] + 1, data + places[i],
		    TOTAL - places[i]);
		n_now = digests_of(&c, changed, TOTAL + 1, now);
		assert_in_range(count_new(old, n_old, now, n_now), 1, 4);
	}
	free(data);
	free(changed);
}

static void
another_key_cuts_elsewhere(void **state)
{
	static const uint8_t other[32] = { 1, 2, 4 };
	uint8_t *data = random_data(20 * MIB, 4);
	size_t a[CUTS_MAX], b[CUTS_MAX], n_a, n_b, i, j, same = 0;
	struct chunker c, d, again;

	(void)state;
	assert_true(chunker_init(&c, key, sizeof(key)));
	assert_true(chunker_init(&again, key, sizeof(key)));
	assert_true(chunker_init(&d, other, sizeof(other)));
	assert_memory_equal(&c, &again, sizeof(c));
	n_a = cut(&c, data, 20 * MIB, a);
	n_b = cut(&d, data, 20 * MIB, b);
	for (i = 0; i < n_a; i++) {
		for (j = 0; j < n_b; j++)
			same += a[i] == b[j];
	}
	assert_int_equal(same, 1);	/* the end */
	free(data);
}

/* From a program of its own, written after docs/FORMAT.md. */
static void
known_cuts(void **state)
{
	static const size_t expected[] = { 1350098, 2555475, 3258973,
		4381893, 5677448, 6920843, 8200554, 8388608 };
	uint8_t *data = random_data(8 * MIB, 5);
	size_t ends[CUTS_MAX], n, i;
	struct chunker c;

	(void)state;
	assert_true(chunker_init(&c, key, sizeof(key)));
	assert_true(c.gear[0] == 0x1318c88880fad273);
	assert_true(c.gear[255] == 0xa624e3201c1a6a74);
	n = cut(&c, data, 8 * MIB, ends);
	assert_int_equal(n, sizeof(expected) / sizeof(expected[0]));
	for (i = 0; i < n; i++)
		assert_int_equal(ends[i], expected[i]);
	free(data);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes_are_within_bounds_and_spread),
		cmocka_unit_test(the_end_of_a_file),
		cmocka_unit_test(feeding_does_not_matter),
		cmocka_unit_test(an_insertion_changes_few_chunks),
		cmocka_unit_test(another_key_cuts_elsewhere),
		cmocka_unit_test(known_cuts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
