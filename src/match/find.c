#include <string.h>

#include "match/boundary.h"
#include "match/charclass.h"
#include "match/find.h"
#include "match/neighbour.h"

/* A place where a match would begin, as far as the text before its host (or
 * before its first path segment) decides. */
struct site {
	size_t start;		/* the first byte of the match */
	size_t body;		/* the host, or the first path segment */
	struct slash slash;
	enum rule_scheme scheme;	/* the text's; RULE_PATH without one */
};

/* A rule that matches at a site. */
struct candidate {
	const struct rule *rule;
	size_t end;
	size_t weight;		/* bytes from the host on, port not counted */
	size_t star_len;
};

/* The length of "http" or "https" right before pos, 0 for anything else. */
static size_t
scheme_before(const char *text, size_t pos, enum rule_scheme *scheme)
{
	size_t s;

	s = pos > 0 && (text[pos - 1] | 0x20) == 's' ? 1 : 0;
	if (pos < 4 + s || strncasecmp(text + pos - 4 - s, "http", 4) != 0)
		return 0;
	*scheme = s > 0 ? RULE_HTTPS : RULE_HTTP;
	return 4 + s;
}

/* Looks to the left of a host at body: two slashes, perhaps a scheme, and the
 * left end of point 5.  False when no match can begin there. */
static bool
url_site(const struct finder *f, size_t body, struct site *site)
{
	struct slash second;
	size_t n;

	if (!slash_before(f->text, body, &second) ||
	    !slash_before(f->text, second.pos, &site->slash) ||
	    (second.style != SLASH_PLAIN && second.style != site->slash.style))
		return false;
	site->body = body;
	site->scheme = RULE_PATH;
	site->start = site->slash.pos;
	n = slash_colon_before(f->text, site->start, site->slash.style);
	if (n == 0)
		return site->start >= f->done && charclass_before_slash(
		    neighbour_before(f->text, site->start, NULL));
	site->start -= n;
	n = scheme_before(f->text, site->start, &site->scheme);
	site->start -= n;
	return n > 0 && site->start >= f->done && charclass_before_scheme(
	    neighbour_before(f->text, site->start, NULL));
}

/* The same for a path whose first segment is at body. */
static bool
path_site(const struct finder *f, size_t body, struct site *site)
{

	if (!slash_before(f->text, body, &site->slash))
		return false;
	site->body = body;
	site->scheme = RULE_PATH;
	site->start = site->slash.pos;
	return site->start >= f->done && charclass_before_slash(
	    neighbour_before(f->text, site->start, NULL));
}

/* Where s (n bytes of FROM) ends when it stands at pos, each '/' plain or in
 * the style given; SCAN_NONE when it does not stand there. */
static size_t
skip_from(const struct finder *f, size_t pos, const char *s, size_t n,
    enum slash_style style)
{
	const char *slash;
	size_t part;

	for (;;) {
		slash = memchr(s, '/', n);
		part = slash == NULL ? n : (size_t)(slash - s);
		if (f->len - pos < part || memcmp(f->text + pos, s, part) != 0)
			return SCAN_NONE;
		pos += part;
		if (slash == NULL)
			return pos;
		part++;
		s += part;
		n -= part;
		part = slash_after(f->text, f->len, pos, style);
		if (part == 0)
			return SCAN_NONE;
		pos += part;
	}
}

/* The length of the port at pos when it is the default one of the scheme, or
 * of either where there is none; 0 otherwise. */
static size_t
default_port(const struct finder *f, size_t pos, enum rule_scheme scheme,
    enum slash_style style)
{
	const char *s;
	size_t n, digits;

	if ((n = boundary_port(f->text, f->len, pos, style, &digits)) == 0)
		return 0;
	s = f->text + pos + n - digits;
	if (scheme != RULE_HTTPS && digits == 2 && memcmp(s, "80", 2) == 0)
		return n;
	if (scheme != RULE_HTTP && digits == 3 && memcmp(s, "443", 3) == 0)
		return n;
	return 0;
}

/* The length of r's own port at pos, 0 when another or none stands there. */
static size_t
own_port(const struct finder *f, size_t pos, const struct rule *r,
    enum slash_style style)
{
	size_t n, digits;

	n = boundary_port(f->text, f->len, pos, style, &digits);
	return n > 0 && digits == r->port_len && memcmp(f->text + pos + n -
	    digits, r->port, digits) == 0 ? n : 0;
}

/* Does r match at the site, its host ending at pos (a path: its body begins
 * there)? */
