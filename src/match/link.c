#include <string.h>

#include "match/charclass.h"
#include "match/link.h"
#include "match/neighbour.h"

/* Bytes that neither end a link nor begin an escape. */
static bool
goes_on(char byte)
{

	return charclass_unreserved((uint8_t)byte) || byte == '/';
}

/* The character at pos.  *next is behind it; backslashes that escape nothing
 * are passed over together, so that none is looked at twice. */
static uint32_t
read_on(const char *text, size_t end, size_t pos, bool percent, size_t *next)
{
	uint32_t c;

	c = percent ? neighbour_after(text, end, pos, next) :
	    neighbour_after_raw_percent(text, end, pos, next);
	if (c == '\\' && text[pos] == '\\')
		while (*next < end && text[*next] == '\\')
			(*next)++;
	return c;
}

/* Where the quote that is spelled so stands again from pos on, spelled in the
 * same way; end if it does not. */
static size_t
find_quote(const char *text, size_t end, size_t pos, const char *quote,
    size_t n)
{
	size_t next;

	for (; pos < end; pos = next) {
		next = pos + 1;
		if (goes_on(text[pos]))
			continue;
		read_on(text, end, pos, true, &next);
		if (next - pos == n && memcmp(text + pos, quote, n) == 0)
			return pos;
	}
	return end;
}

/* Where a link ends that no quote opened.  A %XX belongs to the link. */
static size_t
find_end(const char *text, size_t end, size_t pos)
{
	uint32_t c;
	size_t next;

	for (; pos < end; pos = next) {
		next = pos + 1;
		if (goes_on(text[pos]))
			continue;
		c = read_on(text, end, pos, false, &next);
		if (charclass_space(c) || c == '<' || c == '>' || c == '"' ||
		    c == '\'' || c == ')')
			return pos;
	}
	return end;
}

void
link_describe(struct match_link *link, const struct find_match *m,
    const char *text, size_t len)
{
	size_t end, stop, quote;

	link->rule = m->rule->index;
	link->match = text + m->start;
	link->match_len = m->end - m->start;
	link->star = text + m->star;
	link->star_len = m->star_len;
	link->percent = m->slash.style == SLASH_PERCENT;
	link->escaped_slash = text + m->slash.pos;
	link->escaped_slash_len = m->slash.len;

	end = len - m->end > LINK_TAIL_MAX ? m->end + LINK_TAIL_MAX : len;
	stop = end;
	if (charclass_quote(neighbour_before(text, m->start, &quote)))
		stop = find_quote(text, end, m->end, text + quote,
		    m->start - quote);
	if (stop == end)
		stop = find_end(text, end, m->end);
	link->tail = text + m->end;
	link->tail_len = stop - m->end;
}

/* Decodes %XX in place.  Returns the new length. */
static size_t
percent_decode(uint8_t *s, size_t n)
{
	size_t from, to = 0;
	int high, low;

	for (from = 0; from < n; from++, to++) {
		s[to] = s[from];
		if (s[from] != '%' || n - from < 3)
			continue;
		high = charclass_hex(s[from + 1]);
		low = charclass_hex(s[from + 2]);
		if (high < 0 || low < 0)
			continue;
		s[to] = (uint8_t)(high << 4 | low);
		from += 2;
	}
	return to;
}

/* Undoes the escape style of the match in place: %XX in %2F style, the
 * slashes in any other.  Returns the new length. */
static size_t
undo_style(const struct match_link *link, uint8_t *s, size_t n)
{
	struct slash first;
	size_t from, to, len;

	if (link->percent)
		return percent_decode(s, n);
	if (!slash_before(link->escaped_slash, link->escaped_slash_len, &first))
		return n;
	for (from = to = 0; from < n;) {
		len = slash_after((const char *)s, n, from, first.style);
		if (len > 0) {
			s[to++] = '/';
			from += len;
			continue;
		}
		/* A run of backslashes that is no part of a slash stays. */
		do
			s[to++] = s[from++];
		while (from < n && s[from] == '\\' && s[from - 1] == '\\');
	}
	return to;
}

bool
match_link_form(const struct match_link *link, size_t i, struct buf *out)
{
	uint8_t *s;
	size_t before = out->len, n;

	if (i > 3 || !buf_append(out, link->tail, link->tail_len))
		return false;
	if (i == 0 || link->tail_len == 0)
		return true;
	s = out->data + before;
	n = undo_style(link, s, link->tail_len);
	if (i >= 2) {
		const uint8_t *cut = memchr(s, '?', n);

		if (cut != NULL)
			n = (size_t)(cut - s);
		cut = memchr(s, '#', n);
		if (cut != NULL)
			n = (size_t)(cut - s);
	}
	if (i == 3)
		while (n > 0 && s[n - 1] != '\0' &&
		    strchr(".,;:!?)", s[n - 1]) != NULL)
			n--;
	n = percent_decode(s, n);
	buf_truncate(out, before + n);
	return true;
}
