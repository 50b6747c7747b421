#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "job/file_index.h"
#include "job/report.h"

static void
findings_are_limited_by_kind(void **state)
{
	struct spaceferry_summary s;
	struct report r;
	int i;

	(void)state;
	assert_true(report_init(&r, &s, 2));
	for (i = 0; i < 5; i++)
		report_error(&r, "missing", "", "document %d", i);
	report_error(&r, "extra", "", "another kind");
	report_note(&r, "missing", "", "a note is counted apart");
	report_finish(&r);
	assert_int_equal(s.n_errors, 4);
	assert_string_equal(s.errors[0].message, "document 0");
	assert_string_equal(s.errors[1].message, "document 1");
	assert_string_equal(s.errors[2].message, "another kind");
	assert_string_equal(s.errors[3].message, "3 more of kind missing");
	assert_int_equal(s.n_notes, 1);
	spaceferry_summary_free(&s);
}

/* Notes past the limit need no text, and are counted all the same. */
static void
notes_past_the_limit(void **state)
{
	struct spaceferry_summary s;
	struct report r;

	(void)state;
	assert_true(report_init(&r, &s, 2));
	assert_false(report_skips_note(&r, "no_rule"));
	report_note(&r, "no_rule", "", "one");
	assert_false(report_skips_note(&r, "no_rule"));
	report_note(&r, "no_rule", "", "two");
	assert_true(report_skips_note(&r, "no_rule"));
	assert_false(report_skips_note(&r, "other"));
	report_more_notes(&r, "no_rule", 39);
	report_finish(&r);
	assert_int_equal(s.n_notes, 3);
	assert_string_equal(s.notes[2].message, "40 more of kind no_rule");
	spaceferry_summary_free(&s);
}

static void
samples_show_the_first_difference(void **state)
{
	struct spaceferry_summary s;
	struct report r;
	char before[1000], after[1000];
	struct report_value v = {
		.ns = "d.c", .id = "1", .path = "a",
		.before = before, .before_len = sizeof(before),
		.after = after, .after_len = sizeof(after),
	};

	(void)state;
	memset(before, 'x', sizeof(before));
	memset(after, 'x', sizeof(after));
	before[3] = '\0';	/* values may hold NUL */
	after[3] = '\0';
	memcpy(before + 500, "OLD", 3);
	memcpy(after + 500, "NEW", 3);
	assert_true(report_init(&r, &s, 1));
	assert_true(report_wants_samples(&r));
	report_sample(&r, &v);
	assert_false(report_wants_samples(&r));
	report_sample(&r, &v);
	report_finish(&r);
	assert_int_equal(s.n_samples, 1);
	assert_non_null(strstr(s.samples[0].before, "xOLDx"));
	assert_non_null(strstr(s.samples[0].after, "xNEWx"));
	assert_true(strlen(s.samples[0].before) < 300);
	spaceferry_summary_free(&s);
}

static void
index_finds_what_was_added(void **state)
{
	struct file_index *f;
	struct file_entry *e;
	char key[32];
	int i;

	(void)state;
	f = file_index_new();
	assert_non_null(f);
	for (i = 0; i < 5000; i++) {
		snprintf(key, sizeof(key), "folder/%d.png", i);
		assert_true(file_index_add(f, key, (uint64_t)i, i, "\"tag\""));
	}
	assert_true(file_index_add(f, "folder/7.png", 70, 0, "\"new\""));
	assert_int_equal(file_index_count(f), 5000);
	e = file_index_find(f, "folder/7.png", strlen("folder/7.png"));
	assert_non_null(e);
	assert_int_equal(e->size, 70);
	assert_true(file_index_etag_is(e, "\"new\""));
	assert_false(file_index_etag_is(e, "\"tag\""));
	atomic_store(&e->marked, true);
	assert_int_equal(file_index_count_marked(f), 1);
	for (i = 0; i < 5000; i++) {
		snprintf(key, sizeof(key), "folder/%d.png", i);
		e = file_index_find(f, key, strlen(key));
		assert_non_null(e);
		if (i != 7)
			assert_int_equal(e->size, i);
	}
	assert_null(file_index_find(f, "folder/7.png", 11));
	assert_null(file_index_find(f, "other", 5));
	file_index_free(f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(findings_are_limited_by_kind),
		cmocka_unit_test(notes_past_the_limit),
		cmocka_unit_test(samples_show_the_first_difference),
		cmocka_unit_test(index_finds_what_was_added),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
