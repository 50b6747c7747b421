#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"

static void
grows_up_to_max(void **state)
{
	struct buf b;
	uint8_t byte = 7;
	size_t i;

	(void)state;
	buf_init(&b, 1000);
	assert_null(b.data);
	for (i = 0; i < 1000; i++)
		assert_true(buf_append(&b, &byte, 1));
	assert_int_equal(b.len, 1000);
	assert_true(b.cap <= 1000);
	assert_false(buf_append(&b, &byte, 1));
	assert_false(buf_append_byte(&b, 1));
	assert_false(buf_append_str(&b, "x"));
	assert_false(buf_printf(&b, "x"));
	assert_false(buf_reserve(&b, 1));
	assert_false(buf_reserve(&b, SIZE_MAX));
	assert_null(buf_str(&b));
	assert_int_equal(b.len, 1000);
	assert_true(buf_append(&b, NULL, 0));
	buf_reset(&b);
	assert_int_equal(b.len, 0);
	assert_true(b.cap > 0);
	assert_true(buf_append_str(&b, "again"));
	buf_free(&b);
	assert_null(b.data);
	assert_true(buf_append_str(&b, "after free"));
	buf_free_secret(&b);
	assert_int_equal(b.cap, 0);
	buf_free_secret(&b);
}

/* A small max, and one that is no power of two. */
static void
keeps_odd_limits(void **state)
{
	static const size_t limits[] = { 1, 3, 255, 256, 257, 777 };
	struct buf b;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		buf_init(&b, limits[i]);
		assert_true(buf_reserve(&b, limits[i]));
		assert_true(b.cap >= limits[i] && b.cap <= limits[i]);
		assert_false(buf_reserve(&b, limits[i] + 1));
		buf_free(&b);
	}
}

static void
texts(void **state)
{
	struct buf b;
	uint8_t *data;
	size_t len;

	(void)state;
	buf_init(&b, 100);
	assert_string_equal(buf_str(&b), "");
	assert_true(buf_append_str(&b, "a"));
	assert_true(buf_printf(&b, "%d-%s", 12, "b"));
	assert_string_equal(buf_str(&b), "a12-b");
	assert_int_equal(b.len, 5);
	/* What does not fit leaves what was there. */
	assert_false(buf_printf(&b, "%0100d", 1));
	assert_string_equal(buf_str(&b), "a12-b");
	data = buf_steal(&b, &len);
	assert_int_equal(len, 5);
	assert_memory_equal(data, "a12-b", 5);
	free(data);
	assert_null(b.data);
	assert_int_equal(b.max, 100);
	buf_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(grows_up_to_max),
		cmocka_unit_test(keeps_odd_limits),
		cmocka_unit_test(texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
