#include <string.h>

#include "app/jscode.h"
#include "app/marks.h"

struct scan {
	struct span text;
	marks_fn *fn;
	void *arg;
};

/* The line in which at stands, at most 400 bytes to each side. */
static struct span
line_of(struct span text, const char *at)
{
	const char *start = at, *end = at;

	while (start > text.p && start[-1] != '\n' && at - start < 400)
		start--;
	while (end < text.p + text.len && *end != '\n' && end - at < 400)
		end++;
	return (struct span){ start, (size_t)(end - start) };
}

/* Up to n bytes from at on, and the same number before it. */
static struct span
around(struct span text, const char *at, size_t n)
{
	size_t before = (size_t)(at - text.p);
	size_t after = (size_t)(text.p + text.len - at);

	before = before < n ? before : n;
	after = after < n ? after : n;
	return (struct span){ at - before, before + after };
}

static struct span
behind(struct span text, const char *at, size_t n)
{
	struct span s = span_from(text, at);

	if (s.len > n)
		s.len = n;
	return s;
}

static bool
scan_disk(const struct scan *s)
{
	static const char *const calls[] = { "writeFile", "writeFileSync",
	    "appendFile", "appendFileSync", "createWriteStream", "outputFile",
	    "writeJson", "writeJSON", "writeJsonSync" };
	const char *at, *after;
	struct span line;
	size_t i;

	for (i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		for (at = s->text.p; (at = jscode_identifier(span_from(s->text,
		    at), calls[i])) != NULL; at = after) {
			after = at + strlen(calls[i]);
			line = line_of(s->text, at);
			if (after == s->text.p + s->text.len || *after != '(' ||
			    span_find(line, "/tmp") != NULL ||
			    span_find_fold(line, "tmpdir") != NULL)
				continue;
			if (!s->fn(s->arg, MARKS_DISK, calls[i], at))
				return false;
		}
	}
	return true;
}

/* "> 2", ">= 3", "=== 3" behind ".length". */
static bool
counts_to_three(struct span s)
{
	static const char *const forms[] = { "> 2", ">= 3", "=== 3", "== 3",
	    ">2", ">=3", "===3" };
	const char *at = span_find(s, ".length");
	struct span rest;
	size_t i;

	while (at != NULL) {
		rest = span_trim(behind(s, at + 7, 8));
		for (i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
			if (span_begins(rest, forms[i]))
				return true;
		}
		at = span_find(span_from(s, at + 7), ".length");
	}
	return false;
}

/* Whether what is split at at is a host, by the words before it. */
static bool
is_of_host(struct span line, const char *at)
{

	line.len = (size_t)(at - line.p);
	return span_find_fold(line, "host") != NULL ||
	    span_find_fold(line, "domain") != NULL;
}

static bool
scan_tenant(const struct scan *s)
{
	static const char *const forms[] = { "split('.')", "split(\".\")" };
	const char *at;
	size_t i;

	if (span_find_fold(s->text, "hf.space") != NULL)
		return true;
	for (i = 0; i < 2; i++) {
		for (at = s->text.p; (at = span_find(span_from(s->text, at),
		    forms[i])) != NULL; at++) {
			if (is_of_host(line_of(s->text, at), at) &&
			    counts_to_three(behind(s->text, at, 400)) &&
			    !s->fn(s->arg, MARKS_TENANT, "split('.')", at))
				return false;
		}
	}
	return true;
}

static bool
scan_frames(const struct scan *s)
{
	const char *at, *p;
	struct span next;

	for (at = s->text.p; (at = span_find_fold(span_from(s->text, at),
	    "x-frame-options")) != NULL; at++) {
		next = behind(s->text, at, 120);
		if ((span_find_fold(next, "DENY") != NULL ||
		    span_find_fold(next, "SAMEORIGIN") != NULL) &&
		    !s->fn(s->arg, MARKS_FRAME, "X-Frame-Options", at))
			return false;
	}
	for (at = s->text.p; (at = span_find(span_from(s->text, at),
	    "frame-ancestors")) != NULL; at++) {
		next = behind(s->text, at, 300);
		if ((p = memchr(next.p, ';', next.len)) != NULL)
			next.len = (size_t)(p - next.p);
		if (span_find(next, "huggingface.co") == NULL &&
		    span_find(next, "*") == NULL &&
		    !s->fn(s->arg, MARKS_FRAME, "frame-ancestors", at))
			return false;
	}
	return true;
}

