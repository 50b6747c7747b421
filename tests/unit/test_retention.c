/*
 * Which snapshots a policy keeps, over simulated years.  Expected are local
 * times and reasons, written down by hand; tests/integration/test_retention.py
 * holds random times against another implementation.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/buf.h"
#include "repo/retention.h"

#define SECOND ((int64_t)1000000000)
#define HOUR (3600 * SECOND)
#define DAY (24 * HOUR)
#define YEAR (8766 * HOUR)

/* POSIX strings, so that no zone files are needed. */
#define PARIS "CET-1CEST,M3.5.0,M10.5.0/3"
#define NEW_YORK "EST5EDT,M3.2.0,M11.1.0"
#define LORD_HOWE "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0"
/* Back over midnight: the last hour of the day comes twice. */
#define OVER_MIDNIGHT "<-03>3<-02>,M10.3.0/0,M2.3.0/0"
/* A minute past midnight: Sunday begins, and then Saturday's last hour again. */
#define PAST_MIDNIGHT "NST3:30NDT,M4.1.0/0:01,M10.5.0/0:01"

/* "2024-02-29 06:00:00" in UTC. */
static int64_t
at(const char *text)
{
	struct tm tm = { .tm_isdst = 0 };

	assert_int_equal(sscanf(text, "%d-%d-%d %d:%d:%d", &tm.tm_year,
	    &tm.tm_mon, &tm.tm_mday, &tm.tm_hour, &tm.tm_min, &tm.tm_sec), 6);
	tm.tm_year -= 1900;
	tm.tm_mon--;
	return (int64_t)timegm(&tm) * SECOND;
}

static void
set_zone(const char *tz)
{

	assert_int_equal(setenv("TZ", tz, 1), 0);
}

/* Each that is kept as a line "2024-02-29 06:00 daily, weekly". */
static void
show(const int64_t *times, const unsigned *reasons, size_t n, struct buf *out)
{
	char when[32], why[RETENTION_TEXT_SIZE];
	struct tm tm;
	size_t i;
	time_t t;

	for (i = 0; i < n; i++) {
		if (reasons[i] == 0)
			continue;
		t = (time_t)(times[i] / SECOND);
		assert_non_null(localtime_r(&t, &tm));
		assert_true(strftime(when, sizeof(when), "%F %R", &tm) > 0);
		retention_text(reasons[i], why);
		assert_true(buf_printf(out, "%s %s\n", when, why));
	}
}

/* A series: from first on, one every step, while before end. */
struct series {
	const char *tz;
	const char *first, *end;
	int64_t step;
	struct retention_policy policy;
	const char *kept;
};

static void
check(const struct series *s)
{
	int64_t t, *times;
	unsigned *reasons;
	size_t n = 0, i, lines = 0, kept;
	struct buf out;

	set_zone(s->tz);
	for (t = at(s->first); t < at(s->end); t += s->step)
		n++;
	times = calloc(n + 1, sizeof(*times));
	reasons = calloc(n + 1, sizeof(*reasons));
	assert_true(times != NULL && reasons != NULL);
	for (i = 0; i < n; i++)
		times[i] = at(s->first) + (int64_t)i * s->step;
	buf_init(&out, 1 << 20);
	kept = retention_apply(&s->policy, times, n, reasons);
	show(times, reasons, n, &out);
	assert_string_equal(buf_str(&out), s->kept);
	for (i = 0; i < out.len; i++)
		lines += out.data[i] == '\n';
	assert_int_equal(lines, kept);
	buf_free(&out);
	free(times);
	free(reasons);
}

