#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "cli/text.h"

#define REPLACED "\xEF\xBF\xBD"

static void
shown_safely(void **state)
{
	static const struct {
		const char *text, *want;
		size_t columns;
	} cases[] = {
		{ "", "", 0 }, { "plain", "plain", 5 },
		{ "\xC3\xA9t\xC3\xA9", "\xC3\xA9t\xC3\xA9", 3 },
		{ "\xE6\x97\xA5\xE6\x9C\xAC", "\xE6\x97\xA5\xE6\x9C\xAC", 4 },
		{ "\xF0\x9F\x9A\x80", "\xF0\x9F\x9A\x80", 2 },
		{ "e\xCC\x81", "e\xCC\x81", 1 },
		{ "a\nb\tc\r", "a\\nb\\tc\\r", 9 },
		{ "\x1b[31m", "\\x1b[31m", 8 }, { "\x7f", "\\x7f", 4 },
		/* C1 controls, and a mark that turns the text around. */
		{ "\xC2\x9B" "31m", REPLACED "31m", 4 },
		{ "a\xE2\x80\xAE" "b", "a" REPLACED "b", 3 },
		/* Not UTF-8: lone, overlong, surrogate, too large, cut. */
		{ "\x80", REPLACED, 1 }, { "a\xFF" "b", "a" REPLACED "b", 3 },
		{ "\xC0\xAF", REPLACED REPLACED, 2 },
		{ "\xE0\x80\xAF", REPLACED REPLACED REPLACED, 3 },
		{ "\xED\xA0\x80", REPLACED REPLACED REPLACED, 3 },
		{ "\xF4\x90\x80\x80", REPLACED REPLACED REPLACED REPLACED, 4 },
		{ "\xF5\x80", REPLACED REPLACED, 2 },
		{ "a\xE6\x97", "a" REPLACED REPLACED, 3 },
		{ "\xE6" "a", REPLACED "a", 2 },
	};
	struct buf out;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		buf_init(&out, 100);
		assert_true(text_show(&out, cases[i].text, TEXT_WHOLE));
		if (strcmp(buf_str(&out), cases[i].want) != 0)
			fail_msg("%zu: %s", i, buf_str(&out));
		if (text_columns(cases[i].text) != cases[i].columns)
			fail_msg("%zu: %zu columns", i,
			    text_columns(cases[i].text));
		buf_free(&out);
	}
}

static void
cut_to_columns(void **state)
{
	static const struct {
		const char *text;
		size_t columns;
		const char *want;
	} cases[] = {
		{ "abcdef", 6, "abcdef" }, { "abcdef", 5, "abcd\xE2\x80\xA6" },
		{ "abcdef", 1, "\xE2\x80\xA6" }, { "abcdef", 0, "" },
		{ "", 0, "" },
		/* A wide character is not halved, nor an escape. */
		{ "\xE6\x97\xA5\xE6\x9C\xAC", 4, "\xE6\x97\xA5\xE6\x9C\xAC" },
		{ "\xE6\x97\xA5\xE6\x9C\xAC", 3, "\xE6\x97\xA5\xE2\x80\xA6" },
		{ "\xE6\x97\xA5\xE6\x9C\xAC", 2, "\xE2\x80\xA6" },
		{ "a\nb", 3, "a\xE2\x80\xA6" },
	};
	struct buf out;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		buf_init(&out, 100);
		assert_true(text_show(&out, cases[i].text, cases[i].columns));
		if (strcmp(buf_str(&out), cases[i].want) != 0)
			fail_msg("%zu: %s", i, buf_str(&out));
		buf_free(&out);
	}
}

static void
made_valid(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 100);
	assert_true(text_valid(&out, "a\n\xC3\xA9\xFF\x1b\xF0\x9F\x9A\x80"));
	assert_string_equal(buf_str(&out), "a\n\xC3\xA9" REPLACED
	    "\x1b\xF0\x9F\x9A\x80");
	buf_free(&out);
	buf_init(&out, 4);
	assert_false(text_valid(&out, "\xFF\xFF"));
	buf_free(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shown_safely),
		cmocka_unit_test(cut_to_columns),
		cmocka_unit_test(made_valid),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
