/*
 * Which places of a document are looked at: what the shared table
 * (test_rewrite_cases.c) does not have.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <bson/bson.h>

#include "bson/rewrite.h"

#define OLD "https://old.example/"
#define NEW "https://new.example/"	/* as long: lengths stay */

static struct match_rules *rules;

static int
set_up(void **state)
{
	static const struct match_rule_spec spec = { OLD, NEW };
	struct err err;

	(void)state;
	return (rules = match_rules_new(&spec, 1, &err)) == NULL;
}

static int
tear_down(void **state)
{

	(void)state;
	match_rules_free(rules);
	return 0;
}

/* Rewrites doc and frees it. */
static struct rewrite_counts
count(bson_t *doc, const char *ns, const char *skip, struct buf *out)
{
	char *entries[] = { (char *)skip };
	struct strings list = { entries, skip == NULL ? 0 : 1 };
	struct rewriter_options options = { .rules = rules, .ns = ns,
	    .skip = &list };
	struct rewrite_counts counts = { 0 };
	struct rewriter *r;
	enum rewrite_outcome outcome;
	struct err err;

	if ((r = rewriter_new(&options, &err)) == NULL)
		fail_msg("%s", err.message);
	outcome = rewrite_document(r, bson_get_data(doc), doc->len, out,
	    &counts, &err);
	if (outcome == REWRITE_FAILED)
		fail_msg("%s", err.message);
	assert_int_equal(outcome, counts.documents ? REWRITE_CHANGED :
	    REWRITE_SAME);
	rewriter_free(r);
	bson_destroy(doc);
	return counts;
}

static void
files_are_named_by_their_collection(void **state)
{
	static const struct {
		const char *ns;
		bool files;
	} cases[] = {
		{ "db.fs.files", true }, { "db.a.b.files", true },
		{ "db..files", true }, { "db.files", false },
		{ "db.userfiles", false }, { "db.fs.files2", false },
		{ "db.files.x", false }, { "x.files", false }, { "db", false },
	};
	struct rewrite_counts c;
	struct buf out;
	size_t i;

	(void)state;
	buf_init(&out, 10000);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		c = count(BCON_NEW("filename", OLD, "m", "{", "filename", OLD,
		    "}", "Filename", OLD), cases[i].ns, NULL, &out);
		if (c.ids != cases[i].files || c.values + c.ids != 3)
			fail_msg("%s", cases[i].ns);
	}
	buf_free(&out);
}

static void
a_dbref_begins_with_both_keys(void **state)
{
	struct rewrite_counts c;
	bson_t *doc, *scope;
	struct buf out;

	(void)state;
	buf_init(&out, 10000);
	c = count(BCON_NEW("a", "{", "$ref", OLD, "x", OLD, "$id", OLD, "}"),
	    "db.c", NULL, &out);
	assert_int_equal(c.values, 3);
	assert_int_equal(c.dbrefs, 0);
	c = count(BCON_NEW("a", "{", "$ref", OLD, "$id", OLD, "$ref", OLD, "x",
	    OLD, "$db", OLD, "in", "{", "$db", OLD, "}", "}"), "db.c", NULL,
	    &out);
	assert_int_equal(c.values, 2);
	assert_int_equal(c.ids, 4);
	assert_int_equal(c.dbrefs, 1);
	/* A scope is no subdocument, an array neither. */
	scope = BCON_NEW("$ref", OLD, "$id", OLD);
	doc = bson_new();
	bson_append_code_with_scope(doc, "f", -1, "f()", scope);
	c = count(doc, "db.c", NULL, &out);
	assert_int_equal(c.values, 2);
	doc = bson_new();
	bson_append_document(doc, "a", -1, scope);
	((uint8_t *)bson_get_data(doc))[4] = BSON_TYPE_ARRAY;
	c = count(doc, "db.c", NULL, &out);
	assert_int_equal(c.values, 2);
	bson_destroy(scope);
	buf_free(&out);
}

