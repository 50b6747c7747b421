#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <bson/bson.h>

#include "bson/doc.h"
#include "bson/rewrite.h"

#define OLD "https://old.example/"
#define NEW "https://new-host.example/"

static const struct match_rule_spec specs[] = {
	{ OLD, NEW }, { "/uploads/", "/u/" },
	{ "https://long-name.old.example/", "/l/" },
};

static struct match_rules *rules;

static int
set_up(void **state)
{
	struct err err;

	(void)state;
	rules = match_rules_new(specs, 3, &err);
	return rules == NULL;
}

static int
tear_down(void **state)
{

	(void)state;
	match_rules_free(rules);
	return 0;
}

static struct rewriter *
new_rewriter(const struct rewrite_hooks *hooks, const char *skip)
{
	char *entries[] = { (char *)skip };
	struct strings list = { entries, skip == NULL ? 0 : 1 };
	struct rewriter_options options = { .rules = rules, .ns = "db.c",
	    .skip = &list, .count_dbrefs = true };
	struct rewriter *r;
	struct err err;

	if (hooks != NULL)
		options.hooks = *hooks;
	if ((r = rewriter_new(&options, &err)) == NULL)
		fail_msg("%s", err.message);
	return r;
}

static enum rewrite_outcome
run(struct rewriter *r, const bson_t *doc, struct buf *out,
    struct rewrite_counts *counts)
{
	struct err err;

	return rewrite_document(r, bson_get_data(doc), doc->len, out, counts,
	    &err);
}

/* Behind what out holds already, as into a batch. */
static void
appends_to_out(void **state)
{
	struct rewriter *r = new_rewriter(NULL, NULL);
	struct rewrite_counts counts = { .documents = 5, .values = 7 };
	bson_t *doc = BCON_NEW("a", OLD "x", "b", "{", "c", "/uploads/y", "}",
	    "d", "other");
	bson_t *want = BCON_NEW("a", NEW "x", "b", "{", "c", "/u/y", "}",
	    "d", "other");
	bson_t *plain = BCON_NEW("a", "nothing");
	struct buf out;

	(void)state;
	buf_init(&out, 10000);
	buf_append_str(&out, "before");
	assert_int_equal(run(r, doc, &out, &counts), REWRITE_CHANGED);
	assert_int_equal(run(r, plain, &out, &counts), REWRITE_SAME);
	assert_int_equal(run(r, doc, &out, &counts), REWRITE_CHANGED);
	assert_int_equal(out.len, 6 + 2 * want->len);
	assert_memory_equal(out.data, "before", 6);
	assert_memory_equal(out.data + 6, bson_get_data(want), want->len);
	assert_memory_equal(out.data + 6 + want->len, bson_get_data(want),
	    want->len);
	assert_int_equal(counts.documents, 7);
	assert_int_equal(counts.values, 11);
	buf_free(&out);
	bson_destroy(plain);
	bson_destroy(want);
	bson_destroy(doc);
	rewriter_free(r);
	rewriter_free(NULL);
}

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

static bson_t *
doc_with_paths(void)
{
	bson_t *scope = BCON_NEW("in", OLD "4");
	bson_t *doc = BCON_NEW("a", OLD "1", "b", "{", "", "[", BCON_NULL,
	    "{", "u", "<" OLD "2> /uploads/3", "}", "]", "}",
	    "same", "nothing");

	bson_append_code_with_scope(doc, "f", -1, "g('" OLD "5')", scope);
	bson_append_symbol(doc, "s", -1, OLD "6", -1);
	bson_append_code(doc, "c", -1, OLD "7");
	bson_destroy(scope);
	return doc;
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

static void
dbrefs_are_counted_when_asked(void **state)
{
	struct rewriter_options options = { .ns = "db.c",
	    .count_dbrefs = true };
	bson_t *doc = BCON_NEW("_id", "{", "$ref", "c", "$id", BCON_INT32(1),
	    "}", "list", "[", "{", "$ref", "c", "$id", BCON_INT32(2), "$db",
	    "d", "}", "{", "$ref", BCON_INT32(1), "$id", BCON_INT32(1), "}",
	    "]", "x", "{", "$id", BCON_INT32(1), "$ref", "c", "}",
	    "y", "{", "$ref", "c", "}");
	struct rewrite_counts counts = { 0 };
	struct rewriter *r;
	struct buf out;
	struct err err;

	(void)state;
	buf_init(&out, 1000);
	options.rules = match_rules_new(NULL, 0, &err);
	r = rewriter_new(&options, &err);
	assert_true(rewrite_possible(r, bson_get_data(doc), doc->len));
	assert_int_equal(run(r, doc, &out, &counts), REWRITE_SAME);
	assert_int_equal(counts.dbrefs, 2);
	rewriter_free(r);
	options.count_dbrefs = false;
	r = rewriter_new(&options, &err);
	assert_false(rewrite_possible(r, bson_get_data(doc), doc->len));
	assert_int_equal(run(r, doc, &out, &counts), REWRITE_SAME);
	assert_int_equal(counts.dbrefs, 2);
	rewriter_free(r);
	match_rules_free((struct match_rules *)options.rules);
	buf_free(&out);
	bson_destroy(doc);
}

static void
skip_must_be_readable(void **state)
{
	static const char *const bad[] = { "db.c", "db.c:", ":a", "", ":" };
	struct rewriter_options options = { .rules = rules, .ns = "x.y" };
	struct strings list = { 0 };
	struct err err;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		strings_add(&list, "x.y:fine");
		strings_add(&list, bad[i]);
		options.skip = &list;
		assert_null(rewriter_new(&options, &err));
		assert_int_equal(err.kind, ERR_USAGE);
		assert_non_null(strstr(err.message, bad[i]));
		assert_string_not_equal(err.hint, "");
		strings_free(&list);
	}
}

