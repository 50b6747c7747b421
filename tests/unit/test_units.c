#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "cli/units.h"

#define BAD UINT64_C(0xBADBADBADBADBAD)	/* "it must be refused" */

struct unit_case {
	const char *text;
	uint64_t want;
};

typedef bool reader_fn(const char *text, uint64_t *n, struct err *err);

static void
check(reader_fn *read, const struct unit_case *cases, size_t n)
{
	struct err err;
	uint64_t got;
	size_t i;
	bool ok;

	for (i = 0; i < n; i++) {
		err_clear(&err);
		got = BAD;
		ok = read(cases[i].text, &got, &err);
		if (ok != (cases[i].want != BAD) || got != cases[i].want)
			fail_msg("'%s': %d, %" PRIu64, cases[i].text, ok, got);
		if (!ok && (err.kind != ERR_USAGE || err.message[0] == '\0'))
			fail_msg("'%s': no message", cases[i].text);
	}
}

#define CHECK(read, cases) \
	check((read), (cases), sizeof(cases) / sizeof((cases)[0]))

static void
sizes(void **state)
{
	static const struct unit_case cases[] = {
		{ "0", 0 }, { "1", 1 }, { "4096", 4096 }, { "4096B", 4096 },
		{ "10k", 10240 }, { "10K", 10240 }, { "10kB", 10000 },
		{ "10KB", 10000 }, { "10KiB", 10240 }, { "64MiB", 67108864 },
		{ "64mib", 67108864 }, { "64 MiB", 67108864 },
		{ "1.5GB", 1500000000 }, { "0.1GB", 100000000 },
		{ "1.5k", 1536 }, { "1g", 1073741824 }, { "2TB", 2000000000000 },
		{ "2t", 2199023255552 }, { "1.0000000001k", 1024 },
		{ "18446744073709551615", UINT64_MAX },
		{ "16777215t", UINT64_C(16777215) << 40 },
		{ "16777216t", BAD },	/* 2^64 */
		{ "18446744073709551616", BAD },
		{ "99999999999999999999999", BAD },
		{ "", BAD }, { "MiB", BAD }, { "-1", BAD }, { "+1", BAD },
		{ " 1", BAD }, { "1 ", 1 }, { "1..5k", BAD }, { "1.", BAD },
		{ ".5k", BAD }, { "1e9", BAD }, { "0x10", BAD }, { "10Mi", BAD },
		{ "10MiB/s", BAD }, { "10q", BAD }, { "10kk", BAD },
		{ "1,000", BAD }, { "10 M iB", BAD },
	};

	(void)state;
	CHECK(units_size, cases);
}

static void
rates(void **state)
{
	static const struct unit_case cases[] = {
		{ "0", 0 }, { "1000", 1000 }, { "10MiB/s", 10485760 },
		{ "10MiB", 10485760 }, { "1.5MB/s", 1500000 },
		{ "80mbit", 10000000 }, { "80Mbit/s", 10000000 },
		{ "1gbit", 125000000 }, { "8kbit", 1000 }, { "0.5mbit", 62500 },
		{ "10m/s", 10485760 },
		{ "10/s", 10 }, { "80bit", BAD }, { "10MiB/m", BAD },
		{ "/s", BAD }, { "", BAD }, { "fast", BAD },
		{ "999999999999gbit", BAD },
	};

	(void)state;
	CHECK(units_rate, cases);
}

static void
durations(void **state)
{
	static const struct unit_case cases[] = {
		{ "0", 0 }, { "90s", 90000 }, { "10m", 600000 },
		{ "2h", 7200000 }, { "1d", 86400000 }, { "500ms", 500 },
		{ "1h30m", 5400000 }, { "1.5h", 5400000 }, { "5min", 300000 },
		{ "1m1s1ms", 61001 }, { "10M", 600000 },
		{ "10", BAD }, { "", BAD }, { "m", BAD }, { "1h30", BAD },
		{ "1y", BAD }, { "1h 30m", BAD }, { "-5m", BAD },
		{ "213503982334d", UINT64_C(213503982334) * 86400000 },
		{ "213503982335d", BAD }, { "213503982334d1d", BAD },
	};

	(void)state;
	CHECK(units_duration, cases);
}

static bool
from_one(const char *text, uint64_t *n, struct err *err)
{

	return units_count(text, 1, n, err);
}

static void
counts(void **state)
{
	static const struct unit_case cases[] = {
		{ "1", 1 }, { "20", 20 }, { "007", 7 },
		{ "18446744073709551615", UINT64_MAX },
		{ "0", BAD }, { "", BAD }, { "1.5", BAD }, { "1.0", BAD },
		{ "5k", BAD }, { "-3", BAD }, { "18446744073709551616", BAD },
	};

	(void)state;
	CHECK(from_one, cases);
}

static void
messages_show_the_text_and_the_way(void **state)
{
	struct err err;
	uint64_t n;

	(void)state;
	assert_false(units_size("12q", &n, &err));
	assert_non_null(strstr(err.message, "'12q'"));
	assert_non_null(strstr(err.hint, "64MiB"));
	assert_false(units_duration("10", &n, &err));
	assert_non_null(strstr(err.hint, "10m"));
	assert_false(units_size("99999999999999999999", &n, &err));
	assert_non_null(strstr(err.message, "too large"));
}

static void
printing(void **state)
{
	char out[UNITS_TEXT];

	(void)state;
	assert_string_equal(units_print_bytes(0, out), "0 B");
	assert_string_equal(units_print_bytes(1023, out), "1023 B");
	assert_string_equal(units_print_bytes(1024, out), "1.0 KiB");
	assert_string_equal(units_print_bytes(1536, out), "1.5 KiB");
	assert_string_equal(units_print_bytes(1048575, out), "1.0 MiB");
	assert_string_equal(units_print_bytes(1048576, out), "1.0 MiB");
	assert_string_equal(units_print_bytes(UINT64_C(5) << 30, out),
	    "5.0 GiB");
	assert_string_equal(units_print_bytes(UINT64_MAX, out),
	    "16777216.0 TiB");
	assert_string_equal(units_print_count(0, out), "0");
	assert_string_equal(units_print_count(999, out), "999");
	assert_string_equal(units_print_count(1000, out), "1,000");
	assert_string_equal(units_print_count(1234567, out), "1,234,567");
	assert_string_equal(units_print_count(UINT64_MAX, out),
	    "18,446,744,073,709,551,615");
	assert_string_equal(units_print_clock(0, out), "0:00");
	assert_string_equal(units_print_clock(61, out), "1:01");
	assert_string_equal(units_print_clock(3599, out), "59:59");
	assert_string_equal(units_print_clock(3723, out), "1:02:03");
	assert_string_equal(units_print_seconds(0.04, out), "0.0 s");
	assert_string_equal(units_print_seconds(2.46, out), "2.5 s");
	assert_string_equal(units_print_seconds(125.4, out), "2:05");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes),
		cmocka_unit_test(rates),
		cmocka_unit_test(durations),
		cmocka_unit_test(counts),
		cmocka_unit_test(messages_show_the_text_and_the_way),
		cmocka_unit_test(printing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
