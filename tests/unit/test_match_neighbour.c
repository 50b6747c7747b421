/* The characters, neighbours and slashes that the boundaries are made of. */
#include "match_fixture.h"

#include "match/boundary.h"
#include "match/charclass.h"
#include "match/neighbour.h"
#include "match/slash.h"

static void
letters(void **state)
{
	/* First and last of each range of the table, and what is next to it. */
	static const uint32_t no[] = { 0, 'a', '_', 0x7F, 0x80, 0xA9, 0xAB, 0xB4,
	    0xB6, 0xB9, 0xBB, 0xBF, 0xD7, 0xF7, 0x2000, 0x200B, 0x2BFF, 0x3000,
	    0x3001, 0x3020, 0xFE00, 0xFE6F, 0xFEFF, 0xFF01, 0xFF0F, 0x1F000,
	    0x1FAFF, 0x85, 0xA0, CHARCLASS_END };
	static const uint32_t yes[] = { 0xAA, 0xB5, 0xBA, 0xC0, 0xD6, 0xD8, 0xF6,
	    0xF8, 0x1FFF, 0x2C00, 0x2FFF, 0x3021, 0xD800, 0xFDFF, 0xFE70,
	    0xFEFE, 0xFF00, 0xFF10, 0x1EFFF, 0x1FB00, 0x10FFFF, CHARCLASS_BAD };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(no) / sizeof(no[0]); i++)
		if (charclass_letter(no[i]))
			fail_msg("U+%04X is no letter", (unsigned)no[i]);
	for (i = 0; i < sizeof(yes) / sizeof(yes[0]); i++)
		if (!charclass_letter(yes[i]))
			fail_msg("U+%04X is a letter", (unsigned)yes[i]);
}

static void
spaces(void **state)
{
	static const uint32_t all[] = { 9, 10, 11, 12, 13, 0x20, 0x85, 0xA0,
	    0x2000, 0x2001, 0x2002, 0x2003, 0x2004, 0x2005, 0x2006, 0x2007,
	    0x2008, 0x2009, 0x200A, 0x200B, 0x2028, 0x2029, 0x202F, 0x205F,
	    0x3000, 0xFEFF };
	uint32_t c;
	size_t i = 0;

	(void)state;
	/* Exactly these, of all characters there are. */
	for (c = 0; c <= CHARCLASS_BAD; c++) {
		if (i < sizeof(all) / sizeof(all[0]) && c == all[i]) {
			assert_true(charclass_space(c));
			i++;
		} else
			assert_false(charclass_space(c));
	}
}

static void
ascii_sets(void **state)
{
	const char slash[] = "\"'`([{<>=,;|", plus[] = "+.-";
	uint32_t c;

	(void)state;
	for (c = 1; c < 0x80; c++) {
		assert_int_equal(charclass_before_slash(c),
		    strchr(slash, (int)c) != NULL || (c >= 9 && c <= 13) ||
		    c == ' ');
		assert_int_equal(charclass_before_scheme(c),
		    !charclass_alnum(c) && strchr(plus, (int)c) == NULL);
		assert_int_equal(charclass_url(c), c > ' ' && c < 0x7F &&
		    strchr("\"<>\\^`{|}", (int)c) == NULL);
	}
	assert_true(charclass_before_slash(CHARCLASS_END));
	assert_false(charclass_before_slash(0));
	assert_false(charclass_before_slash(CHARCLASS_BAD));
	assert_true(charclass_before_scheme(CHARCLASS_END));
	assert_true(charclass_before_scheme(CHARCLASS_BAD));
	assert_true(charclass_before_scheme(0xE9));
}

/* All of it must be one character, seen from both sides. */
static void
both_sides(const char *text, size_t len, uint32_t want)
{
	uint32_t c;
	size_t at = 99;

	c = neighbour_after(text, len, 0, &at);
	if (c != want || at != len)
		fail_msg("%s: U+%04X and %zu bytes", text, (unsigned)c, at);
	c = neighbour_before(text, len, &at);
	if (c != want || at != 0)
		fail_msg("before %s: U+%04X from %zu", text, (unsigned)c, at);
}

