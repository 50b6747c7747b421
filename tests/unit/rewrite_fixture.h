/*
 * What the rewriter's tests share: three rules, and a document that has URLs in
 * every kind of place that is rewritten.
 */
#ifndef REWRITE_FIXTURE_H
#define REWRITE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <bson/bson.h>

#include "bson/rewrite.h"

#define OLD "https://old.example/"
#define NEW "https://new-host.example/"

static const struct match_rule_spec specs[] = {
	{ OLD, NEW }, { "/uploads/", "/u/" },
	{ "https://long-name.old.example/", "/l/" },
};

static struct match_rules *rules;

static inline int
set_up(void **state)
{
	struct err err;

	(void)state;
	rules = match_rules_new(specs, 3, &err);
	return rules == NULL;
}

static inline int
tear_down(void **state)
{

	(void)state;
	match_rules_free(rules);
	return 0;
}

static inline struct rewriter *
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

static inline enum rewrite_outcome
run(struct rewriter *r, const bson_t *doc, struct buf *out,
    struct rewrite_counts *counts)
{
	struct err err;

	return rewrite_document(r, bson_get_data(doc), doc->len, out, counts,
	    &err);
}

static inline bson_t *
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

#endif
