#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "app/span.h"

struct span
span_of(const char *s)
{

	return (struct span){ s, strlen(s) };
}

bool
span_is_word_byte(char c)
{

	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') || c == '_';
}

bool
span_is_space(char c)
{

	return c == ' ' || (c >= '\t' && c <= '\r');
}

bool
span_line(struct span *rest, struct span *line)
{
	const char *end;

	if (rest->len == 0)
		return false;
	end = memchr(rest->p, '\n', rest->len);
	line->p = rest->p;
	line->len = end != NULL ? (size_t)(end - rest->p) : rest->len;
	rest->p += line->len + (end != NULL);
	rest->len -= line->len + (end != NULL);
	if (line->len > 0 && line->p[line->len - 1] == '\r')
		line->len--;
	return true;
}

bool
span_word(struct span *rest, struct span *word)
{

	while (rest->len > 0 && (span_is_space(*rest->p) || *rest->p == ',')) {
		rest->p++;
		rest->len--;
	}
	word->p = rest->p;
	word->len = 0;
	while (rest->len > 0 && !span_is_space(*rest->p) && *rest->p != ',') {
		rest->p++;
		rest->len--;
		word->len++;
	}
	return word->len > 0;
}

unsigned
span_line_number(struct span text, const char *at)
{
	const char *p = text.p;
	unsigned line = 1;

	while (p < at && (p = memchr(p, '\n', (size_t)(at - p))) != NULL) {
		line++;
		p++;
	}
	return line;
}

struct span
span_trim(struct span s)
{

	while (s.len > 0 && span_is_space(*s.p)) {
		s.p++;
		s.len--;
	}
	while (s.len > 0 && span_is_space(s.p[s.len - 1]))
		s.len--;
	return s;
}

struct span
span_from(struct span s, const char *at)
{

	return (struct span){ at, (size_t)(s.p + s.len - at) };
}

const char *
span_find(struct span s, const char *word)
{

	return s.len == 0 ? NULL : memmem(s.p, s.len, word, strlen(word));
}

const char *
span_find_fold(struct span s, const char *word)
{
	size_t len = strlen(word), i;

	for (i = 0; i + len <= s.len; i++) {
		if ((s.p[i] | 0x20) == (word[0] | 0x20) &&
		    strncasecmp(s.p + i, word, len) == 0)
			return s.p + i;
	}
	return NULL;
}

bool
span_is(struct span s, const char *word)
{

	return s.len == strlen(word) && memcmp(s.p, word, s.len) == 0;
}

bool
span_is_fold(struct span s, const char *word)
{

	return s.len == strlen(word) && strncasecmp(s.p, word, s.len) == 0;
}

bool
span_begins(struct span s, const char *word)
{
	size_t len = strlen(word);

	return s.len >= len && memcmp(s.p, word, len) == 0;
}

bool
span_ends(struct span s, const char *word)
{
	size_t len = strlen(word);

	return s.len >= len && memcmp(s.p + s.len - len, word, len) == 0;
}

void
span_copy(struct span s, char *out, size_t out_size)
{
	size_t n = s.len < out_size ? s.len : out_size - 1;

	if (n > 0)
		memcpy(out, s.p, n);
	out[n] = '\0';
}

char *
span_dup(struct span s)
{
	char *copy = malloc(s.len + 1);

	if (copy != NULL)
		span_copy(s, copy, s.len + 1);
	return copy;
}
