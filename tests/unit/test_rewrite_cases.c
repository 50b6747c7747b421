/*
 * The tables of fixtures/rewriting/ that are about documents; the Python
 * reference (tests/reference/) runs the same ones.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <jansson.h>

#include "base/hash.h"
#include "bson/doc.h"
#include "bson/docdigest.h"
#include "bson/rewrite.h"

static const char *
text_of(const json_t *object, const char *name)
{

	return json_string_value(json_object_get(object, name));
}

static void
append_hex(struct buf *out, const char *hex)
{
	size_t n = strlen(hex) / 2;

	assert_true(buf_reserve(out, n + 1));
	assert_true(hash_unhex(hex, out->data + out->len, n));
	out->len += n;
}

/* NAME_hex, or NAME_parts: pairs of hex and how often it is repeated.  False
 * when the case has neither. */
static bool
bytes_of(const json_t *test, const char *name, struct buf *out)
{
	char key[32];
	const json_t *parts, *part;
	json_int_t times;
	size_t i;

	buf_init(out, 2 * REWRITE_DOC_MAX);
	snprintf(key, sizeof(key), "%s_hex", name);
	if (text_of(test, key) != NULL) {
		append_hex(out, text_of(test, key));
		return true;
	}
	snprintf(key, sizeof(key), "%s_parts", name);
	if ((parts = json_object_get(test, key)) == NULL)
		return false;
	json_array_foreach(parts, i, part) {
		times = json_integer_value(json_array_get(part, 1));
		while (times-- > 0)
			append_hex(out,
			    json_string_value(json_array_get(part, 0)));
	}
	return true;
}

static struct match_rules *
rules_of(const json_t *test)
{
	struct match_rule_spec specs[16];
	struct match_rules *rules;
	const json_t *pair;
	struct err err;
	size_t n;

	json_array_foreach(json_object_get(test, "rules"), n, pair) {
		assert_true(n < 16);
		specs[n].from = json_string_value(json_array_get(pair, 0));
		specs[n].to = json_string_value(json_array_get(pair, 1));
	}
	if ((rules = match_rules_new(specs, n, &err)) == NULL)
		fail_msg("%s: %s", text_of(test, "id"), err.message);
	return rules;
}

static struct rewriter *
rewriter_of(const json_t *test, const struct match_rules *rules)
{
	struct strings skip = { 0 };
	struct rewriter_options options = { .rules = rules,
	    .ns = text_of(test, "namespace"), .skip = &skip };
	struct rewriter *r;
	const json_t *entry;
	struct err err;
	size_t i;

	json_array_foreach(json_object_get(test, "skip"), i, entry)
		strings_add(&skip, json_string_value(entry));
	if ((r = rewriter_new(&options, &err)) == NULL)
		fail_msg("%s: %s", text_of(test, "id"), err.message);
	strings_free(&skip);
	return r;
}

static void
check_counts(const json_t *test, const struct rewrite_counts *c)
{
	const struct {
		const char *name;
		uint64_t n;
	} counts[] = {
		{ "documents", c->documents }, { "values", c->values },
		{ "keys", c->keys }, { "ids", c->ids },
		{ "binary", c->binary }, { "regex", c->regex },
		{ "no_rule", c->no_rule },
	};
	const json_t *want = json_object_get(test, "counts");
	size_t i;

	assert_int_equal(json_object_size(want), 7);
	for (i = 0; i < 7; i++) {
		uint64_t n = (uint64_t)json_integer_value(
		    json_object_get(want, counts[i].name));

		if (counts[i].n != n)
			fail_msg("%s: %s is %ju, not %ju", text_of(test, "id"),
			    counts[i].name, (uintmax_t)counts[i].n,
			    (uintmax_t)n);
	}
}

static void
check_document(const json_t *test)
{
	struct match_rules *rules = rules_of(test);
	struct rewriter *r = rewriter_of(test, rules);
	struct rewrite_counts counts = { 0 };
	struct buf doc, want, out;
	enum rewrite_outcome outcome, expected = REWRITE_CHANGED;
	struct err err;

	buf_init(&out, 2 * REWRITE_DOC_MAX);
	buf_append_str(&out, "before");
	assert_true(bytes_of(test, "doc", &doc));
	if (!bytes_of(test, "out", &want)) {
		assert_string_equal(text_of(test, "error"), "too_large");
		expected = REWRITE_TOO_LARGE;
	} else if (want.len == doc.len &&
	    memcmp(want.data, doc.data, doc.len) == 0) {
		expected = REWRITE_SAME;
	}
	outcome = rewrite_document(r, doc.data, doc.len, &out, &counts, &err);
	if (outcome != expected)
		fail_msg("%s: outcome %d", text_of(test, "id"), (int)outcome);
	if (outcome == REWRITE_CHANGED && (out.len != 6 + want.len ||
	    memcmp(out.data + 6, want.data, want.len) != 0))
		fail_msg("%s: other bytes", text_of(test, "id"));
	if (outcome != REWRITE_CHANGED)
		assert_int_equal(out.len, 6);
	assert_memory_equal(out.data, "before", 6);
	if (outcome != REWRITE_TOO_LARGE)
		check_counts(test, &counts);
	buf_free(&out);
	buf_free(&want);
	buf_free(&doc);
	rewriter_free(r);
	match_rules_free(rules);
}

static void
check_digest(const json_t *test)
{
	char hex[DIGEST_HEX_SIZE];
	struct buf doc, canonical;

	assert_true(bytes_of(test, "doc", &doc));
	buf_init(&canonical, doc.len + 1);
	if (json_is_true(json_object_get(test, "time_series"))) {
		assert_true(docdigest_canonical(doc.data, doc.len,
		    text_of(test, "meta_field"), &canonical));
		digest_hex(docdigest(canonical.data, canonical.len), hex);
	} else {
		digest_hex(docdigest(doc.data, doc.len), hex);
	}
	if (strcmp(hex, text_of(test, "digest")) != 0)
		fail_msg("%s: %s", text_of(test, "id"), hex);
	buf_free(&canonical);
	buf_free(&doc);
}

/* Runs check for each line; there must be at least so many. */
static void
run_table(const char *path, void (*check)(const json_t *), size_t least)
{
	FILE *f = fopen(path, "r");
	char *line = NULL;
	size_t size = 0, n = 0;
	json_error_t why;
	json_t *test;

	assert_non_null(f);
	while (getline(&line, &size, f) > 0) {
		if ((test = json_loads(line, 0, &why)) == NULL)
			fail_msg("%s, line %zu: %s", path, n + 1, why.text);
		check(test);
		json_decref(test);
		n++;
	}
	free(line);
	fclose(f);
	assert_true(n >= least);
}

static void
documents(void **state)
{

	(void)state;
	run_table(SF_FIXTURES "/rewriting/bson.jsonl", check_document, 60);
}

static void
digests(void **state)
{

	(void)state;
	run_table(SF_FIXTURES "/rewriting/digest.jsonl", check_digest, 8);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(documents),
		cmocka_unit_test(digests),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
