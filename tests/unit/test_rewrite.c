#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <bson/bson.h>

#include "bson/doc.h"
#include "rewrite_fixture.h"

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