static bool
scan_same_site(const struct scan *s)
{
	const char *at;
	struct span value;

	for (at = s->text.p; (at = jscode_identifier(span_from(s->text, at),
	    "sameSite")) != NULL; at++) {
		if (!jscode_value(behind(s->text, at, 200), "sameSite", &value))
			continue;
		/* A call is a schema, not a setting. */
		if (memchr(value.p, '(', value.len) != NULL)
			continue;
		if ((span_find_fold(value, "'lax'") != NULL ||
		    span_find_fold(value, "\"lax\"") != NULL ||
		    span_find_fold(value, "strict") != NULL) &&
		    span_find_fold(value, "none") == NULL &&
		    !s->fn(s->arg, MARKS_COOKIE_SAME_SITE, "sameSite", at))
			return false;
		if (span_find_fold(value, "none") != NULL &&
		    jscode_identifier(around(s->text, at, 300), "secure") ==
		    NULL && !s->fn(s->arg, MARKS_COOKIE_INSECURE,
		    "sameSite 'none' without secure", at))
			return false;
	}
	return true;
}

static bool
scan_flag(const struct scan *s, const char *name, enum marks_kind kind,
    const char *what)
{
	const char *at;
	struct span value;

	for (at = s->text.p; (at = jscode_identifier(span_from(s->text, at),
	    name)) != NULL; at++) {
		/* Only where a cookie's other settings stand beside it. */
		if (jscode_value(behind(s->text, at, 200), name, &value) &&
		    span_is(value, "false") &&
		    (span_find(around(s->text, at, 400), "sameSite") != NULL ||
		    span_find_fold(around(s->text, at, 400), "cookie") !=
		    NULL) && !s->fn(s->arg, kind, what, at))
			return false;
	}
	return true;
}

static struct span
last_statement(struct span s)
{
	const char *end = s.len > 0 ? memrchr(s.p, ';', s.len) : NULL;

	return end != NULL ? span_from(s, end + 1) : s;
}

/* http://localhost…, unless a variable of the environment stands before it in
 * the same statement: then it is only a default. */
static bool
scan_localhost(const struct scan *s)
{
	static const char *const forms[] = { "://localhost", "://127.0.0.1",
	    "://0.0.0.0" };
	const char *at;
	size_t i;

	for (i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		for (at = s->text.p; (at = span_find(span_from(s->text, at),
		    forms[i])) != NULL; at++) {
			struct span before = around(s->text, at, 5);

			before.len = (size_t)(at - before.p);
			if (!span_ends(before, "http") &&
			    !span_ends(before, "https"))
				continue;
			before = around(s->text, at, 200);
			before.len = (size_t)(at - before.p);
			if (span_find(last_statement(before), "process.env") !=
			    NULL)
				continue;
			if (!s->fn(s->arg, MARKS_LOCALHOST, "localhost", at))
				return false;
		}
	}
	return true;
}

bool
marks_scan(struct span text, marks_fn *fn, void *arg)
{
	struct scan s = { text, fn, arg };

	return scan_disk(&s) && scan_tenant(&s) && scan_frames(&s) &&
	    scan_same_site(&s) &&
	    scan_flag(&s, "secure", MARKS_COOKIE_INSECURE, "secure: false") &&
	    scan_flag(&s, "httpOnly", MARKS_COOKIE_SCRIPT,
	    "httpOnly: false") && scan_localhost(&s);
}

bool
marks_is_health(const char *path)
{
	const char *p = strstr(path, "api/health");

	return p != NULL && (p == path || p[-1] == '/') &&
	    (p[10] == '/' || p[10] == '.') && jscode_is_source(path);
}

bool
marks_asks_database(struct span text)
{
	static const char *const words[] = { "mongo", "prisma", "database",
	    "connectdb", "dbconnect", "connecttodb", "/db", "getdb",
	    "repository" };
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (span_find_fold(text, words[i]) != NULL)
			return true;
	}
	return false;
}
