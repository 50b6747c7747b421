#include <string.h>

#include "app/envuse.h"
#include "app/jscode.h"

struct scan {
	struct span text;
	envuse_fn *fn;
	void *arg;
};

static const char *
skip_spaces(const char *p, const char *end)
{

	while (p < end && span_is_space(*p))
		p++;
	return p;
}

/* Variables are [A-Z_][A-Z0-9_]*; anything else is a method or a typo. */
static struct span
name_at(const char *p, const char *end)
{
	struct span s = { p, 0 };

	while (p < end && ((*p >= 'A' && *p <= 'Z') || *p == '_' ||
	    (*p >= 'a' && *p <= 'z') ||
	    (s.len > 0 && *p >= '0' && *p <= '9'))) {
		p++;
		s.len++;
	}
	return s;
}

/* A default behind the name: "|| 'x'", "?? f()", or a comparison. */
static void
look_behind_name(struct envuse *u, const char *p, const char *end)
{
	struct span rest = { p, (size_t)(end - p) };

	if (span_begins(rest, "!") && !span_begins(rest, "!="))
		p++;
	p = skip_spaces(p, end);
	rest = (struct span){ p, (size_t)(end - p) };
	if (span_begins(rest, "||") || span_begins(rest, "??")) {
		u->optional = true;
		p = skip_spaces(p + 2, end);
		rest = (struct span){ p, (size_t)(end - p) };
		if (p < end && (*p == '\'' || *p == '"' || *p == '`'))
			(void)jscode_literal(&rest, &u->fallback);
	} else if (span_begins(rest, "==") || span_begins(rest, "!=") ||
	    span_begins(rest, "?") || span_begins(rest, "&&")) {
		u->optional = true;
	}
}

/* "!!process.env.X" only asks whether it is there. */
static bool
is_asked(struct span text, const char *at)
{

	return at >= text.p + 2 && at[-1] == '!' && at[-2] == '!';
}

static bool
is_assigned(const char *p, const char *end)
{

	p = skip_spaces(p, end);
	return p + 1 < end && *p == '=' && p[1] != '=' && p[1] != '>';
}

/* The member read at p, right behind "process.env"; *ok is fn's word. */
static bool
read_member(const struct scan *s, const char *at, const char *p, bool *ok)
{
	const char *end = s->text.p + s->text.len;
	struct envuse u = { .at = at };
	bool quoted;

	p = skip_spaces(p, end);
	if (p + 1 < end && p[0] == '?' && p[1] == '.')
		p += 2;
	else if (p < end && *p == '.')
		p++;
	else if (p == end || *p != '[')
		return false;
	quoted = p < end && *p == '[';
	if (quoted) {
		p = skip_spaces(p + 1, end);
		if (p == end || (*p != '\'' && *p != '"'))
			return true;
		p++;
	}
	u.name = name_at(p, end);
	p += u.name.len;
	if (quoted) {
		while (p < end && (*p == '\'' || *p == '"' || *p == ' '))
			p++;
		p += p < end && *p == ']';
	}
	if (u.name.len == 0 || is_assigned(p, end))
		return true;
	u.optional = is_asked(s->text, at);
	look_behind_name(&u, p, end);
	*ok = s->fn(s->arg, &u);
	return true;
}

/* One entry of a pattern: "A", "A: b", "A = 'x'". */
static bool
read_entry(const struct scan *s, struct span entry)
{
	const char *end = entry.p + entry.len, *is;
	struct envuse u = { .at = entry.p, .name = name_at(entry.p, end) };
	struct span rest;

	if (u.name.len == 0)
		return true;
	is = memchr(entry.p, '=', entry.len);
	if (is != NULL) {
		u.optional = true;
		rest = span_trim(span_from(entry, is + 1));
		if (rest.len > 0 && strchr("'\"`", *rest.p) != NULL)
			(void)jscode_literal(&rest, &u.fallback);
	}
	return s->fn(s->arg, &u);
}

/* "{ … } =" before at. */
static bool
read_pattern(const struct scan *s, const char *at)
{
	const char *p = at, *close, *open, *q;
	struct span entry;

	while (p > s->text.p && span_is_space(p[-1]))
		p--;
	if (p == s->text.p || *--p != '=')
		return true;
	while (p > s->text.p && span_is_space(p[-1]))
		p--;
	if (p == s->text.p || *--p != '}')
		return true;
	close = open = p;
	/* Long patterns are none. */
	while (open > s->text.p && *open != '{' && close - open < 4096)
		open--;
	if (*open != '{')
		return true;
	for (p = open + 1; p < close; p = q + 1) {
		q = memchr(p, ',', (size_t)(close - p));
		if (q == NULL)
			q = close;
		entry = span_trim((struct span){ p, (size_t)(q - p) });
		if (!read_entry(s, entry))
			return false;
	}
	return true;
}

bool
envuse_scan(struct span text, envuse_fn *fn, void *arg)
{
	static const char *const objects[] = { "process.env",
	    "import.meta.env" };
	struct scan s = { text, fn, arg };
	const char *at, *after;
	bool ok = true;
	size_t i;

	for (i = 0; i < sizeof(objects) / sizeof(objects[0]); i++) {
		for (at = text.p; ok && (at = jscode_identifier(span_from(text,
		    at), objects[i])) != NULL; at = after) {
			after = at + strlen(objects[i]);
			if (!read_member(&s, at, after, &ok))
				ok = read_pattern(&s, at);
		}
	}
	return ok;
}
