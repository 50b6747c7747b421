#include <stdlib.h>
#include <string.h>

#include "app/ignore.h"
#include "app/span.h"

void
ignore_init(struct ignore *ig)
{

	memset(ig, 0, sizeof(*ig));
}

void
ignore_free(struct ignore *ig)
{
	size_t i;

	for (i = 0; i < ig->n; i++) {
		free(ig->rule[i].pattern);
		free(ig->rule[i].folder);
	}
	free(ig->rule);
	memset(ig, 0, sizeof(*ig));
}

/* Trailing spaces count only behind a backslash. */
static struct span
trim_end(struct span s)
{

	while (s.len > 0 && (s.p[s.len - 1] == ' ' || s.p[s.len - 1] == '\t') &&
	    (s.len < 2 || s.p[s.len - 2] != '\\'))
		s.len--;
	return s;
}

static bool
add_line(struct ignore *ig, const char *folder, struct span line)
{
	struct ignore_rule r = { 0 }, *grown;

	line = trim_end(line);
	if (line.len == 0 || *line.p == '#' || ig->n >= IGNORE_RULES_MAX)
		return true;
	if (*line.p == '!') {
		r.negated = true;
		line = span_from(line, line.p + 1);
	}
	if (span_ends(line, "/")) {
		r.folders_only = true;
		line.len--;
	}
	r.anchored = line.len > 0 && memchr(line.p, '/', line.len) != NULL;
	if (span_begins(line, "/"))
		line = span_from(line, line.p + 1);
	if (line.len == 0)
		return true;
	if ((ig->n & (ig->n - 1)) == 0) {
		grown = realloc(ig->rule, (ig->n == 0 ? 1 : 2 * ig->n) *
		    sizeof(*grown));
		if (grown == NULL)
			return false;
		ig->rule = grown;
	}
	r.pattern = span_dup(line);
	r.folder = strdup(folder);
	r.folder_len = *folder == '\0' ? 0 : strlen(folder) + 1;
	if (r.pattern == NULL || r.folder == NULL) {
		free(r.pattern);
		free(r.folder);
		return false;
	}
	ig->rule[ig->n++] = r;
	return true;
}

bool
ignore_add(struct ignore *ig, const char *folder, const char *text, size_t len)
{
	struct span rest = { text, len }, line;

	while (span_line(&rest, &line)) {
		if (!add_line(ig, folder, line))
			return false;
	}
	return true;
}

/* A set "[a-z]" at g against c.  Its end, or NULL when it is none. */
static const char *
match_set(const char *g, const char *end, char c, bool *found)
{
	bool negated = false, any = false;
	const char *first;

	if (++g < end && (*g == '!' || *g == '^')) {
		negated = true;
		g++;
	}
	for (first = g; g < end && (*g != ']' || g == first); g++) {
		if (g + 2 < end && g[1] == '-' && g[2] != ']') {
			any |= *g <= c && c <= g[2];
			g += 2;
		} else {
			any |= *g == c;
		}
	}
	*found = any != negated;
	return g < end ? g + 1 : NULL;
}

/* One byte of name against the glob at *g, which moves on.  '*' not here. */
static bool
match_byte(const char **g, const char *end, char c)
{
	const char *after;
	bool found;

	if (*g == end)
		return false;
	if (**g == '[') {
		/* One that is not closed matches nothing, as in git. */
		if ((after = match_set(*g, end, c, &found)) == NULL)
			return false;
		*g = after;
		return found;
	}
	if (**g == '\\' && *g + 1 < end)
		(*g)++;
	else if (**g == '?') {
		(*g)++;
		return true;
	}
	return *(*g)++ == c;
}

/* One name against one glob; only the last '*' need be gone back to. */
static bool
match_name(struct span glob, struct span name)
{
	const char *g = glob.p, *end = glob.p + glob.len, *star = NULL;
	const char *n = name.p, *stop = name.p + name.len, *from = NULL;

	while (n < stop) {
		if (g < end && *g == '*') {
			star = ++g;
			from = n;
			continue;
		}
		if (match_byte(&g, end, *n)) {
			n++;
			continue;
		}
		if (star == NULL)
			return false;
		g = star;
		n = ++from;
	}
	while (g < end && *g == '*')
		g++;
	return g == end;
}

/* The first name of *s off; false when there is none. */
static bool
next_name(struct span *s, struct span *name)
{
	const char *slash;

	if (s->p == NULL)
		return false;
	slash = s->len > 0 ? memchr(s->p, '/', s->len) : NULL;
	*name = *s;
	if (slash == NULL) {
		s->p = NULL;
		s->len = 0;
		return true;
	}
	name->len = (size_t)(slash - s->p);
	*s = span_from(*s, slash + 1);
	return true;
}

/* A path against a pattern, name by name; a name "**" stands for any number of
 * them, at the end for at least one.  The same walk as in match_name(). */
static bool
match_path(struct span pattern, struct span path)
{
	struct span star = { NULL, 0 }, from = { NULL, 0 }, p, glob, name, t;
	bool starred = false;

	for (;;) {
		p = pattern;
		if (next_name(&p, &glob) && span_is(glob, "**")) {
			if (p.p == NULL)
				return path.p != NULL;
			starred = true;
			star = pattern = p;
			from = path;
			continue;
		}
		t = path;
		if (!next_name(&t, &name))
			return pattern.p == NULL;
		if (pattern.p != NULL && match_name(glob, name)) {
			pattern = p;
			path = t;
			continue;
		}
		if (!starred || !next_name(&from, &name))
			return false;
		pattern = star;
		path = from;
	}
}

static bool
rule_matches(const struct ignore_rule *r, const char *path, bool is_folder)
{
	const char *base;

	if (r->folders_only && !is_folder)
		return false;
	if (r->folder_len > 0 &&
	    (strncmp(path, r->folder, r->folder_len - 1) != 0 ||
	    path[r->folder_len - 1] != '/'))
		return false;
	path += r->folder_len;
	if (r->anchored)
		return match_path(span_of(r->pattern), span_of(path));
	base = strrchr(path, '/');
	return match_name(span_of(r->pattern),
	    span_of(base != NULL ? base + 1 : path));
}

bool
ignore_matches(const struct ignore *ig, const char *path, bool is_folder)
{
	size_t i;

	for (i = ig->n; i-- > 0; ) {
		if (rule_matches(&ig->rule[i], path, is_folder))
			return !ig->rule[i].negated;
	}
	return false;
}
