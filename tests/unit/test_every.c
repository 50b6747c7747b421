#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cancel.h"
#include "cli/every.h"
#include "cli/passphrase.h"

#define HOUR ((uint64_t)3600 * 1000)

static void
jitter_is_bounded_and_the_same(void **state)
{
	static const uint64_t periods[] = { 1, 9, 10, 1000, 60000, HOUR,
	    6 * HOUR, 24 * HOUR, 30 * 24 * HOUR };
	struct every a, b;
	uint64_t most, seen = 0;
	char name[32];
	size_t i, j;

	(void)state;
	for (i = 0; i < sizeof(periods) / sizeof(periods[0]); i++) {
		most = periods[i] / 10;
		if (most > EVERY_JITTER_MS)
			most = EVERY_JITTER_MS;
		for (j = 0; j < 50; j++) {
			snprintf(name, sizeof(name), "s3://bucket/%zu", j);
			every_init(&a, periods[i], name);
			every_init(&b, periods[i], name);
			assert_true(a.jitter_ms <= most);
			assert_true(a.jitter_ms == b.jitter_ms);
			if (periods[i] == 6 * HOUR && a.jitter_ms > seen)
				seen = a.jitter_ms;
		}
	}
	/* Of 50 places some are in the upper half. */
	assert_true(seen > EVERY_JITTER_MS / 2);
}

static void
the_jitter_comes_once(void **state)
{
	struct every e;
	uint64_t first, second;

	(void)state;
	every_init(&e, 6 * HOUR, "/backup");
	e.jitter_ms = HOUR / 4;
	every_begin(&e);
	first = every_left_ms(&e);
	every_begin(&e);
	second = every_left_ms(&e);
	assert_in_range(first, 6 * HOUR + HOUR / 4 - 60000,
	    6 * HOUR + HOUR / 4);
	assert_in_range(second, 6 * HOUR - 60000, 6 * HOUR);
}

/* A run that lasted longer than the period is followed at once. */
static void
what_is_overdue_is_due(void **state)
{
	struct every e;

	(void)state;
	every_init(&e, 1000, "x");
	every_begin(&e);
	assert_true(e.started_ns > 0);
	e.started_ns -= e.started_ns < 2000000000 ? 0 : 2000000000;
	assert_int_equal(every_left_ms(&e), 0);
	assert_true(every_wait(&e));
}

static void
a_stop_ends_the_wait(void **state)
{
	struct every e;

	(void)state;
	every_init(&e, HOUR, "x");
	every_begin(&e);
	cancel_request();
	assert_false(every_wait(&e));
	cancel_reset();
}

static void
passphrases_leave_the_environment(void **state)
{
	struct passphrase p;
	char out[16], small[4];
	char *there;

	(void)state;
	assert_int_equal(setenv(PASSPHRASE_VARIABLE, "hush hush", 1), 0);
	there = getenv(PASSPHRASE_VARIABLE);
	passphrase_init(&p);
	assert_null(getenv(PASSPHRASE_VARIABLE));
	assert_int_equal(there[0], '\0');
	assert_true(passphrase_get(&p, "key.txt", out, sizeof(out)));
	assert_string_equal(out, "hush hush");
	/* One that does not fit is none, not a part of it. */
	memset(small, 'x', sizeof(small));
	assert_false(passphrase_get(&p, "key.txt", small, sizeof(small)));
	assert_memory_equal(small, "\0\0\0\0", 4);
	passphrase_free(&p);
	assert_null(p.text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(jitter_is_bounded_and_the_same),
		cmocka_unit_test(the_jitter_comes_once),
		cmocka_unit_test(what_is_overdue_is_due),
		cmocka_unit_test(a_stop_ends_the_wait),
		cmocka_unit_test(passphrases_leave_the_environment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
