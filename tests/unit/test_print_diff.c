#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "cli/print_diff.h"

static const struct spaceferry_field fields[] = {
	{ .path = "city", .source = "\"Sfax\"", .target = "\"Tunis\"" },
	{ .path = "n.0", .source = "{\"$numberInt\":\"5\"}",
	    .target = "{\"$numberLong\":\"5\"}" },
	{ .path = "gone", .source = "{\"a\":null,\"a\":null}" },
	{ .path = "new\x1b[31m", .target = "\"\\u001b[2J\xe2\x80\xae\"" },
	{ .path = "", .order = true },
	{ .path = "", .more = 1234 },
};
static const struct spaceferry_difference differences[] = {
	{ .kind = SPACEFERRY_MISSING, .ns = "app.users",
	    .id = "{\"$oid\":\"64b0c0ffee0123456789abcd\"}" },
	{ .kind = SPACEFERRY_EXTRA, .ns = "app.users", .id = "\"x\"" },
	{ .kind = SPACEFERRY_DIFFERENT, .ns = "app.users",
	    .id = "{\"$numberInt\":\"7\"}", .fields = fields,
	    .n_fields = sizeof(fields) / sizeof(fields[0]) },
	{ .kind = SPACEFERRY_METADATA, .ns = "app.posts", .type = "index",
	    .name = "a_1", .source = "{ \"v\" : { \"$numberInt\" : \"2\" } }" },
	{ .kind = SPACEFERRY_METADATA, .ns = "app.posts", .type = "option",
	    .name = "capped", .source = "true", .target = "not json" },
	{ .kind = SPACEFERRY_FILE, .store = "s3://b/u", .key = "a\xff.jpg",
	    .type = "missing", .source = "12 bytes" },
	{ .kind = SPACEFERRY_FILE, .store = "s3://b/u", .key = "b.jpg",
	    .type = "extra", .target = "13 bytes" },
	{ .kind = SPACEFERRY_FILE, .store = "s3://b/u", .key = "c.jpg",
	    .type = "different", .source = "1 bytes", .target = "2 bytes" },
};
#define N_DIFFERENCES (sizeof(differences) / sizeof(differences[0]))

struct output {
	struct print_diff p;
	FILE *out;
	char *text;
	size_t len;
};

static void
open_output(struct output *o, bool json, bool stat)
{

	*o = (struct output){ 0 };
	assert_non_null(o->out = open_memstream(&o->text, &o->len));
	print_diff_init(&o->p, o->out, json, stat);
}

static void
close_output(struct output *o)
{

	print_diff_free(&o->p);
	fclose(o->out);
	free(o->text);
}

static void
tell_all(struct output *o)
{
	size_t i;

	for (i = 0; i < N_DIFFERENCES; i++)
		assert_true(print_diff_line(&o->p, &differences[i]));
}

static void
text_to_the_letter(void **state)
{
	struct output o;

	(void)state;
	open_output(&o, false, false);
	tell_all(&o);
	assert_string_equal(o.text,
	    "app.users\n"
	    "  - _id ObjectId(\"64b0c0ffee0123456789abcd\"), missing on the "
	    "target\n"
	    "  + _id \"x\", only on the target\n"
	    "  ~ _id 7\n"
	    "    city\n"
	    "      - \"Sfax\"\n"
	    "      + \"Tunis\"\n"
	    "    n.0\n"
	    "      - 5\n"
	    "      + Long(5)\n"
	    "    gone\n"
	    "      - {a: null, a: null}\n"
	    "    new\\x1b[31m\n"
	    "      + \"\\u001b[2J\xef\xbf\xbd\"\n"
	    "    the document: the same fields in another order\n"
	    "    \xe2\x80\xa6 and 1,234 more\n"
	    "\n"
	    "app.posts\n"
	    "  - index a_1, missing on the target\n"
	    "      - {v: 2}\n"
	    "  ~ option capped\n"
	    "      - true\n"
	    "      + not json\n"
	    "\n"
	    "files of s3://b/u\n"
	    "  - a\xef\xbf\xbd.jpg (12 bytes), missing on the target\n"
	    "  + b.jpg (13 bytes), only on the target\n"
	    "  ~ c.jpg\n"
	    "      - 1 bytes\n"
	    "      + 2 bytes\n");
	assert_int_equal(o.p.told, N_DIFFERENCES);
	close_output(&o);
}

