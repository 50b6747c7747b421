#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/glob.h"

static void
matches(void **state)
{
	static const struct {
		const char *glob, *name;
		bool want;
	} cases[] = {
		{ "", "", true }, { "", "a", false }, { "*", "", true },
		{ "*", "a.b", true }, { "a", "a", true }, { "a", "A", false },
		{ "a", "ab", false }, { "ab", "a", false },
		{ "?", "", false }, { "?", "x", true }, { "a?c", "abc", true },
		{ "db.*", "db.users", true }, { "db.*", "db2.users", false },
		{ "*.users", "a.b.users", true }, { "*.users", "users", false },
		{ "*a*b*", "xxaxxbxx", true }, { "*a*b*", "xxbxxaxx", false },
		{ "a**b", "ab", true }, { "*ab", "aab", true },
		{ "*abab", "abaabab", true }, { "[a]", "a", false },
		{ "[a]", "[a]", true }, { "a\\*", "a\\b", true },
		{ "*.jpg", "deep/folder/x.jpg", true },
		{ "a*a*a*a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (glob_match(cases[i].glob, cases[i].name) != cases[i].want)
			fail_msg("'%s' on '%s'", cases[i].glob, cases[i].name);
	}
}

static void
lists_grow(void **state)
{
	struct strings list = { 0 };
	char name[16];
	size_t i;

	(void)state;
	for (i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "name %zu", i);
		assert_true(strings_add(&list, name));
	}
	assert_int_equal(list.n, 100);
	assert_string_equal(list.v[0], "name 0");
	assert_string_equal(list.v[99], "name 99");
	strings_free(&list);
	assert_int_equal(list.n, 0);
	assert_null(list.v);
	strings_free(&list);
}

static void
selects(void **state)
{
	struct strings none = { 0 }, include = { 0 }, exclude = { 0 };

	(void)state;
	strings_add(&include, "a.*");
	strings_add(&include, "b.x");
	strings_add(&exclude, "*.tmp");
	assert_true(glob_selects(&none, &none, "anything"));
	assert_true(glob_selects(&include, &exclude, "a.y"));
	assert_true(glob_selects(&include, &exclude, "b.x"));
	assert_false(glob_selects(&include, &exclude, "b.y"));
	assert_false(glob_selects(&include, &exclude, "a.tmp"));
	assert_false(glob_selects(&none, &exclude, "c.tmp"));
	strings_free(&include);
	strings_free(&exclude);
}

static void
renames(void **state)
{
	static const struct {
		const char *from, *to, *name, *want;
	} cases[] = {
		{ "old.*", "new.*", "old.users", "new.users" },
		{ "old.*", "new.*", "older.users", NULL },
		{ "old.*", "new.*", "old.", "new." },
		{ "*.a", "*.b", "x.y.a", "x.y.b" },
		{ "a*b", "*", "axxb", "xx" },
		{ "ab*ba", "x*", "aba", NULL },
		{ "db.c", "db.d", "db.c", "db.d" },
		{ "db.c", "db.d", "db.cc", NULL },
		{ "db.*", "one.place", "db.c", "one.place" },
		{ "db.c", "new.*", "db.c", NULL },
		{ "*.*", "new.*", "db.c", NULL },
		{ "db.*", "*.*", "db.c", NULL },
		{ "db?.*", "new.*", "db1.c", "new.c" },
	};
	char out[16];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		bool ok = glob_rename(cases[i].from, cases[i].to,
		    cases[i].name, out, sizeof(out));

		if (ok != (cases[i].want != NULL) ||
		    (ok && strcmp(out, cases[i].want) != 0))
			fail_msg("%s=%s on %s", cases[i].from, cases[i].to,
			    cases[i].name);
	}
	assert_true(glob_rename("a*", "b*", "a3456789012345", out, 16));
	assert_true(glob_rename("a*", "b*", "a34567890123456", out, 16));
	assert_false(glob_rename("a*", "bc*", "a34567890123456", out, 16));
}

static void
strings_are_sorted(void **state)
{
	struct strings list = { NULL, 0 };

	(void)state;
	strings_sort(&list);
	assert_true(strings_add(&list, "b") && strings_add(&list, "\xc3\xa4") &&
	    strings_add(&list, "B") && strings_add(&list, ""));
	strings_sort(&list);
	assert_string_equal(list.v[0], "");
	assert_string_equal(list.v[1], "B");
	assert_string_equal(list.v[2], "b");
	assert_string_equal(list.v[3], "\xc3\xa4");
	strings_free(&list);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(matches),
		cmocka_unit_test(strings_are_sorted),
		cmocka_unit_test(lists_grow),
		cmocka_unit_test(selects),
		cmocka_unit_test(renames),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
