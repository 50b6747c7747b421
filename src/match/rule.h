/*
 * One rule, taken apart and checked (docs/REWRITING.md, point 1).  FROM is
 * kept as [scheme] [host] [port] rest, so that the search can try each part in
 * the way its point asks for.
 */
#ifndef MATCH_RULE_H
#define MATCH_RULE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "match/match.h"

enum rule_scheme {
	RULE_PATH,		/* no scheme: FROM is a path */
	RULE_HTTP,
	RULE_HTTPS
};

#define RULE_HOSTS 2		/* as written, and its punycode */

struct rule {
	size_t index;		/* place in the order given */
	char *from;
	char *to;
	enum rule_scheme scheme;
	bool star;		/* '*' stands before each host */
	bool open;		/* FROM ends in / ? = #: anything may follow */
	char *host[RULE_HOSTS];	/* ASCII lowered; begins with '.' after '*' */
	size_t n_hosts;		/* 0 for a path */
	char *name;		/* "*", host and port as one text, "" for a path */
	const char *port;	/* digits in from, NULL if there is none */
	size_t port_len;
	const char *rest;	/* in from: what follows; a path is all rest */
	size_t rest_len;
	size_t to_scheme;	/* bytes of TO before "//", 0 without scheme */
};

/* Takes spec apart into r, which owns copies.  False with ERR_RULE naming the
 * rule, or ERR_NOMEM; r needs no rule_free() then. */
bool rule_init(struct rule *r, const struct match_rule_spec *spec,
    size_t index, struct err *err);

void rule_free(struct rule *r);

/* The same FROM: scheme and host lowered, default port dropped. */
bool rule_same_from(const struct rule *a, const struct rule *b);

/* The port that a scheme has by default, as digits ("80", "443"). */
const char *rule_default_port(enum rule_scheme scheme);

#endif