static void
text_in_colour(void **state)
{
	static const struct spaceferry_field one = { .path = "f",
	    .source = "\"\\u001b[0m\x1b[0m\"", .target = "1" };
	const struct spaceferry_difference d = { .kind = SPACEFERRY_DIFFERENT,
	    .ns = "a.b", .id = "1", .fields = &one, .n_fields = 1 };
	struct output o;

	(void)state;
	open_output(&o, false, false);
	o.p.colour = true;
	assert_true(print_diff_line(&o.p, &d));
	assert_string_equal(o.text, "\x1b[1ma.b\x1b[0m\n"
	    "  \x1b[33m~ _id 1\x1b[0m\n    f\n"
	    "      \x1b[31m- \"\\u001b[0m\\x1b[0m\"\x1b[0m\n"
	    "      \x1b[32m+ 1\x1b[0m\n");
	close_output(&o);
}

/* Long values are cut around the first change, and fit the terminal. */
static void
text_cut(void **state)
{
	char a[600], b[600];
	struct spaceferry_field f = { .path = "f", .source = a, .target = b };
	const struct spaceferry_difference d = { .kind = SPACEFERRY_DIFFERENT,
	    .ns = "a.b", .id = "1", .fields = &f, .n_fields = 1 };
	struct output o;
	char *line;

	(void)state;
	memset(a, 'u', sizeof(a) - 1);
	a[0] = a[598] = '"';
	a[599] = '\0';
	memcpy(b, a, sizeof(b));
	memcpy(a + 300, "OLD", 3);
	memcpy(b + 300, "NEW", 3);
	open_output(&o, false, false);
	o.p.columns = 60;
	assert_true(print_diff_line(&o.p, &d));
	assert_non_null(line = strstr(o.text, "      - \xe2\x80\xa6uuuuuuuu"));
	assert_non_null(strstr(line, "uuuOLDuuu"));
	assert_non_null(line = strstr(o.text, "      + \xe2\x80\xa6uuuuuuuu"));
	assert_non_null(strstr(line, "uuuNEWuuu"));
	assert_true(strlen(line) <= 60 + 4);	/* of two ellipses */
	assert_non_null(strstr(line, "uu\xe2\x80\xa6\n"));
	close_output(&o);
}

/* The contract: every key, in this order, a line each. */
static void
json_to_the_letter(void **state)
{
	struct output o;
	char *line, *rest;
	json_t *v;

	(void)state;
	open_output(&o, true, false);
	tell_all(&o);
	assert_string_equal(o.text,
	    "{\"kind\":\"missing\",\"namespace\":\"app.users\","
	    "\"_id\":{\"$oid\":\"64b0c0ffee0123456789abcd\"},\"fields\":[]}\n"
	    "{\"kind\":\"extra\",\"namespace\":\"app.users\",\"_id\":\"x\","
	    "\"fields\":[]}\n"
	    "{\"kind\":\"different\",\"namespace\":\"app.users\","
	    "\"_id\":{\"$numberInt\":\"7\"},\"fields\":["
	    "{\"path\":\"city\",\"source\":\"Sfax\",\"target\":\"Tunis\"},"
	    "{\"path\":\"n.0\",\"source\":{\"$numberInt\":\"5\"},"
	    "\"target\":{\"$numberLong\":\"5\"}},"
	    "{\"path\":\"gone\",\"source\":{\"a\":null,\"a\":null}},"
	    "{\"path\":\"new\\u001B[31m\","
	    "\"target\":\"\\u001b[2J\xe2\x80\xae\"},"
	    "{\"path\":\"\",\"order\":true},"
	    "{\"path\":\"\",\"more\":1234}]}\n"
	    "{\"kind\":\"metadata\",\"namespace\":\"app.posts\","
	    "\"type\":\"index\",\"name\":\"a_1\","
	    "\"source\":{\"v\":{\"$numberInt\":\"2\"}},\"target\":null}\n"
	    "{\"kind\":\"metadata\",\"namespace\":\"app.posts\","
	    "\"type\":\"option\",\"name\":\"capped\",\"source\":true,"
	    "\"target\":\"not json\"}\n"
	    "{\"kind\":\"file\",\"namespace\":null,\"store\":\"s3://b/u\","
	    "\"key\":\"a\xef\xbf\xbd.jpg\",\"type\":\"missing\","
	    "\"source\":\"12 bytes\",\"target\":null}\n"
	    "{\"kind\":\"file\",\"namespace\":null,\"store\":\"s3://b/u\","
	    "\"key\":\"b.jpg\",\"type\":\"extra\",\"source\":null,"
	    "\"target\":\"13 bytes\"}\n"
	    "{\"kind\":\"file\",\"namespace\":null,\"store\":\"s3://b/u\","
	    "\"key\":\"c.jpg\",\"type\":\"different\",\"source\":\"1 bytes\","
	    "\"target\":\"2 bytes\"}\n");
	for (line = strtok_r(o.text, "\n", &rest); line != NULL;
	    line = strtok_r(NULL, "\n", &rest)) {
		v = json_loads(line, 0, NULL);
		assert_non_null(v);
		json_decref(v);
	}
	close_output(&o);
}

