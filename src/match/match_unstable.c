#include <stdio.h>
#include <string.h>

#include "match/boundary.h"
#include "match/charclass.h"
#include "match/find.h"
#include "match/match.h"
#include "match/neighbour.h"
#include "match/unstable_forms.h"

/*
 * Each form of each FROM is laid over each form of each TO, at every place
 * where the left end of point 5 allows it to begin.  What stands around a
 * match is not known: where one of the two ends, the rest of the other may be
 * there.
 */

/* How many label characters or stars stand at pos. */
static size_t
label_run(const struct unstable_form *f, size_t pos)
{
	size_t n = 0;

	while (pos + n < f->len && charclass_label((uint8_t)f->reading[pos + n]))
		n++;
	return n;
}

static bool
same_byte(const struct unstable_form *from, size_t i,
    const struct unstable_form *to, size_t j)
{
	uint8_t a = (uint8_t)from->text[i], b = (uint8_t)to->text[j];

	return a == b || (i < from->fold &&
	    charclass_lower(a) == charclass_lower(b));
}

/* Do from (from i on) and to (from j on) agree as far as both go, and may a
 * match of from end where it ends? */
static bool
agree(const struct unstable_form *from, size_t i,
    const struct unstable_form *to, size_t j)
{
	size_t n, k;

	for (;; i++, j++) {
		if (i == from->len)
			return from->rule->open ||
			    boundary_end(to->reading, to->len, j);
		if (j == to->len)
			return true;
		if (from->text[i] == UNSTABLE_STAR) {
			/* A '.' follows, so that the whole run is the star's. */
			n = label_run(to, j);
			return n > 0 && (j + n == to->len ||
			    agree(from, i + 1, to, j + n));
		}
		if (to->text[j] == UNSTABLE_STAR) {
			n = label_run(from, i);
			for (k = 1; k <= n; k++)
				if (agree(from, i + k, to, j + 1))
					return true;
			return false;
		}
		if (!same_byte(from, i, to, j))
			return false;
	}
}

/* May from begin at pos of f (a FROM or a TO), as far as what stands before
 * it there decides? */
static bool
may_begin(const struct unstable_form *from, const struct unstable_form *f,
    size_t pos)
{
	uint32_t before;

	if (pos == 0)
		return true;
	before = neighbour_before(f->reading, pos, NULL);
	return from->text[0] == '/' ? charclass_before_slash(before) :
	    charclass_before_scheme(before);
}

/* A FROM matches inside a TO, or begins with all of it or its end. */
static bool
begins_in(const struct unstable_form *from, const struct unstable_form *to)
{
	size_t pos;

	for (pos = 0; pos < to->len; pos++)
		if ((may_begin(from, to, pos) ||
		    (to->text[pos] == UNSTABLE_STAR && from->text[0] != '/')) &&
		    agree(from, 0, to, pos))
			return true;
	return false;
}

/* A TO, or its beginning, stands inside a FROM where the match that it is
 * written for may have stood. */
static bool
completes(const struct unstable_form *from, const struct unstable_form *to)
{
	const struct rule *r = to->rule;
	uint32_t before;
	size_t i;

	for (i = 1; i < from->len; i++) {
		before = neighbour_before(from->reading, i, NULL);
		if ((r->n_hosts == 0 || to->relative ?
		    charclass_before_slash(before) :
		    charclass_before_scheme(before)) && agree(from, i, to, 0))
			return true;
	}
	return false;
}

/* A FROM may end before a '/' but not before the letter that a scheme begins
 * with; so it may match where a TO that begins with '/' took such a place. */
static bool
frees(const struct unstable_form *from, const struct unstable_form *to)
{

	return !from->rule->open && to->rule->n_hosts > 0 &&
	    to->text[0] == '/' && !to->relative && charclass_before_scheme(
	    neighbour_before(from->reading, from->len, NULL));
}

/* The end of TO may become an escape with what follows it. */
static bool
ends_in_half_escape(const char *to)
{
	static const char *const names[] = { "&quot", "&apos", "&lt", "&gt",
	    "&amp", "&nbsp" };
	const char *s;
	size_t i, n;

	n = strlen(to);
	if (n >= 1 && to[n - 1] == '%')
		return true;
	if (n >= 2 && to[n - 2] == '%' && charclass_hex((uint8_t)to[n - 1]) >= 0)
		return true;
	/* The first bytes of a UTF-8 character. */
	if (n >= 3 && to[n - 3] == '%' &&
	    charclass_hex((uint8_t)to[n - 2]) >= 8 &&
	    charclass_hex((uint8_t)to[n - 1]) >= 0)
		return true;
	if ((s = strrchr(to, '&')) == NULL)
		return false;
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strncmp(names[i], s, strlen(s)) == 0)
			return true;
	if (s[1] != '#')
		return false;
	s += (s[2] | 0x20) == 'x' ? 3 : 2;
	return strspn(s, "0123456789abcdefABCDEF") == strlen(s);
}

/* Says in why what TO does to a second pass by itself.  False if nothing. */
static bool
bad_end(const struct rule *r, char *why, size_t size)
{
	size_t n = strlen(r->to);

	if (n == 0)
		snprintf(why, size, "rule %zu (%s) has an empty TO",
		    r->index + 1, r->from);
	else if (charclass_before_slash(neighbour_before(r->to, n, NULL)) ||
	    ends_in_half_escape(r->to))
		snprintf(why, size, "rule %zu (%s=%s): a path may match right "
		    "behind its TO", r->index + 1, r->from, r->to);
	else
		return false;
	return true;
}

static bool
clash(const struct unstable_form *from, const struct unstable_form *to,
    char *why, size_t size)
{
	const char *what;

	if (begins_in(from, to))
		what = "begins in what is written for";
	else if (completes(from, to) || frees(from, to))
		what = "may match across what is written for";
	else
		return false;
	snprintf(why, size, "rule %zu (%s) %s rule %zu (%s=%s)",
	    from->rule->index + 1, from->rule->from, what, to->rule->index + 1,
	    to->rule->from, to->rule->to);
	return true;
}

bool
match_rules_unstable(const struct match_rules *rules, char *why,
    size_t why_size)
{
	struct unstable_forms from = { NULL, 0 }, to = { NULL, 0 };
	bool unstable = false, ok = true;
	size_t i, j;

	for (i = 0; i < rules->n && !unstable; i++) {
		unstable = bad_end(&rules->rule[i], why, why_size);
		if (!unstable)
			ok = ok && unstable_forms_from(&from, &rules->rule[i]) &&
			    unstable_forms_to(&to, &rules->rule[i]);
	}
	for (i = 0; i < from.n && !unstable; i++)
		for (j = 0; j < to.n && !unstable; j++)
			unstable = clash(&from.form[i], &to.form[j], why,
			    why_size);
	if (!unstable && !ok) {
		snprintf(why, why_size, "too little memory to look");
		unstable = true;
	}
	unstable_forms_free(&from);
	unstable_forms_free(&to);
	return unstable;
}
