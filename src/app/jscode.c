#include <string.h>

#include "app/jscode.h"

static bool
has_folder(const char *path, const char *name)
{
	size_t len = strlen(name);
	const char *p;

	for (p = path; (p = strstr(p, name)) != NULL; p++) {
		if ((p == path || p[-1] == '/') && p[len] == '/')
			return true;
	}
	return false;
}

static bool
is_test(const char *path)
{
	static const char *const folders[] = { "__tests__", "__mocks__",
	    "tests", "test", "e2e", "cypress", "scripts", "docs", "examples",
	    "stories" };
	static const char *const marks[] = { ".test.", ".spec.", ".stories.",
	    ".d.ts", ".min.js" };
	size_t i;

	for (i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		if (has_folder(path, folders[i]))
			return true;
	}
	for (i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
		if (strstr(path, marks[i]) != NULL)
			return true;
	}
	return false;
}

bool
jscode_is_source(const char *path)
{
	static const char *const endings[] = { ".js", ".jsx", ".ts", ".tsx",
	    ".mjs", ".cjs", ".mts", ".cts", ".vue", ".svelte" };
	/* What stands at the top beside these is a script. */
	static const char *const top[] = { "next.config.", "middleware.",
	    "proxy.", "instrumentation", "server.", "index.", "app.", "main.",
	    "auth.", "sentry." };
	struct span s = span_of(path);
	size_t i;

	for (i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
		if (span_ends(s, endings[i]))
			break;
	}
	if (i == sizeof(endings) / sizeof(endings[0]) || is_test(path) ||
	    span_begins(s, "public/"))
		return false;
	if (strchr(path, '/') != NULL)
		return true;
	for (i = 0; i < sizeof(top) / sizeof(top[0]); i++) {
		if (span_begins(s, top[i]))
			return true;
	}
	return false;
}

/* The end of the literal whose quote stands at p; plain quotes do not pass the
 * end of their line. */
static const char *
literal_end(const char *p, const char *end)
{
	char quote = *p;

	for (p++; p < end && *p != quote; p++) {
		if (*p == '\\' && p + 1 < end)
			p++;
		else if (*p == '\n' && quote != '`')
			return p;
	}
	return p;
}

void
jscode_strip(char *text, size_t len)
{
	char *p = text, *end = text + len;
	bool block;

	while (p < end) {
		if (*p == '"' || *p == '\'' || *p == '`') {
			p = text + (literal_end(p, end) - text) + 1;
			continue;
		}
		if (*p != '/' || p + 1 >= end || (p[1] != '/' && p[1] != '*')) {
			p++;
			continue;
		}
		block = p[1] == '*';
		*p++ = ' ';
		*p++ = ' ';
		while (p < end && (block ?
		    *p != '*' || p + 1 >= end || p[1] != '/' : *p != '\n')) {
			if (*p != '\n')
				*p = ' ';
			p++;
		}
		if (block && p < end)
			*p++ = ' ';
		if (block && p < end)
			*p++ = ' ';
	}
}

static bool
is_identifier_byte(char c)
{

	return span_is_word_byte(c) || c == '$';
}

const char *
jscode_identifier(struct span s, const char *name)
{
	size_t len = strlen(name);
	const char *p = s.p, *end = s.p + s.len;

	while ((p = span_find(span_from(s, p), name)) != NULL) {
		if ((p == s.p || !is_identifier_byte(p[-1])) &&
		    (p + len == end || !is_identifier_byte(p[len])))
			return p;
		p++;
	}
	return NULL;
}

/* What stands between the bracket at p and the one that closes it. */
static struct span
bracketed(const char *p, const char *end)
{
	const char *start = p + 1;
	char open = *p, close = open == '{' ? '}' : ']';
	size_t depth = 0;

	for (; p < end; p++) {
		if (*p == '"' || *p == '\'' || *p == '`') {
			p = literal_end(p, end);
			if (p == end)
				break;
		} else if (*p == open) {
			depth++;
		} else if (*p == close && --depth == 0) {
			break;
		}
	}
	return (struct span){ start, (size_t)(p - start) };
}

bool
jscode_block(struct span s, const char *name, char open, struct span *inside)
{
	const char *p = s.p, *at, *end = s.p + s.len;

	while ((at = jscode_identifier(span_from(s, p), name)) != NULL) {
		p = at + strlen(name);
		if (p < end && (*p == '\'' || *p == '"'))
			p++;
		while (p < end && span_is_space(*p))
			p++;
		if (p == end || *p != ':')
			continue;
		for (p++; p < end && span_is_space(*p); p++)
			;
		if (p < end && *p == open) {
			*inside = bracketed(p, end);
			return true;
		}
	}
	return false;
}