static struct spaceferry_collection collections[] = {
	{ .ns = "app.users", .type = "collection", .ok = false,
	    .source = { .count = 1200, .bytes = 45123 }, .missing = 2,
	    .extra = 1, .different = 3, .n_metadata = 0 },
	{ .ns = "app.posts", .type = "collection", .ok = true,
	    .source = { .count = 5, .bytes = 100 } },
	{ .ns = "app.view", .type = "view", .ok = true },
};

static void
summary(bool stat, uint64_t told, int status, const char *expected)
{
	struct spaceferry_summary s = { .command = "diff",
	    .elapsed_seconds = 1.5, .ok = status == 0,
	    .collections = status == 0 ? collections + 1 : collections,
	    .n_collections = status == 0 ? 1 : 3,
	    .files = { .count = 7, .bytes = 70 } };
	const struct print_style style = { .status = status, .files = true };
	struct output o;

	if (status == 1)
		s.files.missing = s.files.extra = 1;
	open_output(&o, false, stat);
	o.p.told = told;
	print_diff_summary(&o.p, &s, &style);
	fflush(o.out);
	assert_string_equal(o.text, expected);
	close_output(&o);
}

#define WRONG "2 documents missing, 3 documents different, 1 document only " \
	"on the target, 1 file missing, 1 file only on the target.\n" \
	"migrate --delta with the same options moves what differs;\n" \
	"--delete with it removes what only the target has.\n"

static void
summaries(void **state)
{

	(void)state;
	summary(false, 8, 1, "\nThe two sides differ: " WRONG);
	summary(false, 3, 1, "\n  and 5 more, which --limit left out\n"
	    "\nThe two sides differ: " WRONG);
	summary(false, 0, 0, "\nNo difference: 5 documents in 1 collection "
	    "(100 B) and 7 files (70 B), on both sides.\n");
	summary(false, 0, 3,
	    "\nNot finished.  The same command starts anew.\n");
	summary(true, 0, 1, "spaceferry diff, 1.5 s\n\n"
	    "                    in all     missing       extra   different"
	    "    metadata\n"
	    "  app.users          1,200           2           1           3"
	    "           -\n"
	    "  app.posts              5           -           -           -"
	    "           -\n"
	    "  app.view               -           -           -           -"
	    "           -\n"
	    "  files                  7           1           1           -"
	    "           -\n"
	    "\nThe two sides differ: " WRONG);
}

static void
stat_tells_no_lines(void **state)
{
	struct output o;

	(void)state;
	open_output(&o, true, true);
	tell_all(&o);
	fflush(o.out);
	assert_int_equal(o.len, 0);
	close_output(&o);
}

/* /dev/full takes nothing. */
static void
failed_once_failed(void **state)
{
	struct print_diff p;
	FILE *out = fopen("/dev/full", "w");

	(void)state;
	assert_non_null(out);
	print_diff_init(&p, out, true, false);
	assert_false(print_diff_line(&p, &differences[0]));
	assert_int_equal(p.failed, ENOSPC);
	assert_false(print_diff_line(&p, &differences[1]));
	assert_int_equal(p.told, 1);
	print_diff_free(&p);
	fclose(out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_to_the_letter),
		cmocka_unit_test(text_in_colour),
		cmocka_unit_test(text_cut),
		cmocka_unit_test(json_to_the_letter),
		cmocka_unit_test(summaries),
		cmocka_unit_test(stat_tells_no_lines),
		cmocka_unit_test(failed_once_failed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
