/* The set of names that prune holds what is there against. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "backup/prune_names.h"
#include "base/hash.h"

#define N 20000

static void
name_of(uint32_t n, uint8_t out[REPO_NAME_SIZE])
{

	assert_true(hash_sha256(&n, sizeof(n), out));
}

static void
holds_what_was_added(void **state)
{
	struct prune_names s = { .n = 0 };
	uint8_t name[REPO_NAME_SIZE];
	uint32_t i;

	(void)state;
	name_of(0, name);
	assert_false(prune_names_has(&s, name));
	for (i = 0; i < 3 * N; i++) {		/* each three times */
		name_of(i % N, name);
		assert_true(prune_names_add(&s, name));
	}
	assert_int_equal(s.n, N);
	for (i = 0; i < 2 * N; i++) {
		name_of(i, name);
		assert_int_equal(prune_names_has(&s, name), i < N);
	}
	prune_names_free(&s);
	assert_false(prune_names_has(&s, name));
}

/* Names that differ only where the hash is not taken from. */
static void
that_fall_on_one_slot(void **state)
{
	struct prune_names s = { .n = 0 };
	uint8_t name[REPO_NAME_SIZE] = { 0xff, 0xff, 0xff, 0xff };
	uint32_t i;

	(void)state;
	for (i = 0; i < 3000; i++) {
		memcpy(name + REPO_NAME_SIZE - sizeof(i), &i, sizeof(i));
		assert_false(prune_names_has(&s, name));
		assert_true(prune_names_add(&s, name));
		assert_true(prune_names_has(&s, name));
	}
	assert_int_equal(s.n, 3000);
	prune_names_free(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(holds_what_was_added),
		cmocka_unit_test(that_fall_on_one_slot),
	};

	return cmocka_run_group_tests_name("prune_names", tests, NULL, NULL);
}