bool
jscode_literal(struct span *rest, struct span *literal)
{
	const char *end = rest->p + rest->len, *close;

	while (rest->len > 0 && *rest->p != '"' && *rest->p != '\'' &&
	    *rest->p != '`') {
		rest->p++;
		rest->len--;
	}
	if (rest->len == 0)
		return false;
	close = literal_end(rest->p, end);
	literal->p = rest->p + 1;
	literal->len = (size_t)(close - literal->p);
	rest->p = close < end ? close + 1 : end;
	rest->len = (size_t)(end - rest->p);
	return true;
}

bool
jscode_value(struct span s, const char *name, struct span *value)
{
	const char *p = jscode_identifier(s, name), *end = s.p + s.len;

	if (p == NULL)
		return false;
	p += strlen(name);
	while (p < end && (*p == ' ' || *p == '\'' || *p == '"'))
		p++;
	if (p == end || (*p != ':' && *p != '=') ||
	    (p + 1 < end && p[1] == '='))
		return false;
	for (p++; p < end && span_is_space(*p); p++)
		;
	value->p = p;
	while (p < end && *p != ',' && *p != '}' && *p != ')' && *p != '\n')
		p++;
	value->len = (size_t)(p - value->p);
	*value = span_trim(*value);
	return true;
}

static bool
comes_with_node(struct span name)
{
	static const char *const modules[] = { "assert", "async_hooks",
	    "buffer", "child_process", "cluster", "console", "constants",
	    "crypto", "dgram", "diagnostics_channel", "dns", "domain", "events",
	    "fs", "http", "http2", "https", "inspector", "module", "net", "os",
	    "path", "perf_hooks", "process", "punycode", "querystring",
	    "readline", "repl", "server-only", "client-only", "stream",
	    "string_decoder", "sys", "timers", "tls", "trace_events", "tty",
	    "url", "util", "v8", "vm", "wasi", "worker_threads", "zlib" };
	size_t i;

	for (i = 0; i < sizeof(modules) / sizeof(modules[0]); i++) {
		if (span_is(name, modules[i]))
			return true;
	}
	return false;
}

/* The package that a specifier means; false for what is none. */
static bool
package_of(struct span what, struct span *name)
{
	size_t i, slashes = what.len > 0 && *what.p == '@' ? 2 : 1;
	char first = what.len > 0 ? *what.p : '.';

	if (first == '.' || first == '/' || first == '~' || first == '#' ||
	    first == '$' || span_begins(what, "@/") || what.len > 214)
		return false;
	for (i = 0; i < what.len; i++) {
		if (what.p[i] == '/' && --slashes == 0)
			break;
		if (!span_is_word_byte(what.p[i]) &&
		    strchr("@/.-", what.p[i]) == NULL)
			return false;
	}
	name->p = what.p;
	name->len = i;
	return (first != '@' || slashes == 0 ||
	    memchr(name->p, '/', name->len) != NULL) && !comes_with_node(*name);
}

/* The literal that directly follows p, spaces and one '(' between. */
static bool
literal_at(struct span text, const char *p, struct span *literal)
{
	const char *end = text.p + text.len;
	struct span rest;

	while (p < end && (*p == ' ' || *p == '('))
		p++;
	if (p == end || (*p != '\'' && *p != '"'))
		return false;
	rest = span_from(text, p);
	return jscode_literal(&rest, literal);
}

void
jscode_imports(struct span text, jscode_import_fn *fn, void *arg)
{
	static const char *const words[] = { "from", "import", "require" };
	struct span literal, package, before;
	const char *at, *line;
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		for (at = text.p; (at = jscode_identifier(span_from(text, at),
		    words[i])) != NULL; at++) {
			line = at;
			while (line > text.p && line[-1] != '\n' &&
			    at - line < 512)
				line--;
			before = span_trim((struct span){ line,
			    (size_t)(at - line) });
			/* "from" closes an import; elsewhere it is a word. */
			if (i == 0 && !span_begins(before, "import") &&
			    !span_begins(before, "export") &&
			    !span_ends(before, "}"))
				continue;
			/* Types go away when the code is built. */
			if (span_begins(before, "import type"))
				continue;
			if (literal_at(text, at + strlen(words[i]), &literal) &&
			    package_of(literal, &package))
				fn(arg, package, at);
		}
	}
}