static void
of_years(void **state)
{
	static const struct series table[] = {
		/* Every 6 hours for five years. */
		{ "UTC0", "2019-01-01 00:00:00", "2024-01-01 00:00:00", 6 * HOUR,
		    { .daily = 3, .weekly = 3, .monthly = 3, .yearly = 3 },
		    "2021-12-31 18:00 yearly\n"
		    "2022-12-31 18:00 yearly\n"
		    "2023-10-31 18:00 monthly\n"
		    "2023-11-30 18:00 monthly\n"
		    "2023-12-17 18:00 weekly\n"
		    "2023-12-24 18:00 weekly\n"
		    "2023-12-29 18:00 daily\n"
		    "2023-12-30 18:00 daily\n"
		    "2023-12-31 18:00 daily, weekly, monthly, yearly\n" },
		/* Every hour for two years, into a 29 February. */
		{ "UTC0", "2022-03-01 00:30:00", "2024-03-01 00:00:00", HOUR,
		    { .last = 1, .hourly = 3, .daily = 2, .monthly = 2,
		    .yearly = 5 },
		    "2022-12-31 23:30 yearly\n"
		    "2023-12-31 23:30 yearly\n"
		    "2024-01-31 23:30 monthly\n"
		    "2024-02-28 23:30 daily\n"
		    "2024-02-29 21:30 hourly\n"
		    "2024-02-29 22:30 hourly\n"
		    "2024-02-29 23:30 last, hourly, daily, monthly, yearly\n" },
		/* One month in four; empty ones do not count. */
		{ "UTC0", "2015-01-15 12:00:00", "2020-01-01 00:00:00", 122 * DAY,
		    { .monthly = 4 },
		    "2018-09-18 12:00 monthly\n"
		    "2019-01-18 12:00 monthly\n"
		    "2019-05-20 12:00 monthly\n"
		    "2019-09-19 12:00 monthly\n" },
		/* 2000 was a leap year, 2100 is none. */
		{ "UTC0", "1999-12-01 12:00:00", "2000-03-02 00:00:00", DAY,
		    { .daily = 2, .monthly = 3 },
		    "2000-01-31 12:00 monthly\n"
		    "2000-02-29 12:00 daily, monthly\n"
		    "2000-03-01 12:00 daily, monthly\n" },
		{ "UTC0", "2100-01-01 12:00:00", "2100-03-03 00:00:00", DAY,
		    { .daily = 3, .monthly = 2 },
		    "2100-02-28 12:00 daily, monthly\n"
		    "2100-03-01 12:00 daily\n"
		    "2100-03-02 12:00 daily, monthly\n" },
		/* Within: by the newest, inclusive. */
		{ "UTC0", "2024-02-01 00:00:00", "2024-03-02 00:00:00", DAY,
		    { .within_ns = (uint64_t)(2 * DAY) },
		    "2024-02-28 00:00 within\n"
		    "2024-02-29 00:00 within\n"
		    "2024-03-01 00:00 within\n" },
		/* Before 1970. */
		{ "UTC0", "1969-12-25 12:00:00", "1970-01-03 00:00:00", DAY,
		    { .weekly = 2, .yearly = 2 },
		    "1969-12-28 12:00 weekly\n"
		    "1969-12-31 12:00 yearly\n"
		    "1970-01-02 12:00 weekly, yearly\n" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(table) / sizeof(*table); i++)
		check(&table[i]);
}

/* ISO 8601: the week of 1 January belongs to either year; 2020 and 2026 have 53. */
static void
weeks_at_the_ends_of_years(void **state)
{
	static const struct series table[] = {
		{ "UTC0", "2020-12-20 12:00:00", "2021-01-09 00:00:00", DAY,
		    { .weekly = 9 },
		    "2020-12-20 12:00 weekly\n"
		    "2020-12-27 12:00 weekly\n"
		    "2021-01-03 12:00 weekly\n"
		    "2021-01-08 12:00 weekly\n" },
		{ "UTC0", "2024-12-27 12:00:00", "2025-01-07 00:00:00", DAY,
		    { .weekly = 9 },
		    "2024-12-29 12:00 weekly\n"
		    "2025-01-05 12:00 weekly\n"
		    "2025-01-06 12:00 weekly\n" },
		{ "UTC0", "2026-12-24 12:00:00", "2027-01-05 00:00:00", DAY,
		    { .weekly = 2 },
		    "2027-01-03 12:00 weekly\n"
		    "2027-01-04 12:00 weekly\n" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(table) / sizeof(*table); i++)
		check(&table[i]);
}

static void
where_the_clock_is_changed(void **state)
{
	static const struct series table[] = {
		/* Spring: 02:00 is 03:00, the day has 23 hours. */
		{ PARIS, "2024-03-30 22:30:00", "2024-03-31 03:00:00", HOUR / 2,
		    { .hourly = 4, .daily = 2 },
		    "2024-03-30 23:30 daily\n"
		    "2024-03-31 00:30 hourly\n"
		    "2024-03-31 01:30 hourly\n"
		    "2024-03-31 03:30 hourly\n"
		    "2024-03-31 04:30 hourly, daily\n" },
		/* Autumn: 03:00 is 02:00, that hour is two. */
		{ PARIS, "2024-10-26 22:30:00", "2024-10-27 02:30:00", HOUR / 2,
		    { .hourly = 4, .daily = 2 },
		    "2024-10-27 01:30 hourly\n"
		    "2024-10-27 02:30 hourly\n"
		    "2024-10-27 02:30 hourly\n"
		    "2024-10-27 03:00 hourly, daily\n" },
		{ NEW_YORK, "2024-11-03 03:30:00", "2024-11-03 08:00:00", HOUR,
		    { .hourly = 9, .daily = 9 },
		    "2024-11-02 23:30 hourly, daily\n"
		    "2024-11-03 00:30 hourly\n"
		    "2024-11-03 01:30 hourly\n"
		    "2024-11-03 01:30 hourly\n"
		    "2024-11-03 02:30 hourly, daily\n" },
		{ NEW_YORK, "2024-03-09 12:00:00", "2024-03-13 00:00:00", 12 * HOUR,
		    { .daily = 9 },
		    "2024-03-09 19:00 daily\n"
		    "2024-03-10 20:00 daily\n"
		    "2024-03-11 20:00 daily\n"
		    "2024-03-12 08:00 daily\n" },
		{ LORD_HOWE, "2024-04-06 13:15:00", "2024-04-06 16:45:00", HOUR / 2,
		    { .hourly = 9 },
		    "2024-04-07 00:45 hourly\n"
		    "2024-04-07 01:45 hourly\n"
		    "2024-04-07 01:45 hourly\n"
		    "2024-04-07 02:45 hourly\n" },
		{ LORD_HOWE, "2024-10-05 14:15:00", "2024-10-05 17:00:00", HOUR / 2,
		    { .hourly = 9 },
		    "2024-10-06 00:45 hourly\n"
		    "2024-10-06 01:45 hourly\n"
		    "2024-10-06 02:45 hourly\n"
		    "2024-10-06 03:45 hourly\n" },
		{ OVER_MIDNIGHT, "2019-02-16 23:30:00", "2019-02-17 05:00:00", HOUR,
		    { .hourly = 4, .daily = 9 },
		    "2019-02-16 23:30 hourly\n"
		    "2019-02-16 23:30 hourly, daily\n"
		    "2019-02-17 00:30 hourly\n"
		    "2019-02-17 01:30 hourly, daily\n" },
		{ PAST_MIDNIGHT, "2006-10-28 23:30:30", "2006-10-29 05:00:00", HOUR / 2,
		    { .daily = 9, .weekly = 9 },
		    "2006-10-28 23:30 daily\n"
		    "2006-10-29 01:00 daily, weekly\n" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(table) / sizeof(*table); i++)
		check(&table[i]);
}

static void
apply(const struct retention_policy *p, const int64_t *times, size_t n,
    const unsigned *expected)
{
	unsigned reasons[16];
	size_t i;

	assert_true(n <= 16);
	retention_apply(p, times, n, reasons);
	for (i = 0; i < n; i++)
		assert_int_equal(reasons[i], expected[i]);
}

static void
odd_lists(void **state)
{
	static const struct retention_policy all = { 1, 1, 1, 1, 1, 1, 1 };
	static const struct retention_policy none = { .last = 0 };
	static const struct retention_policy two = { .last = 2, .daily = 2 };
	static const struct retention_policy ever = { .within_ns = UINT64_MAX };
	static const int64_t same[] = { 5 * DAY, 5 * DAY, 5 * DAY };
	static const int64_t far[] = { INT64_MIN, -1, 0, INT64_MAX };
	static const unsigned nothing[4] = { 0, 0, 0, 0 };
	static const unsigned newest[] = { 0, 0, RETENTION_LAST |
	    RETENTION_HOURLY | RETENTION_DAILY | RETENTION_WEEKLY |
	    RETENTION_MONTHLY | RETENTION_YEARLY | RETENTION_WITHIN };
	static const unsigned both[] = { 0, RETENTION_LAST,
	    RETENTION_LAST | RETENTION_DAILY };
	static const unsigned within[] = { RETENTION_WITHIN, RETENTION_WITHIN,
	    RETENTION_WITHIN, RETENTION_WITHIN };
	static const struct retention_policy many = { UINT32_MAX, UINT32_MAX,
	    UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX, 0 };
	unsigned one = 0;

	(void)state;
	set_zone("UTC0");
	assert_int_equal(retention_apply(&all, NULL, 0, NULL), 0);
	assert_true(retention_is_empty(&none));
	assert_false(retention_is_empty(&two));
	assert_false(retention_is_empty(&ever));
	apply(&none, same, 3, nothing);
	apply(&two, same, 3, both);
	/* Equal instants are all within any time of the newest. */
	assert_int_equal(retention_apply(&all, same, 1, &one), 1);
	assert_int_equal(one, newest[2]);
	apply(&ever, far, 4, within);
	assert_int_equal(retention_apply(&many, far, 4, (unsigned[4]){ 0 }), 4);
}

static void
in_words(void **state)
{
	char text[RETENTION_TEXT_SIZE];

	(void)state;
	retention_text(0, text);
	assert_string_equal(text, "");
	retention_text(RETENTION_LAST | RETENTION_DAILY, text);
	assert_string_equal(text, "last, daily");
	retention_text((RETENTION_WITHIN << 1) - 1, text);
	assert_string_equal(text,
	    "last, hourly, daily, weekly, monthly, yearly, within");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(of_years),
		cmocka_unit_test(weeks_at_the_ends_of_years),
		cmocka_unit_test(where_the_clock_is_changed),
		cmocka_unit_test(odd_lists),
		cmocka_unit_test(in_words),
	};

	return cmocka_run_group_tests_name("retention", tests, NULL, NULL);
}