static void
skipped_paths(void **state)
{
	static const struct {
		const char *skip;
		uint64_t values;
	} cases[] = {
		/* {x: [OLD, {u: OLD}, [{0: OLD}]], "a:b": OLD, y: {z: {u: OLD}},
		 * "": {"": OLD}, e: {u: OLD}} */
		{ "db.c:x.0", 6 }, { "db.c:x.1", 7 }, { "db.c:x", 4 },
		{ "db.c:x.u", 6 }, { "db.c:a:b", 6 }, { "db.c:a", 7 },
		{ "db.c:*", 0 }, { "db.c:*.*", 2 }, { "db.c:*.*.*", 6 },
		{ "db.c:y.z.u", 6 }, { "db.c:y.u", 7 }, { "db.c:*.u", 5 },
		{ "db.c:y.*.u", 6 }, { "db.c:*.*.u", 6 }, { "db.c:.", 6 },
		{ "db.c:.x", 7 }, { "db.c:e.u.v", 7 }, { "?b.*:e", 6 },
	};
	struct rewrite_counts c;
	struct buf out;
	size_t i;

	(void)state;
	buf_init(&out, 10000);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		c = count(BCON_NEW("x", "[", OLD, "{", "u", OLD, "}", "[", "{",
		    "0", OLD, "}", "]", "]", "a:b", OLD, "y", "{", "z", "{",
		    "u", OLD, "}", "}", "", "{", "", OLD, "}", "e", "{", "u",
		    OLD, "}"), "db.c", cases[i].skip, &out);
		if (c.values != cases[i].values)
			fail_msg("%s: %ju", cases[i].skip, (uintmax_t)c.values);
	}
	buf_free(&out);
}

/* {key: /pattern/options} by hand: libbson drops options it does not know. */
static bson_t *
regex(const char *key, const char *pattern, const char *options)
{
	uint8_t raw[200] = { 0 }, *p = raw + 4;

	*p++ = BSON_TYPE_REGEX;
	p = (uint8_t *)stpcpy((char *)p, key) + 1;
	p = (uint8_t *)stpcpy((char *)p, pattern) + 1;
	p = (uint8_t *)stpcpy((char *)p, options) + 1;
	raw[0] = (uint8_t)(p + 1 - raw);
	return bson_new_from_data(raw, raw[0]);
}

static void
regex_pattern_and_options(void **state)
{
	struct rewrite_counts c;
	struct buf out;

	(void)state;
	buf_init(&out, 10000);
	c = count(regex("r", OLD "a " OLD, OLD), "db.c", NULL, &out);
	assert_int_equal(c.regex, 3);
	c = count(regex("_id", OLD, OLD), "db.c", NULL, &out);
	assert_int_equal(c.regex, 0);
	assert_int_equal(c.ids, 2);
	buf_free(&out);
}

/* So deep a document, the innermost value OLD. */
static bson_t *
nested(int depth)
{
	bson_t *doc = BCON_NEW("u", OLD), *outer;

	while (--depth > 0) {
		outer = bson_new();
		if (depth % 3 == 0)
			bson_append_code_with_scope(outer, "s", -1, OLD, doc);
		else
			bson_append_document(outer, "d", -1, doc);
		bson_destroy(doc);
		doc = outer;
	}
	return doc;
}

static void
two_hundred_deep(void **state)
{
	struct rewriter_options options = { .rules = rules, .ns = "db.c" };
	struct rewrite_counts c;
	struct rewriter *r;
	bson_t *doc = nested(201);
	struct buf out;
	struct err err;

	(void)state;
	buf_init(&out, 100000);
	c = count(nested(200), "db.c", NULL, &out);
	assert_int_equal(c.values, 1 + 199 / 3);
	buf_reset(&out);
	r = rewriter_new(&options, &err);
	assert_int_equal(rewrite_document(r, bson_get_data(doc), doc->len, &out,
	    &c, &err), REWRITE_FAILED);
	assert_int_equal(err.kind, ERR_DAMAGED);
	assert_int_equal(out.len, 0);
	rewriter_free(r);
	bson_destroy(doc);
	buf_free(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_are_named_by_their_collection),
		cmocka_unit_test(a_dbref_begins_with_both_keys),
		cmocka_unit_test(skipped_paths),
		cmocka_unit_test(regex_pattern_and_options),
		cmocka_unit_test(two_hundred_deep),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
