/*
 * Rules and a text from the input, and what must hold for any of them.
 *
 * An input whose first byte is below 32 is a text for one of the sets of rules
 * below.  Any other is lines FROM, TO, FROM, TO, ..., an empty line and a text.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "match/match.h"

#define RULES_MAX 8
#define OUT_MAX ((size_t)64 << 20)
#define FORMS_MAX 16		/* more would be no end */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const sets[][2 * RULES_MAX + 1] = {
	{ "https://old.example/", "https://new.example/", NULL },
	{ "https://old.example", "https://new.example/x:y?z", NULL },
	{ "/uploads/", "https://cdn.example/u/", "/up", "/files/x", NULL },
	{ "https://*.a.b/", "https://c.example/s/$1/", "https://a.b:81",
	    "//c.example", "/d?e=", "/f/", NULL },
	{ "http://\xc3\xa9.b/", "/c/", "https://*.\xc3\xa9.b/", "/d/$1/",
	    "https://a", "https://b", NULL },
	{ "https://a.b/c", "", "https://a.b/c/", "/", "http://a.b/c",
	    "/d?e=", "/c?u=", "/c?u=", NULL },
};

#define SETS (sizeof(sets) / sizeof(sets[0]))

#define CHECK(x) do { \
	if (!(x)) { \
		fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #x); \
		abort(); \
	} \
} while (0)

/* What the links of one text told. */
struct seen {
	const char *text;
	size_t len;
	size_t n;
	size_t first, last;	/* where the first begins, where the last ends */
	bool glued;
};

static void
on_link(const struct match_link *link, void *arg)
{
	struct seen *seen = arg;
	struct buf b;
	size_t start = (size_t)(link->match - seen->text), end, i;

	end = start + link->match_len;
	CHECK(link->match_len > 0 && start >= seen->last && end <= seen->len);
	CHECK(link->tail == seen->text + end);
	CHECK(link->tail_len <= seen->len - end);
	CHECK(link->escaped_slash >= link->match && link->escaped_slash_len > 0);
	if (link->star_len > 0)
		CHECK(link->star > link->match && link->star + link->star_len <=
		    link->tail);
	buf_init(&b, OUT_MAX);
	for (i = 0; match_link_form(link, i, &b); i++) {
		CHECK(i < FORMS_MAX && b.len <= link->tail_len);
		CHECK(i > 0 || (b.len == link->tail_len &&
		    (b.len == 0 || memcmp(b.data, link->tail, b.len) == 0)));
		buf_reset(&b);
	}
	CHECK(i > 0);
	buf_free(&b);
	if (seen->n == 0)
		seen->first = start;
	seen->last = end;
	seen->n++;
	/* A backslash before a scheme becomes part of a TO that begins with
	 * '/': a second pass reads it as an escaped slash. */
	if (start > 0 && seen->text[start - 1] == '\\')
		seen->glued = true;
}

/* Nothing grows past its maximum, and what was there stays. */
static void
check_full(const struct match_rules *rules, const char *text, size_t len,
    size_t written)
{
	struct match_result r;
	struct buf out;

	buf_init(&out, written / 2 + 3);
	CHECK(buf_append_str(&out, "xyz"));
	if (match_text(rules, text, len, &out, &r, NULL, NULL))
		CHECK(out.len == written + 3);
	else
		CHECK(out.len == 3);
	CHECK(memcmp(out.data, "xyz", 3) == 0);
	buf_free(&out);
}

/* Without a warning a second pass changes nothing. */
static void
check_second_pass(const struct match_rules *rules, const struct buf *once)
{
	struct match_result r;
	struct buf twice;

	buf_init(&twice, OUT_MAX);
	CHECK(match_text(rules, (const char *)once->data, once->len, &twice, &r,
	    NULL, NULL));
	CHECK(r.matches == 0 || (twice.len == once->len &&
	    memcmp(twice.data, once->data, once->len) == 0));
	buf_free(&twice);
}

static void
count_host(const struct match_host *h, void *arg)
{
	uint64_t *n = arg;

	CHECK(h->text <= h->name && h->name_len > h->label_len);
	CHECK((size_t)(h->name - h->text) + h->name_len <= h->len);
	CHECK(h->at <= (size_t)(h->name - h->text));
	CHECK(h->port == NULL || (h->port_len > 0 && h->port_len <= 5));
	(*n)++;
}