static void
escapes(void **state)
{
	static const struct {
		const char *text;
		uint32_t c;
	} one[] = {
		{ "a", 'a' }, { "\xc3\xa9", 0xE9 }, { "\xf0\x9f\x98\x80", 0x1F600 },
		{ "%41", 'A' }, { "%c3%A9", 0xE9 }, { "%E2%80%83", 0x2003 },
		{ "%F0%9f%98%80", 0x1F600 }, { "%00", 0 },
		{ "&#65;", 'A' }, { "&#x41;", 'A' }, { "&#X2f;", '/' },
		{ "&#00000000000000000000047;", '/' }, { "&#x10FFFF;", 0x10FFFF },
		{ "&quot;", '"' }, { "&apos;", '\'' }, { "&lt;", '<' },
		{ "&gt;", '>' }, { "&amp;", '&' }, { "&nbsp;", 0xA0 },
		{ "\\n", '\n' }, { "\\r", '\r' }, { "\\t", '\t' }, { "\\b", '\b' },
		{ "\\f", '\f' }, { "\\\"", '"' }, { "\\'", '\'' }, { "\\/", '/' },
		{ "\\\\\\\\n", '\n' }, { "\\u0041", 'A' }, { "\\\\u00e9", 0xE9 },
		{ "\xff", CHARCLASS_BAD }, { "\x80", CHARCLASS_BAD },
		{ "%FF", CHARCLASS_BAD }, { "\\ud83d", 0xD83D },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(one) / sizeof(one[0]); i++)
		both_sides(one[i].text, strlen(one[i].text), one[i].c);
	both_sides("\0", 1, 0);
	assert_int_equal(neighbour_after("", 0, 0, NULL), CHARCLASS_END);
	assert_int_equal(neighbour_before("", 0, NULL), CHARCLASS_END);
}

static void
no_escapes(void **state)
{
	/* What stands at their ends is a character of its own. */
	static const char *const texts[] = { "%4", "%4g", "%", "&#;", "&#x;",
	    "&#65", "&#6a;", "&#xg;", "&#x110000;", "&#99999999999999999999;",
	    "&#xD800;", "&QUOT;", "&quot", "&eacute;", "&", "\\", "\\x", "\\u004",
	    "\\uD8g0", "\\a", "\\U0041" };
	const char *t;
	size_t i, n, at;

	(void)state;
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		t = texts[i];
		n = strlen(t);
		assert_int_equal(neighbour_after(t, n, 0, &at), t[0]);
		assert_int_equal(at, 1);
		assert_int_equal(neighbour_before(t, n, &at), t[n - 1]);
		assert_int_equal(at, n - 1);
	}
	/* Once only: these stay 'F', ';' and 'n'. */
	assert_int_equal(neighbour_before("%252F", 5, NULL), 'F');
	assert_int_equal(neighbour_before("&amp;quot;", 10, NULL), ';');
	assert_int_equal(neighbour_before("%5Cn", 4, NULL), 'n');
	assert_int_equal(neighbour_after("%252F", 5, 0, NULL), '%');
}

static void
runs(void **state)
{
	size_t at;

	(void)state;
	/* A run of %XX is UTF-8 by itself; raw bytes beside it are not in it. */
	assert_int_equal(neighbour_before("\xe2%80%83", 7, &at), CHARCLASS_BAD);
	assert_int_equal(at, 4);
	assert_int_equal(neighbour_after("%E2%80\x83", 7, 0, &at), CHARCLASS_BAD);
	assert_int_equal(at, 3);
	assert_int_equal(neighbour_before("%E2%80%E2%80%83", 15, &at), 0x2003);
	assert_int_equal(at, 6);
	assert_int_equal(neighbour_before("%F0%9F%98%80%41", 15, &at), 'A');
	/* Overlong, surrogate, too large. */
	assert_int_equal(neighbour_after("%C0%AF", 6, 0, NULL), CHARCLASS_BAD);
	assert_int_equal(neighbour_after("%ED%A0%80", 9, 0, NULL), CHARCLASS_BAD);
	assert_int_equal(neighbour_after("\xf4\x90\x80\x80", 4, 0, NULL),
	    CHARCLASS_BAD);
	/* A surrogate pair is one character, also behind more backslashes. */
	assert_int_equal(neighbour_after("\\ud83d\\\\ude00", 13, 0, &at), 0x1F600);
	assert_int_equal(at, 13);
	assert_int_equal(neighbour_after("\\ud83d\\u0041", 12, 0, &at), 0xD83D);
	assert_int_equal(at, 6);
	assert_int_equal(neighbour_after_raw_percent("%41", 3, 0, &at), '%');
	assert_int_equal(at, 1);
}

