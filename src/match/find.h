/*
 * The search for matches in one text (docs/REWRITING.md, points 3 to 7): a
 * scan proposes places where a FROM's host or first path segment stands, the
 * finder looks to both sides of each and decides.
 *
 * A struct finder belongs to one text and one thread: set it up with
 * find_init(), call find_next() until it returns false, and read no_rule.
 */
#ifndef MATCH_FIND_H
#define MATCH_FIND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "match/match.h"
#include "match/rule.h"
#include "match/scan.h"
#include "match/slash.h"

/* A host that rules share, in one form. */
struct find_host {
	const char *name;	/* lowered; begins with '.' when star */
	size_t len;
	bool star;
	const struct rule **rule;
	size_t n_rules;
};

/* The compiled rules.  The scan's patterns are the hosts, in their order, then
 * the paths' first segments. */
struct match_rules {
	struct rule *rule;
	size_t n;
	struct find_host *host;
	size_t n_hosts;
	const struct rule **path;
	size_t n_paths;
	struct scan *scan;
};

/* One match. */
struct find_match {
	const struct rule *rule;
	size_t start, end;
	struct slash slash;	/* its first '/', which sets the style */
	bool relative;		/* protocol-relative */
	size_t star, star_len;	/* what '*' stood for */
};

struct finder {
	const struct match_rules *rules;
	const char *text;
	size_t len;
	size_t pos;		/* where the scan goes on */
	size_t done;		/* the end of the last match */
	size_t counted;		/* the end of the last host counted, or of the
				 * last match if that is behind it */
	uint64_t no_rule;
	bool other_ports;	/* a host stands somewhere with another port */
	match_host_fn *on_host;	/* NULL: hosts in no match are only counted */
	void *arg;
	struct match_host held;	/* not told yet, since a match may overlap it; */
	size_t held_end;	/* its name's end, 0: there is none */
};

void find_init(struct finder *f, const struct match_rules *rules,
    const char *text, size_t len);

/* The next match from left to right.  False at the end of the text; no_rule is
 * complete then. */
bool find_next(struct finder *f, struct find_match *m);

#endif
