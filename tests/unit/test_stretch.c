#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "flow/stretch.h"

#define MIB ((size_t)1024 * 1024)
#define MS 1000000ULL

/* Writes n batches to a server that takes fixed_ms for an operation and
 * per_mib_ms for a MiB; the multiple at the end. */
static unsigned
write_batches(struct stretch *s, unsigned n, uint64_t fixed_ms,
    uint64_t per_mib_ms)
{
	unsigned now;

	while (n-- > 0) {
		now = stretch_now(s);
		stretch_tell(s, now * MIB,
		    (fixed_ms + now * per_mib_ms) * MS);
	}
	return stretch_now(s);
}

static void
test_quick_operations_stay_as_they_are(void **state)
{
	struct stretch *s = stretch_new(8);

	(void)state;
	assert_int_equal(stretch_now(s), 1);
	assert_int_equal(write_batches(s, 500, 2, 30), 1);
	stretch_free(s);
}

static void
test_a_wait_for_each_operation_makes_them_larger(void **state)
{
	struct stretch *s = stretch_new(8);

	(void)state;
	assert_int_equal(write_batches(s, 50, 1000, 20), 8);
	assert_int_equal(write_batches(s, 500, 1000, 20), 8);
	stretch_free(s);
}

static void
test_never_more_than_allowed(void **state)
{
	struct stretch *s = stretch_new(3);

	(void)state;
	assert_int_equal(write_batches(s, 500, 1000, 20), 2);
	stretch_free(s);
	s = stretch_new(1);
	assert_int_equal(write_batches(s, 500, 1000, 20), 1);
	stretch_free(s);
}

/* A narrow line: what is twice as large takes twice as long. */
static void
test_no_gain_is_taken_back(void **state)
{
	struct stretch *s = stretch_new(8);
	unsigned i, large = 0;

	(void)state;
	for (i = 0; i < 500; i++)
		large += write_batches(s, 1, 0, 1000) > 1;
	assert_int_equal(stretch_now(s), 1);
	assert_in_range(large, 1, 50);
	stretch_free(s);
}

/* Waits that begin in the middle are noticed as well. */
static void
test_later_waits(void **state)
{
	struct stretch *s = stretch_new(4);

	(void)state;
	assert_int_equal(write_batches(s, 100, 2, 30), 1);
	assert_int_equal(write_batches(s, 100, 1000, 30), 4);
	stretch_free(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_quick_operations_stay_as_they_are),
		cmocka_unit_test(test_a_wait_for_each_operation_makes_them_larger),
		cmocka_unit_test(test_never_more_than_allowed),
		cmocka_unit_test(test_no_gain_is_taken_back),
		cmocka_unit_test(test_later_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
