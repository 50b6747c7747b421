#include <string.h>

#include "app/frontmatter.h"
#include "app/span.h"

/* The lines between the two "---"; false when they are not there. */
static bool
head_of(struct span text, struct span *head)
{
	struct span rest = text, line;

	if (span_begins(rest, "\xef\xbb\xbf"))
		rest = span_from(rest, rest.p + 3);
	if (!span_line(&rest, &line) || !span_is(span_trim(line), "---"))
		return false;
	head->p = rest.p;
	while (span_line(&rest, &line)) {
		if (span_is(span_trim(line), "---")) {
			head->len = (size_t)(line.p - head->p);
			return true;
		}
	}
	return false;
}

bool
frontmatter_present(const char *text, size_t len)
{
	struct span head;

	return head_of((struct span){ text, len }, &head);
}

static struct span
scalar(struct span s)
{
	const char *end;

	s = span_trim(s);
	if (s.len > 1 && (*s.p == '"' || *s.p == '\'')) {
		end = memchr(s.p + 1, *s.p, s.len - 1);
		if (end != NULL)
			return (struct span){ s.p + 1,
			    (size_t)(end - s.p - 1) };
	}
	if (s.len > 0 && *s.p == '#')
		s.len = 0;
	else if ((end = span_find(s, " #")) != NULL)
		s.len = (size_t)(end - s.p);
	return span_trim(s);
}

bool
frontmatter_get(const char *text, size_t len, const char *key, char *out,
    size_t out_size, unsigned *line)
{
	struct span all = { text, len }, head, one;
	size_t key_len = strlen(key);

	if (!head_of(all, &head))
		return false;
	while (span_line(&head, &one)) {
		if (one.len <= key_len || !span_begins(one, key) ||
		    one.p[key_len] != ':')
			continue;
		span_copy(scalar(span_from(one, one.p + key_len + 1)), out,
		    out_size);
		if (line != NULL)
			*line = span_line_number(all, one.p);
		return true;
	}
	return false;
}