static void
slashes(void **state)
{
	static const struct {
		const char *text;
		enum slash_style style;
		size_t len;
	} ends[] = {
		{ "/", SLASH_PLAIN, 1 }, { "a/", SLASH_PLAIN, 1 },
		{ "\\/", SLASH_BACKSLASH, 2 }, { "x\\\\\\/", SLASH_BACKSLASH, 4 },
		{ "\\u002F", SLASH_UNICODE, 6 }, { "x\\u002f", SLASH_UNICODE, 6 },
		{ "%2F", SLASH_PERCENT, 3 }, { "%252%2f", SLASH_PERCENT, 3 },
		{ "&#x2F;", SLASH_HEX_ENTITY, 6 }, { "&#X2f;", SLASH_HEX_ENTITY, 6 },
		{ "&#47;", SLASH_DECIMAL_ENTITY, 5 },
	};
	static const char *const none[] = { "", "2F", "%2E", "%252F", "u002F",
	    "\\u012F", "\\\\u002F", "&#x2E;", "&#047;", "#47;", "x2F;", "F", ";", "\\" };
	struct slash s;
	size_t i, n;

	(void)state;
	for (i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		n = strlen(ends[i].text);
		assert_true(slash_before(ends[i].text, n, &s));
		assert_int_equal(s.style, ends[i].style);
		assert_int_equal(s.len, ends[i].len);
		assert_int_equal(s.pos, n - s.len);
		assert_int_equal(slash_after(ends[i].text, n, s.pos, s.style),
		    s.len);
		/* Cut anywhere it is no slash. */
		while (--n > s.pos)
			assert_int_equal(slash_after(ends[i].text, n, s.pos,
			    s.style), 0);
	}
	for (i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		assert_false(slash_before(none[i], strlen(none[i]), &s));
	/* Plain anywhere, another style nowhere. */
	assert_int_equal(slash_after("/", 1, 0, SLASH_PERCENT), 1);
	assert_int_equal(slash_after("%2F", 3, 0, SLASH_PLAIN), 0);
	assert_int_equal(slash_after("\\/", 2, 0, SLASH_UNICODE), 0);
	assert_int_equal(slash_after("&#47;", 5, 0, SLASH_HEX_ENTITY), 0);
	assert_int_equal(slash_colon_after("%3a", 3, 0, SLASH_PERCENT), 3);
	assert_int_equal(slash_colon_after("%3a", 3, 0, SLASH_PLAIN), 0);
	assert_int_equal(slash_colon_before(":", 1, SLASH_PLAIN), 1);
	assert_int_equal(slash_colon_before("%3A", 3, SLASH_PERCENT), 3);
}

static void
right_ends(void **state)
{
	static const char *const yes[] = { "", "/", "?", "#", " ", "\"", "'", "<",
	    ")", ",", ";", "!", "+", "*", "$", "&", "=", "\\", "[", "|", "^", ".",
	    ". ", "..a", "./", ".\"", ".%20", ".\xe2\x80\xa6", ":", ": ", ":\"",
	    ":'", ":`", ":\\n", ":&quot;", "%20", "%2F", "%2E", "&amp;", "\\n",
	    "\\u0020", "\xe2\x80\x9d", "\xe3\x80\x82", "\xf0\x9f\x98\x80",
	    "\\ud83d\\ude00", "%F0%9F%98%80", "\xc2\xbb", "\x01" };
	static const char *const no[] = { "a", "Z", "0", "_", "@", "~", "%", "-",
	    "%41", "%zz", "%25", "&#97;", "\\u0061", "\xc3\xa9", "%C3%A9", "\xff",
	    "%FF", "&#233;", "\\u00e9", ".a", ".0", "._", ".-", ".\xc3\xa9",
	    ".%61", ".\\u0061", "%2Ea", "&#46;a", "\\u002ea", ":a", ":8", ":/",
	    "::", ":<", "%3A8", "&#58;/", "\\ud83d", "\\ud83d\\u0041",
	    "\xe4\xb8\xad" };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(yes) / sizeof(yes[0]); i++)
		if (!boundary_end(yes[i], strlen(yes[i]), 0))
			fail_msg("a match ends before %s", yes[i]);
	for (i = 0; i < sizeof(no) / sizeof(no[0]); i++)
		if (boundary_end(no[i], strlen(no[i]), 0))
			fail_msg("no match ends before %s", no[i]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(letters),
		cmocka_unit_test(spaces),
		cmocka_unit_test(ascii_sets),
		cmocka_unit_test(escapes),
		cmocka_unit_test(no_escapes),
		cmocka_unit_test(runs),
		cmocka_unit_test(slashes),
		cmocka_unit_test(right_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
