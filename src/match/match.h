/*
 * URL rewriting over plain text (docs/REWRITING.md): a set of rules, each a
 * URL prefix FROM and its replacement TO, is compiled once and then applied to
 * any number of texts.
 *
 * Order of calls: match_rules_new() with all rules, then match_possible(),
 * match_text() and match_count() from any number of threads at once (the
 * compiled rules never change), then match_rules_free() when no thread uses
 * them.
 *
 * Texts are bytes; they need not be valid UTF-8 and may hold NUL.  No text
 * takes more than linear time.
 */
#ifndef MATCH_MATCH_H
#define MATCH_MATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

struct match_rules;

/* One rule as the user gave it; both strings are copied. */
struct match_rule_spec {
	const char *from;
	const char *to;
};

/* One rewritten URL, told to a match_link_fn. */
struct match_link {
	size_t rule;		/* index of the rule, in the order given */
	const char *match;	/* the text that matched, in the source text */
	size_t match_len;
	const char *tail;	/* what follows it up to the link's end (point 10),
				 * before any replacement, in the source text;
				 * 4096 bytes at most, which no name reaches */
	size_t tail_len;
	const char *star;	/* what '*' stood for, star_len 0 without '*' */
	size_t star_len;
	bool percent;		/* found in %2F style: the tail is encoded once more */
	const char *escaped_slash; /* the first '/' of the match as it is spelled */
	size_t escaped_slash_len;
};

/* Called for each match in order; the pointers live for the call only. */
typedef void match_link_fn(const struct match_link *link, void *arg);

struct match_result {
	uint64_t matches;	/* matches replaced */
	uint64_t no_rule;	/* a FROM's host standing in no match (point 4) */
	bool hosts;		/* match_hosts() may have something to tell */
};

/* A FROM's host in no match, told to a match_host_fn: each of no_rule, and the
 * same hosts with ports that no_rule leaves out. */
struct match_host {
	const char *text;	/* the whole source text */
	size_t len;
	size_t at;		/* where it begins: at the scheme if it has one */
	const char *name;	/* as it stands there, the label of '*' included */
	size_t name_len;
	size_t label_len;	/* what '*' stood for; 0 without '*' */
	const char *port;	/* digits; NULL: none, or the scheme's default */
	size_t port_len;
	bool link;		/* in a URL that a rule may rewrite: behind a
				 * scheme or "//"; else a bare host, an e-mail
				 * address, another scheme … */
};

/* Called for each in order; the pointers live for the call only. */
typedef void match_host_fn(const struct match_host *host, void *arg);

/* Compiles n rules (n may be 0).  Checks point 1 of the contract for each and
 * between them.  NULL with *err (ERR_RULE naming the rule, or ERR_NOMEM). */
struct match_rules *match_rules_new(const struct match_rule_spec *specs,
    size_t n, struct err *err);

/* NULL is allowed. */
void match_rules_free(struct match_rules *rules);

size_t match_rules_count(const struct match_rules *rules);

/* The host of the FROM of rule number i, in lower case, with '*' and with its
 * port unless that is its scheme's default; "" for a path.  Lives as long as
 * the rules. */
const char *match_rules_host(const struct match_rules *rules, size_t i);

/* Point 7: true when a second pass over rewritten text may change it again;
 * why gets one line that names the rules (for the warning). */
bool match_rules_unstable(const struct match_rules *rules, char *why,
    size_t why_size);

/* A fast test without false negatives: false means that match_text() would
 * find neither a match nor a no_rule occurrence in these bytes, nor in any
 * part of them.  Meant for whole batches of raw documents. */
bool match_possible(const struct match_rules *rules, const void *bytes,
    size_t len);

/* Rewrites text once, from left to right.  With at least one match the whole
 * rewritten text is appended to out; without one, out is left as it is and
 * result->matches is 0.  on_link may be NULL.  False only when out cannot grow
 * (its max, or memory): out->len is then as before the call. */
bool match_text(const struct match_rules *rules, const char *text, size_t len,
    struct buf *out, struct match_result *result, match_link_fn *on_link,
    void *arg);

/* Counts without rewriting: matches in *result as match_text would. */
void match_count(const struct match_rules *rules, const char *text, size_t len,
    struct match_result *result);

/* Tells the hosts that stand in no match.  A pass of its own, for texts where
 * result->hosts is true. */
void match_hosts(const struct match_rules *rules, const char *text, size_t len,
    match_host_fn *fn, void *arg);

/* Point 10: the keys that a link's tail may name, in the order in which they
 * are tried: as it is, percent-decoded after undoing the escape style, without
 * query and fragment, without trailing punctuation.  Each call appends form
 * number i (from 0) to out and returns true; false when there is none left or
 * out is full.  Forms equal to an earlier one may be repeated. */
bool match_link_form(const struct match_link *link, size_t i, struct buf *out);

#endif
