/* What the hooks of the rewriter are told: links, values, hosts without a
 * rule. */
#include <stdio.h>
#include <string.h>

#include "bson/doc.h"
#include "rewrite_fixture.h"

/* What the hooks were told, one line each. */
struct told {
	const bson_t *doc;
	char text[1000];
};

static void
hear_value(void *arg, const struct rewrite_value *v)
{
	struct told *told = arg;
	size_t n = strlen(told->text);

	assert_ptr_equal(v->doc, bson_get_data(told->doc));
	assert_int_equal(v->doc_len, told->doc->len);
	snprintf(told->text + n, sizeof(told->text) - n, "%s: %.*s -> %.*s\n",
	    v->path, (int)v->before_len, v->before, (int)v->after_len,
	    v->after);
}

static void
hear_link(void *arg, const uint8_t *doc, size_t doc_len, const char *path,
    const struct match_link *link)
{
	struct told *told = arg;
	size_t n = strlen(told->text);

	assert_ptr_equal(doc, bson_get_data(told->doc));
	assert_int_equal(doc_len, told->doc->len);
	snprintf(told->text + n, sizeof(told->text) - n, "%s = %zu %.*s|%.*s\n",
	    path, link->rule, (int)link->match_len, link->match,
	    (int)link->tail_len, link->tail);
}

static void
hear_host(void *arg, const uint8_t *doc, size_t doc_len, const char *path,
    const struct match_host *host)
{
	struct told *told = arg;
	size_t n = strlen(told->text);

	assert_ptr_equal(doc, bson_get_data(told->doc));
	assert_int_equal(doc_len, told->doc->len);
	snprintf(told->text + n, sizeof(told->text) - n, "%s ? %.*s\n", path,
	    (int)host->name_len, host->name);
}

static void
hooks_are_told_paths(void **state)
{
	struct told told = { .doc = doc_with_paths() };
	struct rewrite_hooks hooks = { .value = hear_value, .arg = &told };
	struct rewriter *r = new_rewriter(&hooks, NULL);
	struct rewrite_counts counts = { 0 };
	struct buf out;

	(void)state;
	buf_init(&out, 10000);
	assert_int_equal(run(r, told.doc, &out, &counts), REWRITE_CHANGED);
	assert_string_equal(told.text,
	    "a: " OLD "1 -> " NEW "1\n"
	    "b..1.u: <" OLD "2> /uploads/3 -> <" NEW "2> /u/3\n"
	    "f: g('" OLD "5') -> g('" NEW "5')\n"
	    "f.in: " OLD "4 -> " NEW "4\n"
	    "s: " OLD "6 -> " NEW "6\n"
	    "c: " OLD "7 -> " NEW "7\n");
	rewriter_free(r);

	told.text[0] = '\0';
	hooks = (struct rewrite_hooks){ .link = hear_link, .arg = &told };
	r = new_rewriter(&hooks, NULL);
	buf_reset(&out);
	assert_int_equal(run(r, told.doc, &out, &counts), REWRITE_CHANGED);
	assert_string_equal(told.text,
	    "a = 0 " OLD "|1\n"
	    "b..1.u = 0 " OLD "|2\n"
	    "b..1.u = 1 /uploads/|3\n"
	    "f = 0 " OLD "|5\n"
	    "f.in = 0 " OLD "|4\n"
	    "s = 0 " OLD "|6\n"
	    "c = 0 " OLD "|7\n");
	assert_true(doc_valid(out.data, out.len));
	rewriter_free(r);
	buf_free(&out);
	bson_destroy((bson_t *)told.doc);
}

/* Hosts without a rule: only in values that are rewritten. */
static void
hosts_are_told(void **state)
{
	struct told told = { .doc = BCON_NEW("_id", "//old.example/", "a", "[",
	    "{", "b", "ftp://old.example:21 x@old.example", "}", "]",
	    "old.example", BCON_NULL, "skip", "//old.example/") };
	struct rewrite_hooks hooks = { .host = hear_host, .arg = &told };
	struct rewriter *r = new_rewriter(&hooks, "db.*:skip");
	struct rewrite_counts counts = { 0 };
	struct buf out;

	(void)state;
	buf_init(&out, 10000);
	assert_int_equal(run(r, told.doc, &out, &counts), REWRITE_SAME);
	assert_string_equal(told.text,
	    "a.0.b ? old.example\na.0.b ? old.example\n");
	assert_int_equal(counts.no_rule, 1);
	buf_free(&out);
	rewriter_free(r);
	bson_destroy((bson_t *)told.doc);
}

/* Places left alone have no links. */
static void
left_alone_is_not_told(void **state)
{
	struct told told = { .doc = BCON_NEW("_id", OLD "1", "m", "{", "$ref",
	    OLD "2", "$id", OLD "3", "}", OLD "4", BCON_NULL, "skip", "{",
	    "a", "[", OLD "5", "]", "}") };
	struct rewrite_hooks hooks = { .link = hear_link, .host = hear_host,
	    .value = hear_value, .arg = &told };
	struct rewriter *r = new_rewriter(&hooks, "db.*:skip");
	struct rewrite_counts counts = { 0 };
	struct buf out;

	(void)state;
	buf_init(&out, 10000);
	assert_int_equal(run(r, told.doc, &out, &counts), REWRITE_SAME);
	assert_string_equal(told.text, "");
	assert_int_equal(counts.ids, 3);
	assert_int_equal(counts.keys, 1);
	assert_int_equal(counts.dbrefs, 1);
	assert_int_equal(counts.values, 0);
	buf_free(&out);
	rewriter_free(r);
	bson_destroy((bson_t *)told.doc);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(hooks_are_told_paths),
		cmocka_unit_test(hosts_are_told),
		cmocka_unit_test(left_alone_is_not_told),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
