#include <stdlib.h>
#include <string.h>

#include "app/envfile.h"
#include "app/span.h"

struct parser {
	struct envfile *e;
	struct span text;
	const char *at, *end;
	const char *counted;	/* line is that of this place */
	unsigned line;
};

static bool
add(struct envfile *e, struct span name, struct span value, unsigned line)
{
	struct envfile_variable *v = e->variable;

	if ((e->n & (e->n - 1)) == 0) {
		v = realloc(v, (e->n == 0 ? 1 : 2 * e->n) * sizeof(*v));
		if (v == NULL)
			return false;
		e->variable = v;
	}
	v += e->n;
	*v = (struct envfile_variable){ .name = span_dup(name),
	    .value = span_dup(value), .line = line };
	if (v->name == NULL || v->value == NULL) {
		free(v->name);
		free(v->value);
		return false;
	}
	e->n++;
	return true;
}

static void
bad(struct envfile *e, unsigned line)
{

	if (e->bad++ == 0)
		e->bad_line = line;
}

/* The length of a name at the beginning of s; 0. */
static size_t
name_length(struct span s)
{
	size_t n = 0;

	while (n < s.len && (span_is_word_byte(s.p[n]) || s.p[n] == '.' ||
	    s.p[n] == '-'))
		n++;
	return n > 0 && (*s.p < '0' || *s.p > '9') && *s.p != '-' ? n : 0;
}

static bool
parse_records(struct envfile *e, struct span text)
{
	unsigned record = 0;

	while (text.len > 0) {
		const char *end = memchr(text.p, '\0', text.len);
		size_t len = end != NULL ? (size_t)(end - text.p) : text.len;
		struct span one = { text.p, len };
		const char *is = memchr(one.p, '=', len);

		record++;
		if (is == NULL || is == one.p) {
			if (len > 0)
				bad(e, record);
		} else if (!add(e, (struct span){ one.p, (size_t)(is - one.p) },
		    span_from(one, is + 1), record)) {
			return false;
		}
		text.p += len + (end != NULL);
		text.len -= len + (end != NULL);
	}
	return true;
}

static unsigned
line_here(struct parser *p)
{

	p->line += span_line_number(span_from(p->text, p->counted), p->at) - 1;
	p->counted = p->at;
	return p->line;
}

static void
skip_spaces(struct parser *p, bool lines)
{

	while (p->at < p->end && span_is_space(*p->at) &&
	    (lines || (*p->at != '\n' && *p->at != '\r')))
		p->at++;
}

static void
skip_line(struct parser *p)
{
	const char *end = memchr(p->at, '\n', (size_t)(p->end - p->at));

	p->at = end != NULL ? end + 1 : p->end;
}

/* In place: \n and \r of a double-quoted value. */
static void
unescape(char *s)
{
	char *out = s;

	for (; *s != '\0'; s++) {
		if (s[0] == '\\' && (s[1] == 'n' || s[1] == 'r')) {
			*out++ = s[1] == 'n' ? '\n' : '\r';
			s++;
		} else {
			*out++ = *s;
		}
	}
	*out = '\0';
}

/* The quote that closes the one at at; NULL. */
static const char *
closing(const char *at, const char *end)
{
	char quote = *at;

	for (at++; at < end; at++) {
		if (*at == '\\' && at + 1 < end && at[1] == quote)
			at++;
		else if (*at == quote)
			return at;
	}
	return NULL;
}

static bool
parse_quoted(struct parser *p, struct span name, unsigned line,
    const char *close)
{
	struct span value = { p->at + 1, (size_t)(close - p->at - 1) };

	if (!add(p->e, name, value, line))
		return false;
	if (*p->at == '"')
		unescape(p->e->variable[p->e->n - 1].value);
	p->at = close + 1;
	skip_line(p);
	return true;
}

static bool
parse_plain(struct parser *p, struct span name, unsigned line)
{
	struct span rest = { p->at, (size_t)(p->end - p->at) }, value;
	const char *hash;
	bool cut = false;

	if (!span_line(&rest, &value))
		value = rest;
	if (value.len > 0 && (hash = memchr(value.p, '#', value.len)) != NULL) {
		cut = hash > value.p && !span_is_space(hash[-1]);
		value.len = (size_t)(hash - value.p);
	}
	if (!add(p->e, name, span_trim(value), line))
		return false;
	p->e->variable[p->e->n - 1].cut = cut;
	skip_line(p);
	return true;
}

static bool
parse_one(struct parser *p)
{
	unsigned line = line_here(p);
	struct span rest = { p->at, (size_t)(p->end - p->at) }, name;
	const char *close = NULL;

	if (span_begins(rest, "export ") || span_begins(rest, "export\t")) {
		p->at += 7;
		skip_spaces(p, false);
		rest = span_from(p->text, p->at);
	}
	name = (struct span){ p->at, name_length(rest) };
	p->at += name.len;
	skip_spaces(p, false);
	if (name.len == 0 || p->at == p->end || *p->at != '=') {
		bad(p->e, line);
		skip_line(p);
		return true;
	}
	p->at++;
	skip_spaces(p, false);
	if (p->at < p->end && strchr("\"'`", *p->at) != NULL) {
		close = closing(p->at, p->end);
		if (close == NULL)
			bad(p->e, line);
	}
	return close != NULL ? parse_quoted(p, name, line, close) :
	    parse_plain(p, name, line);
}

static bool
parse_lines(struct envfile *e, struct span text)
{
	struct parser p = { .e = e, .text = text, .at = text.p,
	    .end = text.p + text.len, .counted = text.p, .line = 1 };

	if (span_begins(text, "\xef\xbb\xbf"))
		p.at += 3;
	for (;;) {
		skip_spaces(&p, true);
		if (p.at == p.end)
			return true;
		if (*p.at == '#')
			skip_line(&p);
		else if (!parse_one(&p))
			return false;
	}
}

bool
envfile_parse(struct envfile *e, const char *text, size_t len, struct err *err)
{
	struct span s = { len > 0 ? text : "", len };
	bool ok;

	memset(e, 0, sizeof(*e));
	ok = memchr(s.p, '\0', len) != NULL ? parse_records(e, s) :
	    parse_lines(e, s);
	return ok || err_nomem(err, "environment file");
}

void
envfile_free(struct envfile *e)
{
	size_t i;

	for (i = 0; i < e->n; i++) {
		free(e->variable[i].name);
		explicit_bzero(e->variable[i].value,
		    strlen(e->variable[i].value));
		free(e->variable[i].value);
	}
	free(e->variable);
	memset(e, 0, sizeof(*e));
}

const struct envfile_variable *
envfile_get(const struct envfile *e, const char *name)
{
	size_t i;

	for (i = e->n; i-- > 0; ) {
		if (strcmp(e->variable[i].name, name) == 0)
			return &e->variable[i];
	}
	return NULL;
}