static bool
try_rule(const struct finder *f, const struct site *site,
    const struct rule *r, size_t pos, struct candidate *c)
{
	enum slash_style style = site->slash.style;
	size_t port = 0, skip = 0;

	if (r->n_hosts == 0) {
		skip = 1;	/* the first '/' is known to stand there */
	} else if (r->port == NULL) {
		port = default_port(f, pos, site->scheme, style);
	} else if ((port = own_port(f, pos, r, style)) == 0) {
		return false;
	}
	pos = skip_from(f, pos + port, r->rest + skip, r->rest_len - skip,
	    style);
	if (pos == SCAN_NONE ||
	    (!r->open && !boundary_end(f->text, f->len, pos)))
		return false;
	c->rule = r;
	c->end = pos;
	c->weight = pos - site->body - port;
	return true;
}

/* Point 7: is a the better match of two at one site? */
static bool
better(const struct candidate *a, const struct candidate *b,
    enum rule_scheme scheme)
{
	enum rule_scheme wanted = scheme == RULE_HTTP ? RULE_HTTP : RULE_HTTPS;

	if (b->rule == NULL)
		return true;
	if (a->weight != b->weight)
		return a->weight > b->weight;
	if (a->rule->star != b->rule->star)
		return !a->rule->star;
	if ((a->rule->scheme == wanted) != (b->rule->scheme == wanted))
		return a->rule->scheme == wanted;
	return a->rule->index < b->rule->index;
}

/* The best match of a rule whose host begins at body. */
static bool
match_url(const struct finder *f, size_t body, struct find_match *m)
{
	struct candidate c, best = { .rule = NULL };
	const struct find_host *h;
	struct site site;
	size_t i, j, name, label;

	if (!url_site(f, body, &site))
		return false;
	label = body;
	while (label < f->len && charclass_label((uint8_t)f->text[label]))
		label++;
	for (i = 0; i < f->rules->n_hosts; i++) {
		h = &f->rules->host[i];
		/* With '*' the name stands behind the label; label_before,
		 * which its pattern asks for, says that there is one. */
		name = h->star ? label : body;
		if (!scan_at(f->rules->scan, i, f->text, f->len, name))
			continue;
		c.star_len = name - body;
		for (j = 0; j < h->n_rules; j++)
			if (try_rule(f, &site, h->rule[j], name + h->len, &c) &&
			    better(&c, &best, site.scheme))
				best = c;
	}
	if (best.rule == NULL)
		return false;
	m->rule = best.rule;
	m->start = site.start;
	m->end = best.end;
	m->slash = site.slash;
	m->relative = site.scheme == RULE_PATH;
	m->star = body;
	m->star_len = best.star_len;
	return true;
}

/* The best match of a path rule whose first segment begins at body. */
static bool
match_path(const struct finder *f, size_t body, struct find_match *m)
{
	struct candidate c, best = { .rule = NULL };
	struct site site;
	size_t i;

	if (f->rules->n_paths == 0 || !path_site(f, body, &site))
		return false;
	for (i = 0; i < f->rules->n_paths; i++)
		if (try_rule(f, &site, f->rules->path[i], body, &c) &&
		    better(&c, &best, RULE_PATH))
			best = c;
	if (best.rule == NULL)
		return false;
	m->rule = best.rule;
	m->start = site.start;
	m->end = best.end;
	m->slash = site.slash;
	m->relative = false;
	m->star = body;
	m->star_len = 0;
	return true;
}

/* Where a host begins whose '*' label ends at pos: behind the '/' before the
 * label, if one stands there (its spelling may end in label characters), else
 * with the first label character.  Never before floor. */
static size_t
label_start(const struct finder *f, size_t pos, size_t floor)
{
	struct slash slash;
	size_t start = pos, n = 0;

	while (start > floor && charclass_label((uint8_t)f->text[start - 1]))
		start--;
	if (start > 0 && f->text[start - 1] == '%')
		n = 2;		/* 2F */
	else if (start > 0 && f->text[start - 1] == '\\')
		n = 5;		/* u002F */
	return n > 0 && pos - start > n &&
	    slash_before(f->text, start + n, &slash) ? start + n : start;
}

/* A bare host ends where a FROM of that host alone would (point 6), with or
 * without one of the two default ports. */
static bool
bare_end(const struct finder *f, size_t pos)
{

	pos += default_port(f, pos, RULE_PATH, SLASH_PLAIN);
	return boundary_end(f->text, f->len, pos);
}

/* A bare host begins where a scheme might (point 5).  Of the labels that '*'
 * may stand for, which end at pos, any will do. */
