/*
 * Rewrites documents given as JSON lines, so that another engine can be
 * compared with ours:
 *
 *	{"rules": [["FROM", "TO"], ...], "namespace": "db.c",
 *	 "skip": ["NS:PATH", ...], "doc_hex": "..."}
 * becomes
 *	{"outcome": "same|changed|too_large", "out_hex": "...",
 *	 "counts": {"documents": n, ...}, "digest": "..."}
 * where out_hex and digest are of the document as it goes on (none when it is
 * too large), or {"error": "..."}.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/hash.h"
#include "bson/docdigest.h"
#include "bson/rewrite.h"

#define RULES_MAX 64

static json_t *
error_reply(const char *why)
{

	return json_pack("{s:s?}", "error", why);
}

static struct match_rules *
rules_of(const json_t *request, struct err *err)
{
	struct match_rule_spec specs[RULES_MAX];
	const json_t *pair;
	size_t i, n = 0;

	json_array_foreach(json_object_get(request, "rules"), i, pair) {
		if (n == RULES_MAX)
			break;
		specs[n].from = json_string_value(json_array_get(pair, 0));
		specs[n].to = json_string_value(json_array_get(pair, 1));
		if (specs[n].from != NULL && specs[n].to != NULL)
			n++;
	}
	return match_rules_new(specs, n, err);
}

static struct rewriter *
rewriter_of(const json_t *request, const struct match_rules *rules,
    struct err *err)
{
	struct strings skip = { 0 };
	struct rewriter_options options = { .rules = rules, .skip = &skip,
	    .count_dbrefs = true };
	struct rewriter *r;
	const json_t *entry;
	size_t i;

	options.ns = json_string_value(json_object_get(request, "namespace"));
	if (options.ns == NULL)
		options.ns = "";
	json_array_foreach(json_object_get(request, "skip"), i, entry) {
		if (json_is_string(entry))
			strings_add(&skip, json_string_value(entry));
	}
	r = rewriter_new(&options, err);
	strings_free(&skip);
	return r;
}

/* The document's bytes, of exactly their size; the caller frees them. */
static uint8_t *
doc_of(const json_t *request, size_t *len)
{
	const char *hex;
	uint8_t *doc;

	hex = json_string_value(json_object_get(request, "doc_hex"));
	if (hex == NULL || strlen(hex) % 2 != 0)
		return NULL;
	*len = strlen(hex) / 2;
	doc = malloc(*len == 0 ? 1 : *len);
	if (doc != NULL && !hash_unhex(hex, doc, *len)) {
		free(doc);
		return NULL;
	}
	return doc;
}

static json_t *
counts_reply(const struct rewrite_counts *c)
{

	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}",
	    "documents", (json_int_t)c->documents,
	    "values", (json_int_t)c->values,
	    "keys", (json_int_t)c->keys,
	    "ids", (json_int_t)c->ids,
	    "binary", (json_int_t)c->binary,
	    "regex", (json_int_t)c->regex,
	    "no_rule", (json_int_t)c->no_rule,
	    "dbrefs", (json_int_t)c->dbrefs);
}

static void
add_document(json_t *reply, const uint8_t *doc, size_t len)
{
	char digest[DIGEST_HEX_SIZE], *hex = malloc(2 * len + 1);

	if (hex != NULL) {
		hash_hex(doc, len, hex);
		json_object_set_new(reply, "out_hex", json_string(hex));
		free(hex);
	}
	digest_hex(docdigest(doc, len), digest);
	json_object_set_new(reply, "digest", json_string(digest));
}

static json_t *
rewrite(struct rewriter *r, const uint8_t *doc, size_t len)
{
	struct rewrite_counts counts = { 0 };
	json_t *reply = json_object();
	const char *outcome = "same";
	struct buf out;
	struct err err;

	buf_init(&out, REWRITE_DOC_MAX);
	switch (rewrite_document(r, doc, len, &out, &counts, &err)) {
	case REWRITE_SAME:
		add_document(reply, doc, len);
		break;
	case REWRITE_CHANGED:
		outcome = "changed";
		add_document(reply, out.data, out.len);
		break;
	case REWRITE_TOO_LARGE:
		outcome = "too_large";
		break;
	case REWRITE_FAILED:
		outcome = NULL;
		break;
	}
	buf_free(&out);
	if (outcome == NULL) {
		json_decref(reply);
		return error_reply(err.message);
	}
	json_object_set_new(reply, "outcome", json_string(outcome));
	json_object_set_new(reply, "counts", counts_reply(&counts));
	return reply;
}

static json_t *
answer(const json_t *request)
{
	struct match_rules *rules = NULL;
	struct rewriter *r = NULL;
	uint8_t *doc;
	json_t *reply;
	struct err err;
	size_t len;

	if ((doc = doc_of(request, &len)) == NULL)
		return error_reply("no doc_hex");
	if ((rules = rules_of(request, &err)) == NULL ||
	    (r = rewriter_of(request, rules, &err)) == NULL)
		reply = error_reply(err.message);
	else
		reply = rewrite(r, doc, len);
	rewriter_free(r);
	match_rules_free(rules);
	free(doc);
	return reply;
}

int
main(void)
{
	char *line = NULL;
	size_t size = 0;
	json_t *request, *reply;
	json_error_t why;

	while (getline(&line, &size, stdin) > 0) {
		request = json_loads(line, 0, &why);
		reply = request == NULL ? error_reply(why.text) :
		    answer(request);
		json_dumpf(reply, stdout, JSON_COMPACT);
		putchar('\n');
		fflush(stdout);
		json_decref(reply);
		json_decref(request);
	}
	free(line);
	return 0;
}
