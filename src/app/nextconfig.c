#include <string.h>
#include <strings.h>

#include "app/jscode.h"
#include "app/nextconfig.h"

static bool
add(struct strings *list, struct span s)
{
	char text[256];

	span_copy(span_trim(s), text, sizeof(text));
	return list->n >= 1000 || strings_add(list, text);
}

/* The host of "https://host:port/path", or of a bare host. */
static struct span
host_of(struct span url)
{
	const char *p = span_find(url, "//");
	size_t i;

	if (p != NULL)
		url = span_from(url, p + 2);
	for (i = 0; i < url.len && strchr("/:?#", url.p[i]) == NULL; i++)
		;
	url.len = i;
	return url;
}

static bool
read_hosts(struct nextconfig *c, struct span images)
{
	struct span block, literal;
	const char *at;

	if (jscode_block(images, "domains", '[', &block)) {
		while (jscode_literal(&block, &literal)) {
			if (!add(&c->host, literal))
				return false;
		}
	}
	if (!jscode_block(images, "remotePatterns", '[', &block))
		return true;
	for (at = block.p; (at = jscode_identifier(span_from(block, at),
	    "hostname")) != NULL; ) {
		struct span rest = span_from(block, at + strlen("hostname"));

		at = rest.p;
		/* The key may be quoted itself. */
		while (rest.len > 0 && *rest.p != ':')
			rest = span_from(rest, rest.p + 1);
		if (jscode_literal(&rest, &literal) && !add(&c->host, literal))
			return false;
	}
	for (at = block.p; (at = span_find(span_from(block, at),
	    "URL(")) != NULL; at++) {
		struct span rest = span_from(block, at);

		if (jscode_literal(&rest, &literal) &&
		    !add(&c->host, host_of(literal)))
			return false;
	}
	return true;
}

/* The keys of env: {…}, "A: …" or "A". */
static bool
read_inlined(struct nextconfig *c, struct span block)
{
	const char *p = block.p, *end = block.p + block.len, *q;

	while (p < end) {
		while (p < end && !span_is_word_byte(*p))
			p++;
		for (q = p; q < end && span_is_word_byte(*q); q++)
			;
		if (q > p && !add(&c->inlined, (struct span){ p,
		    (size_t)(q - p) }))
			return false;
		p = memchr(q, ',', (size_t)(end - q));
		if (p == NULL)
			break;
	}
	return true;
}

bool
nextconfig_read(struct nextconfig *c, struct span text)
{
	struct span block, value;

	memset(c, 0, sizeof(*c));
	if (jscode_value(text, "output", &value))
		c->standalone = span_find(value, "standalone") != NULL;
	if (jscode_block(text, "images", '{', &block)) {
		c->images = true;
		c->unoptimized = jscode_value(block, "unoptimized", &value) &&
		    span_is(value, "true");
		if (!read_hosts(c, block))
			return false;
	}
	return !jscode_block(text, "env", '{', &block) ||
	    read_inlined(c, block);
}

void
nextconfig_free(struct nextconfig *c)
{

	strings_free(&c->host);
	strings_free(&c->inlined);
	memset(c, 0, sizeof(*c));
}

static bool
matches(const char *pattern, const char *host)
{
	size_t stars = strspn(pattern, "*"), len = strlen(host), rest;

	if (stars == 0 || stars > 2)
		return strcasecmp(pattern, host) == 0;
	pattern += stars;
	rest = strlen(pattern);
	if (rest >= len)
		return rest == 0;
	return strcasecmp(host + len - rest, pattern) == 0 &&
	    (stars == 2 || memchr(host, '.', len - rest) == NULL);
}

bool
nextconfig_allows(const struct nextconfig *c, const char *host)
{
	size_t i;

	for (i = 0; i < c->host.n; i++) {
		if (matches(c->host.v[i], host))
			return true;
	}
	return false;
}
