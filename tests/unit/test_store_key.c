#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "store/key.h"
#include "store/store.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void
utf8(void **state)
{
	static const struct {
		const char *s;
		bool want;
	} cases[] = {
		{ "", true }, { "abc\x01\x7f", true }, { "\xc2\x80", true },
		{ "\xdf\xbf", true }, { "\xe0\xa0\x80", true },
		{ "\xed\x9f\xbf", true }, { "\xee\x80\x80", true },
		{ "\xef\xbf\xbf", true }, { "\xf0\x90\x80\x80", true },
		{ "\xf4\x8f\xbf\xbf", true },
		{ "\x80", false }, { "\xbf", false }, { "\xc0\x80", false },
		{ "\xc1\xbf", false }, { "\xc2", false }, { "\xc2x", false },
		{ "\xe0\x80\x80", false }, { "\xe0\x9f\xbf", false },
		{ "\xed\xa0\x80", false }, { "\xed\xbf\xbf", false },
		{ "\xe2\x82", false }, { "\xf0\x80\x80\x80", false },
		{ "\xf0\x8f\xbf\xbf", false }, { "\xf4\x90\x80\x80", false },
		{ "\xf5\x80\x80\x80", false }, { "\xff", false },
		{ "ok\xe9", false },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		if (key_is_utf8(cases[i].s) != cases[i].want)
			fail_msg("case %zu", i);
	}
}

static void
faults(void **state)
{
	static const char *const good[] = { "a", "a/b", "...", ".a", "a.",
		"a b", "\\", "a\nb", " ", "\xc3\xa9" };
	static const char *const bad[] = { "", "/", "/a", "a/", "a//b", ".",
		"..", "a/.", "../a", "a/../b", "./a", "\xff" };
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(good); i++)
		assert_null(key_fault(good[i]));
	for (i = 0; i < COUNT(bad); i++)
		assert_non_null(key_fault(bad[i]));
}

static void
printable(void **state)
{
	char out[12], large[64];

	(void)state;
	key_printable("a\nb\xff\x7f\xc3\xa9\xc2\x85 \\", large, sizeof(large));
	assert_string_equal(large, "a\\x0ab\\xff\\x7f\xc3\xa9\\xc2\\x85 \\");
	key_printable("0123456789abc", out, sizeof(out));
	assert_string_equal(out, "0123456789a");
	key_printable("0123456789\xc3\xa9", out, sizeof(out));
	assert_string_equal(out, "0123456789");
	key_printable("01234567\n", out, sizeof(out));
	assert_string_equal(out, "01234567");
	key_printable("", out, 1);
	assert_string_equal(out, "");
	key_printable("a", out, 1);
	assert_string_equal(out, "");
}

static void
redact(void **state)
{
	static const char *const cases[][2] = {
		{ "s3://bucket/a@b", "s3://bucket/a@b" },
		{ "s3://AKIA:se/cret@bucket/x", "s3://***@bucket/x" },
		{ "s3://a:b@c@bucket", "s3://***@bucket" },
		{ "./folder@x:y", "./folder@x:y" },
		{ "file:///a", "file:///a" },
		{ "", "" },
	};
	char out[32];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		store_redact(cases[i][0], out, sizeof(out));
		assert_string_equal(out, cases[i][1]);
	}
	store_redact("s3://key:secret@bucket", out, 8);
	assert_string_equal(out, "s3://**");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(utf8),
		cmocka_unit_test(faults),
		cmocka_unit_test(printable),
		cmocka_unit_test(redact),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
