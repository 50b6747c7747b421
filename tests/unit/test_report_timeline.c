#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/report_chart.h"
#include "cli/report_timeline.h"

static struct spaceferry_progress
copied(const char *name, uint64_t items)
{

	return (struct spaceferry_progress){ .phase = "copy", .name = name,
	    .items = items, .bytes = 100 * items };
}

static const struct report_timeline_point *
last(const struct report_timeline *t)
{

	return &t->points[t->n - 1];
}

/* What each thing did is summed, also when it is no longer told. */
static void
things_are_summed(void **state)
{
	struct report_timeline *t = calloc(1, sizeof(*t));
	struct spaceferry_progress v[3];

	(void)state;
	assert_non_null(t);
	report_timeline_init(t);
	v[0] = copied("a.b", 10);
	v[1] = copied("a.c", 5);
	v[2] = (struct spaceferry_progress){ .phase = "verify", .name = "a.b",
	    .items = 3, .bytes = 7 };
	report_timeline_note(t, 0.5, v, 2);
	v[1].items = 20;
	report_timeline_note(t, 1.0, v + 1, 2);
	/* A stream that starts over takes nothing back. */
	v[1] = copied("a.c", 2);
	report_timeline_note(t, 1.5, v + 1, 1);
	assert_int_equal(t->n, 4);
	assert_int_equal(last(t)->items[REPORT_TIMELINE_COPY], 30);
	assert_int_equal(last(t)->items[REPORT_TIMELINE_VERIFY], 3);
	assert_int_equal(last(t)->bytes[REPORT_TIMELINE_VERIFY], 7);
	assert_int_equal(t->points[1].items[REPORT_TIMELINE_COPY], 15);
	assert_false(last(t)->waiting);
	v[0] = (struct spaceferry_progress){ .phase = "waiting",
	    .name = "the target", .items = 4 };
	report_timeline_note(t, 2.0, v, 1);
	assert_true(last(t)->waiting);
	assert_int_equal(last(t)->items[REPORT_TIMELINE_COPY], 30);
	report_timeline_free(t);
	free(t);
}

/* However long it takes: bounded, in order, from 0 to the end, nothing lost. */
static void
points_are_thinned_out(void **state)
{
	struct report_timeline *t = calloc(1, sizeof(*t));
	struct spaceferry_progress v, waiting = { .phase = "waiting",
	    .name = "x" };
	uint64_t i, notes = 20000;
	size_t j, n_waits = 0;
	double widest = 0;

	(void)state;
	assert_non_null(t);
	report_timeline_init(t);
	for (i = 1; i <= notes; i++) {
		v = copied("a.b", i);
		report_timeline_note(t, (double)i / 2, &v, 1);
		if (i == 5000)
			report_timeline_note(t, (double)i / 2, &waiting, 1);
		assert_true(t->n <= REPORT_TIMELINE_POINTS);
	}
	assert_true(t->n > REPORT_TIMELINE_POINTS / 4);
	assert_true(t->points[0].seconds == 0);
	assert_true(last(t)->seconds == (double)notes / 2);
	assert_int_equal(last(t)->items[REPORT_TIMELINE_COPY], notes);
	for (j = 1; j < t->n; j++) {
		double gap = t->points[j].seconds - t->points[j - 1].seconds;

		assert_true(gap > 0);
		assert_true(t->points[j].items[REPORT_TIMELINE_COPY] ==
		    (uint64_t)(t->points[j].seconds * 2 + 0.5));
		widest = gap > widest ? gap : widest;
		n_waits += t->points[j].waiting;
	}
	assert_int_equal(n_waits, 1);
	assert_true(widest < 8.0 * (double)notes / 2 /
	    REPORT_TIMELINE_POINTS);
	report_timeline_free(t);
	free(t);
}

static void
many_names_are_bounded(void **state)
{
	struct report_timeline *t = calloc(1, sizeof(*t));
	struct spaceferry_progress v;
	char name[32];
	uint64_t i;

	(void)state;
	assert_non_null(t);
	report_timeline_init(t);
	for (i = 0; i < 20000; i++) {
		snprintf(name, sizeof(name), "db.c%d", (int)i);
		v = copied(name, 1);
		report_timeline_note(t, 1, &v, 1);
	}
	assert_int_equal(last(t)->items[REPORT_TIMELINE_COPY], 16384);
	report_timeline_free(t);
	free(t);
}

static size_t
count(const char *text, const char *what)
{
	size_t n = 0;

	for (; (text = strstr(text, what)) != NULL; text += strlen(what))
		n++;
	return n;
}

/* The chart of a run of so many ticks; the caller frees it. */
static char *
chart_of(uint64_t ticks)
{
	struct report_timeline *t = calloc(1, sizeof(*t));
	struct spaceferry_progress v[2];
	struct report_html h;
	char *text;
	uint64_t i;

	assert_non_null(t);
	report_timeline_init(t);
	for (i = 1; i <= ticks; i++) {
		v[0] = copied("a.b", 1000 * i);
		v[1] = (struct spaceferry_progress){ .phase = "waiting",
		    .name = "x" };
		report_timeline_note(t, (double)i / 2, v, i == 2 ? 2 : 1);
	}
	report_html_init(&h, NULL);
	report_chart_speed(&h, t);
	text = strdup(buf_str(&h.pending) != NULL ? buf_str(&h.pending) : "");
	assert_non_null(text);
	report_html_free(&h);
	report_timeline_free(t);
	free(t);
	return text;
}

static void
charts(void **state)
{
	char *text;

	(void)state;
	text = chart_of(0);
	assert_string_equal(text, "");
	free(text);
	text = chart_of(1);
	assert_int_equal(count(text, "<svg"), 0);
	assert_non_null(strstr(text, "too short"));
	free(text);
	text = chart_of(10);
	assert_int_equal(count(text, "<svg"), 2);
	assert_int_equal(count(text, "class=\"wait\""), 2);
	/* 2000 documents of 100 bytes a second, all the time. */
	assert_int_equal(count(text, "at most 2,000/s"), 1);
	assert_int_equal(count(text, "at most 195.3 KiB/s"), 1);
	assert_int_equal(count(text, "nan") + count(text, "inf\""), 0);
	free(text);
	text = chart_of(100000);
	assert_int_equal(count(text, "<svg"), 2);
	assert_true(strlen(text) < 20000);
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(things_are_summed),
		cmocka_unit_test(points_are_thinned_out),
		cmocka_unit_test(many_names_are_bounded),
		cmocka_unit_test(charts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
