/*
 * What the matcher's tests share: rules from a list of strings, and texts
 * rewritten into strings.
 */
#ifndef MATCH_FIXTURE_H
#define MATCH_FIXTURE_H

#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "match/match.h"

#define FIXTURE_RULES 8
#define FIXTURE_MAX ((size_t)64 << 20)

/* Pairs FROM, TO, ended by NULL. */
struct fixture_rules {
	const char *pair[2 * FIXTURE_RULES + 1];
};

static inline struct match_rules *
fixture_compile(const struct fixture_rules *f, struct err *err)
{
	struct match_rule_spec spec[FIXTURE_RULES];
	size_t n;

	for (n = 0; f->pair[2 * n] != NULL; n++) {
		spec[n].from = f->pair[2 * n];
		spec[n].to = f->pair[2 * n + 1];
	}
	return match_rules_new(spec, n, err);
}

static inline struct match_rules *
fixture_rules(const struct fixture_rules *f)
{
	struct match_rules *rules;
	struct err err;

	if ((rules = fixture_compile(f, &err)) == NULL)
		fail_msg("%s", err.message);
	return rules;
}

/* Rewrites text; fails unless it becomes want with so many matches and so many
 * hosts without a rule.  Checks what every call promises besides. */
static inline void
fixture_expect(const struct match_rules *rules, const char *text,
    const char *want, unsigned matches, unsigned no_rule)
{
	struct match_result r, counted;
	struct buf out;
	const char *got;

	buf_init(&out, FIXTURE_MAX);
	assert_true(buf_append_str(&out, "<<"));
	assert_true(match_text(rules, text, strlen(text), &out, &r, NULL, NULL));
	got = r.matches == 0 ? text : buf_str(&out) + 2;
	if (strcmp(got, want) != 0 || r.matches != matches ||
	    r.no_rule != no_rule)
		fail_msg("%s\n became %s (%u, %u)\n  not   %s (%u, %u)", text,
		    got, (unsigned)r.matches, (unsigned)r.no_rule, want,
		    matches, no_rule);
	if (r.matches == 0)
		assert_int_equal(out.len, 2);
	match_count(rules, text, strlen(text), &counted);
	assert_int_equal(counted.matches, r.matches);
	assert_int_equal(counted.no_rule, r.no_rule);
	if (r.matches > 0 || r.no_rule > 0)
		assert_true(match_possible(rules, text, strlen(text)));
	buf_free(&out);
}

#endif