/* Each host that is counted is told. */
static void
check_hosts(const struct match_rules *rules, const char *text, size_t len,
    const struct match_result *r)
{
	uint64_t n = 0;

	match_hosts(rules, text, len, count_host, &n);
	CHECK(n >= r->no_rule && (n == 0 || r->hosts));
}

static void
check_text(const struct match_rules *rules, const char *text, size_t len)
{
	struct seen seen = { .text = text, .len = len };
	struct match_result r, counted;
	struct buf out;
	char why[300];
	bool possible, unstable;
	size_t rest;

	why[0] = '\0';
	unstable = match_rules_unstable(rules, why, sizeof(why));
	CHECK(!unstable || why[0] != '\0');
	possible = match_possible(rules, text, len);
	/* No part of an impossible text is possible. */
	CHECK(possible || !match_possible(rules, text + len / 3, len / 2));

	buf_init(&out, OUT_MAX);
	CHECK(match_text(rules, text, len, &out, &r, on_link, &seen));
	CHECK(possible || (r.matches == 0 && r.no_rule == 0));
	CHECK(r.matches == seen.n);
	check_hosts(rules, text, len, &r);
	match_count(rules, text, len, &counted);
	CHECK(counted.matches == r.matches && counted.no_rule == r.no_rule);
	if (r.matches == 0) {
		CHECK(out.len == 0 && out.data == NULL);
	} else {
		/* What stands around the matches stays. */
		rest = len - seen.last;
		CHECK(out.len >= seen.first + rest);
		CHECK(seen.first == 0 || memcmp(out.data, text, seen.first) == 0);
		CHECK(rest == 0 || memcmp(out.data + out.len - rest,
		    text + seen.last, rest) == 0);
		check_full(rules, text, len, out.len);
		if (!unstable && !seen.glued)
			check_second_pass(rules, &out);
	}
	buf_free(&out);
}

/* Takes lines FROM, TO, ... off the input; the specs point into it. */
static size_t
parse_rules(char *s, struct match_rule_spec *spec, const char **text)
{
	char *line[2], *end;
	size_t n = 0, i;

	for (;;) {
		for (i = 0; i < 2; i++) {
			line[i] = s;
			if ((end = strchr(s, '\n')) == NULL)
				break;
			*end = '\0';
			s = end + 1;
			if (i == 0 && line[0][0] == '\0')
				break;
		}
		*text = s;
		if (i < 2 || n == RULES_MAX)
			return n;
		spec[n].from = line[0];
		spec[n].to = line[1];
		n++;
	}
}

static struct match_rules *
rules_of_set(size_t set)
{
	struct match_rule_spec spec[RULES_MAX];
	struct err err;
	size_t n;

	for (n = 0; sets[set][2 * n] != NULL; n++) {
		spec[n].from = sets[set][2 * n];
		spec[n].to = sets[set][2 * n + 1];
	}
	return match_rules_new(spec, n, &err);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct match_rule_spec spec[RULES_MAX];
	struct match_rules *rules;
	struct err err;
	const char *text;
	char *copy, *alone;
	size_t n, len;

	if (size == 0)
		return 0;
	if ((copy = malloc(size + 1)) == NULL)
		return 0;
	memcpy(copy, data, size);
	copy[size] = '\0';
	if (data[0] < 32) {
		rules = rules_of_set(data[0] % SETS);
		CHECK(rules != NULL);
		text = copy + 1;
	} else {
		n = parse_rules(copy, spec, &text);
		rules = match_rules_new(spec, n, &err);
		CHECK(rules != NULL || (err.kind == ERR_RULE &&
		    err.message[0] != '\0' && err.hint[0] != '\0'));
	}
	if (rules != NULL) {
		/* In a block of its own size: reading past it is noticed. */
		len = size - (size_t)(text - copy);
		if ((alone = malloc(len > 0 ? len : 1)) != NULL) {
			memcpy(alone, text, len);
			check_text(rules, alone, len);
		}
		free(alone);
	}
	match_rules_free(rules);
	free(copy);
	return 0;
}