static bool
bare_start(const struct finder *f, size_t pos, bool star)
{
	size_t start = pos;

	if (star)
		while (start > f->counted &&
		    charclass_label((uint8_t)f->text[start - 1]))
			start--;
	for (; start + star <= pos; start++)
		if (start >= f->counted && charclass_before_scheme(
		    neighbour_before(f->text, start, NULL)))
			return true;
	return false;
}

/* Where the port at pos ends when it is a number that no_rule takes no account
 * of; 0 otherwise.  A bare "%3A" will do for its colon. */
static size_t
other_port(const struct finder *f, size_t pos)
{
	size_t n, digits;

	n = boundary_port(f->text, f->len, pos, SLASH_PERCENT, &digits);
	return n > 0 && digits <= 5 && f->text[pos + n - digits] != '0' &&
	    boundary_end(f->text, f->len, pos + n) ? pos + n : 0;
}

static void
tell_held(struct finder *f)
{

	if (f->held_end > 0)
		f->on_host(&f->held, f->arg);
	f->held_end = 0;
}

/* The host h stands at pos (with '*': behind its label) in no match, as far as
 * can be seen; it is told when the next one or the end is reached. */
static void
hold_host(struct finder *f, size_t pos, const struct find_host *h)
{
	struct match_host *m = &f->held;
	struct site site = { .scheme = RULE_PATH };
	size_t start, end = pos + h->len, n, digits;

	tell_held(f);
	start = h->star ? label_start(f, pos, f->counted) : pos;
	*m = (struct match_host){
		.text = f->text, .len = f->len, .at = start,
		.name = f->text + start, .name_len = end - start,
		.label_len = h->star ? pos - start : 0,
	};
	if (url_site(f, start, &site)) {
		m->link = true;
		m->at = site.start;
	}
	n = boundary_port(f->text, f->len, end, SLASH_PERCENT, &digits);
	if (n > 0 && digits <= 5 &&
	    default_port(f, end, site.scheme, SLASH_PERCENT) == 0) {
		m->port = f->text + end + n - digits;
		m->port_len = digits;
	}
	f->held_end = end;
}

/*
 * Counts a host that stands at pos (with '*': behind its label) in no match:
 * not rewritten, so the user should know.  It is bounded on the left like a
 * scheme and on the right like a FROM without port and path; places that
 * overlap count once.
 */
static void
count_host(struct finder *f, size_t pos)
{
	const struct find_host *h, *with_port = NULL, *counted = NULL;
	size_t i, end = 0;

	for (i = 0; i < f->rules->n_hosts; i++) {
		h = &f->rules->host[i];
		if (pos + h->len <= end ||
		    !scan_at(f->rules->scan, i, f->text, f->len, pos))
			continue;
		if (bare_end(f, pos + h->len)) {
			if (!bare_start(f, pos, h->star))
				continue;
			end = pos + h->len;
			counted = h;
		} else if (other_port(f, pos + h->len) > 0 &&
		    bare_start(f, pos, h->star)) {
			with_port = h;
		}
	}
	f->other_ports |= with_port != NULL;
	if (f->on_host != NULL && (counted != NULL || with_port != NULL))
		hold_host(f, pos, counted != NULL ? counted : with_port);
	if (counted != NULL) {
		f->no_rule++;
		f->counted = end;
	}
}

void
find_init(struct finder *f, const struct match_rules *rules, const char *text,
    size_t len)
{

	f->rules = rules;
	f->text = text;
	f->len = len;
	f->pos = 0;
	f->done = 0;
	f->counted = 0;
	f->no_rule = 0;
	f->other_ports = false;
	f->on_host = NULL;
	f->arg = NULL;
	f->held_end = 0;
}

bool
find_next(struct finder *f, struct find_match *m)
{
	size_t pos, body;

	/* Places come in order, and so do the matches that they belong to:
	 * nothing between the start of a match and its place can begin one. */
	while ((pos = scan_next(f->rules->scan, f->text, f->len, f->pos)) !=
	    SCAN_NONE) {
		f->pos = pos + 1;
		body = f->text[pos] == '.' ? label_start(f, pos, f->done) : pos;
		if (match_url(f, body, m) || match_path(f, pos, m)) {
			/* A host that ends like that of a '*' rule may have
			 * been counted before the label was seen whole. */
			if (m->start < f->counted)
				f->no_rule--;
			if (m->start < f->held_end)
				f->held_end = 0;
			f->pos = f->done = f->counted = m->end;
			return true;
		}
		count_host(f, pos);
	}
	tell_held(f);
	return false;
}
