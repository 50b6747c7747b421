#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/ignore.h"
#include "app/tree.h"

/* .gitignore and the walk; tests/integration/test_app_ignore.py asks git. */

static void
ignores(void **state)
{
	static const struct {
		const char *rules, *path;
		bool folder, want;
	} cases[] = {
		{ "*.png", "a/b.png", false, true },
		{ "/*.png", "a/b.png", false, false },
		{ "/*.png", "b.png", false, true },
		{ "a/", "a", true, true }, { "a/", "a", false, false },
		{ "*.png\n!b.png", "b.png", false, false },
		{ "!b.png\n*.png", "b.png", false, true },
		{ "a/b", "x/a/b", false, false },
		{ "**/a/b", "x/y/a/b", false, true },
		{ "**/a/b", "a/b", false, true },
		{ "a/**", "a", true, false }, { "a/**", "a/b/c", false, true },
		{ "a/**/b", "a/b", false, true },
		{ "a/**/b", "a/x/y/b", false, true },
		{ "a/*/b", "a/x/y/b", false, false },
		{ "[a-c].txt", "b.txt", false, true },
		{ "[!a-c].txt", "b.txt", false, false },
		{ "# x", "# x", false, false }, { "\\# x", "# x", false, true },
		{ "x  ", "x", false, true }, { "x\\ ", "x ", false, true },
		{ "foo[", "foo[", false, false },
		{ "a*b*c*d*e*f", "aXbXcXdXeX", false, false },
		{ "**/**/**/x", "a/b/c/d/e/f/g", false, false },
		{ "", "a", false, false }, { "!\n/\n\n", "a", false, false },
	};
	struct ignore ig;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ignore_init(&ig);
		assert_true(ignore_add(&ig, "", cases[i].rules,
		    strlen(cases[i].rules)));
		if (ignore_matches(&ig, cases[i].path, cases[i].folder) !=
		    cases[i].want)
			fail_msg("'%s' on '%s'", cases[i].rules, cases[i].path);
		ignore_free(&ig);
	}
}

static void
ignores_below(void **state)
{
	struct ignore ig;

	(void)state;
	ignore_init(&ig);
	assert_true(ignore_add(&ig, "", "*.log\n", 6));
	assert_true(ignore_add(&ig, "a/b", "/x\n!y.log\n", 10));
	assert_true(ignore_matches(&ig, "a/b/x", false));
	assert_false(ignore_matches(&ig, "a/b/c/x", false));
	assert_false(ignore_matches(&ig, "x", false));
	assert_false(ignore_matches(&ig, "a/b/y.log", false));
	assert_true(ignore_matches(&ig, "a/y.log", false));
	assert_false(ignore_matches(&ig, "a/bx", false));
	ignore_free(&ig);
}

static void
put(const char *folder, const char *name, const char *text)
{
	char path[400];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	assert_non_null(f = fopen(path, "w"));
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

static void
make(const char *folder, const char *name)
{
	char path[400];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	assert_int_equal(mkdir(path, 0700), 0);
}

static void
walks(void **state)
{
	char folder[] = "/tmp/spaceferry-tree-XXXXXX", path[400];
	struct tree t;
	struct buf text;
	struct err err;

	(void)state;
	assert_non_null(mkdtemp(folder));
	make(folder, "node_modules");
	put(folder, "node_modules/x.js", "no");
	make(folder, "out");
	put(folder, "out/.gitignore", "!deep.txt\n");
	put(folder, "out/deep.txt", "x");
	make(folder, "src");
	put(folder, "src/a.ts", "hello");
	put(folder, ".gitignore", "out/\n");
	snprintf(path, sizeof(path), "%s/link", folder);
	assert_int_equal(symlink("/etc", path), 0);
	snprintf(path, sizeof(path), "%s/pipe", folder);
	assert_int_equal(mkfifo(path, 0600), 0);

	assert_true(tree_open(&t, folder, &err));
	assert_int_equal(t.n, 4);
	assert_int_equal(t.links, 1);
	assert_false(t.truncated);
	/* What lies in a folder that is left out cannot come back. */
	assert_true(tree_find(&t, "out/deep.txt")->ignored);
	assert_false(tree_find(&t, "src/a.ts")->ignored);
	assert_null(tree_find(&t, "node_modules/x.js"));
	buf_init(&text, 3);
	assert_true(tree_load(&t, tree_find(&t, "src/a.ts"), &text, &err));
	assert_memory_equal(text.data, "hel", 3);
	assert_int_equal(text.len, 3);
	assert_false(tree_load_path(folder, &text, &err));
	assert_false(tree_load_path("/nonexistent/x", &text, &err));
	assert_int_equal(err.kind, ERR_NOT_FOUND);
	buf_free(&text);
	tree_free(&t);
	snprintf(path, sizeof(path), "rm -rf '%s'", folder);
	assert_int_equal(system(path), 0);
	assert_false(tree_open(&t, folder, &err));
	assert_int_equal(err.kind, ERR_NOT_FOUND);
	tree_free(&t);
}

/* Many uploads do not keep the code from being seen. */
static void
many_assets(void **state)
{
	char folder[] = "/tmp/spaceferry-tree-XXXXXX", path[400], name[60];
	struct tree t;
	struct err err;
	size_t i;

	(void)state;
	assert_non_null(mkdtemp(folder));
	make(folder, "public");
	make(folder, "src");
	put(folder, "src/a.ts", "x");
	for (i = 0; i < TREE_ASSETS_MAX + 5; i++) {
		snprintf(name, sizeof(name), "public/%zu", i);
		put(folder, name, "");
	}
	assert_true(tree_open(&t, folder, &err));
	assert_int_equal(t.n, TREE_ASSETS_MAX + 1);
	assert_non_null(tree_find(&t, "src/a.ts"));
	assert_false(t.truncated);
	tree_free(&t);
	snprintf(path, sizeof(path), "rm -rf '%s'", folder);
	assert_int_equal(system(path), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ignores),
		cmocka_unit_test(ignores_below),
		cmocka_unit_test(walks),
		cmocka_unit_test(many_assets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