/* A sound document cut short or bent: never CHANGED, never beyond its end. */
static void
malformed_documents_fail(void **state)
{
	struct rewriter *r = new_rewriter(NULL, NULL);
	bson_t *doc = doc_with_paths();
	struct rewrite_counts counts = { 0 };
	struct buf out;
	struct err err;
	size_t len, i, failed = 0;
	uint8_t *copy;

	(void)state;
	buf_init(&out, 10000);
	buf_append_str(&out, "before");
	for (len = 0; len < doc->len; len++) {
		copy = malloc(len == 0 ? 1 : len);
		memcpy(copy, bson_get_data(doc), len);
		assert_int_equal(rewrite_document(r, copy, len, &out, &counts,
		    &err), REWRITE_FAILED);
		assert_int_equal(err.kind, ERR_DAMAGED);
		if (len >= 4) {
			copy[0] = (uint8_t)len;
			copy[1] = (uint8_t)(len >> 8);
			assert_int_not_equal(rewrite_document(r, copy, len,
			    &out, &counts, &err), REWRITE_CHANGED);
		}
		free(copy);
	}
	for (i = 0; i < doc->len; i++) {
		copy = malloc(doc->len);
		memcpy(copy, bson_get_data(doc), doc->len);
		copy[i] ^= 0x80;
		out.len = 6;
		if (rewrite_document(r, copy, doc->len, &out, &counts, &err) ==
		    REWRITE_FAILED) {
			assert_int_equal(out.len, 6);
			assert_false(doc_valid(copy, doc->len));
			failed++;
		} else {
			assert_true(doc_valid(copy, doc->len));
		}
		free(copy);
	}
	assert_true(failed > 20);
	assert_memory_equal(out.data, "before", 6);
	buf_free(&out);
	bson_destroy(doc);
	rewriter_free(r);
}

/* Every limit that out may have ends in all or nothing. */
static void
no_room_in_out(void **state)
{
	struct rewriter *r = new_rewriter(NULL, NULL);
	bson_t *doc = doc_with_paths();
	struct rewrite_counts counts = { 0 };
	struct buf out;
	struct err err;
	size_t max;
	enum rewrite_outcome outcome = REWRITE_FAILED;

	(void)state;
	for (max = 1; outcome == REWRITE_FAILED; max++) {
		buf_init(&out, max);
		outcome = rewrite_document(r, bson_get_data(doc), doc->len,
		    &out, &counts, &err);
		if (outcome == REWRITE_FAILED) {
			assert_int_equal(err.kind, ERR_NOMEM);
			assert_int_equal(out.len, 0);
			assert_int_equal(counts.values, 0);
		} else {
			assert_int_equal(out.len, max);
			assert_true(out.len > doc->len);
		}
		buf_free(&out);
	}
	assert_int_equal(counts.documents, 1);
	bson_destroy(doc);
	rewriter_free(r);
}

static char *
repeated(const char *s, size_t times)
{
	size_t n = strlen(s), i;
	char *text = malloc(n * times + 1);

	for (i = 0; i < times; i++)
		memcpy(text + i * n, s, n);
	text[n * times] = '\0';
	return text;
}

/* One value past 16 MiB; the sum of two; and one that shrinks as much as the
 * one before it grew. */
static void
size_counts_at_the_end(void **state)
{
	struct rewriter *r = new_rewriter(NULL, NULL);
	struct rewrite_counts counts = { 0 };
	char *small = repeated(" " OLD, 700000);	/* 14.0 to 17.5 MiB */
	char *half = repeated(" " OLD, 350000);		/* 7.0 to 8.7 */
	char *shrinks = repeated(" https://long-name.old.example/", 250000);
	bson_t *one = BCON_NEW("a", BCON_UTF8(small));
	bson_t *two = BCON_NEW("a", BCON_UTF8(half), "b", BCON_UTF8(half));
	bson_t *both = BCON_NEW("a", BCON_UTF8(half), "b", BCON_UTF8(shrinks));
	struct buf out;

	(void)state;
	buf_init(&out, 64u << 20);
	assert_true(two->len < REWRITE_DOC_MAX);
	buf_append_str(&out, "before");
	assert_int_equal(run(r, one, &out, &counts), REWRITE_TOO_LARGE);
	assert_int_equal(out.len, 6);
	assert_int_equal(run(r, two, &out, &counts), REWRITE_TOO_LARGE);
	assert_int_equal(out.len, 6);
	assert_int_equal(counts.documents + counts.values, 0);
	assert_true(both->len + 350000 * 5 > REWRITE_DOC_MAX);
	assert_int_equal(run(r, both, &out, &counts), REWRITE_CHANGED);
	assert_int_equal(out.len, 6 + both->len + 350000 * 5 - 250000 * 27);
	assert_true(doc_valid(out.data + 6, out.len - 6));
	buf_free(&out);
	bson_destroy(both);
	bson_destroy(two);
	bson_destroy(one);
	free(shrinks);
	free(half);
	free(small);
	rewriter_free(r);
}

static void
metadata_is_counted(void **state)
{
	bson_t *doc = BCON_NEW("pipeline", "[", "{", "$match", "{", OLD "a",
	    OLD "b /uploads/c", "}", "}", "]", "_id", OLD "d", "re",
	    BCON_REGEX(OLD, "i"), "n", BCON_INT32(1));

	(void)state;
	assert_int_equal(rewrite_count_metadata(rules, bson_get_data(doc),
	    doc->len), 5);
	assert_int_equal(rewrite_count_metadata(rules, bson_get_data(doc), 3),
	    0);
	bson_destroy(doc);
}

static void
counts_add_up(void **state)
{
	struct rewrite_counts sum = { 1, 2, 3, 4, 5, 6, 7, 8 };
	static const struct rewrite_counts want = { 2, 4, 6, 8, 10, 12, 14, 16 };

	(void)state;
	rewrite_counts_add(&sum, &sum);
	assert_memory_equal(&sum, &want, sizeof(sum));
}

static void *
rewrite_often(void *arg)
{
	struct rewriter *r = new_rewriter(NULL, "db.c:none");
	bson_t *doc = doc_with_paths();
	struct rewrite_counts *counts = arg;
	struct buf out;
	int i;

	buf_init(&out, 10000);
	for (i = 0; i < 500; i++) {
		buf_reset(&out);
		run(r, doc, &out, counts);
	}
	buf_free(&out);
	bson_destroy(doc);
	rewriter_free(r);
	return NULL;
}

/* One rewriter per thread, the rules shared. */
static void
threads_share_rules(void **state)
{
	struct rewrite_counts counts[3] = { { 0 } };
	pthread_t threads[3];
	size_t i;

	(void)state;
	for (i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&threads[i], NULL,
		    rewrite_often, &counts[i]), 0);
	for (i = 0; i < 3; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(counts[i].documents, 500);
		assert_int_equal(counts[i].values, 3000);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(appends_to_out),
		cmocka_unit_test(hooks_are_told_paths),
		cmocka_unit_test(hosts_are_told),
		cmocka_unit_test(left_alone_is_not_told),
		cmocka_unit_test(dbrefs_are_counted_when_asked),
		cmocka_unit_test(skip_must_be_readable),
		cmocka_unit_test(malformed_documents_fail),
		cmocka_unit_test(no_room_in_out),
		cmocka_unit_test(size_counts_at_the_end),
		cmocka_unit_test(metadata_is_counted),
		cmocka_unit_test(counts_add_up),
		cmocka_unit_test(threads_share_rules),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
