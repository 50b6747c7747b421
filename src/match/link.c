#include <string.h>

#include "match/charclass.h"
#include "match/link.h"
#include "match/neighbour.h"

/* Bytes below 0x80 that may end a link or begin an escape that does. */
static const bool special[0x80] = {
	['\t'] = true, ['\n'] = true, ['\v'] = true, ['\f'] = true,
	['\r'] = true, [' '] = true, ['<'] = true, ['>'] = true, ['"'] = true,
	['\''] = true, [')'] = true, ['\\'] = true, ['&'] = true,
};

/* Where the quote that is spelled so (n bytes) stands again between pos and
 * end; end if it does not.  Behind a backslash it would be another spelling. */
static size_t
find_quote(const char *text, size_t pos, size_t end, const char *quote,
    size_t n)
{
	const char *s = text + pos;

	while ((s = memmem(s, (size_t)(text + end - s), quote, n)) != NULL) {
		if (s == text + pos || s[-1] != '\\' || *quote == '`' ||
		    *quote == '&' || *quote == '%')
			return (size_t)(s - text);
		s++;
	}
	return end;
}

/* Where a link ends, between pos and end, that no quote opened.  A %XX belongs
 * to the link. */
static size_t
find_end(const char *text, size_t pos, size_t end)
{
	uint32_t c;
	size_t next;

	for (; pos < end; pos = next) {
		next = pos + 1;
		if ((uint8_t)text[pos] < 0x80 && !special[(uint8_t)text[pos]])
			continue;
		c = neighbour_after_raw_percent(text, end, pos, &next);
		if (charclass_space(c) || c == '<' || c == '>' || c == '"' ||
		    c == '\'' || c == ')')
			return pos;
		/* Backslashes that escape nothing: none is looked at twice. */
		if (c == '\\' && text[pos] == '\\')
			while (next < end && text[next] == '\\')
				next++;
	}
	return end;
}

void
link_reader_init(struct link_reader *r, const char *text, size_t len)
{

	r->text = text;
	r->len = len;
	r->clear_from = 0;
	r->clear_to = 0;
}

/* find_end(), less what an earlier link of the text has found out. */
static size_t
find_end_again(struct link_reader *r, size_t pos, size_t end)
{

	if (pos < r->clear_from || pos > r->clear_to) {
		r->clear_from = pos;
		r->clear_to = pos;
	}
	if (r->clear_to < end)
		r->clear_to = find_end(r->text, r->clear_to, end);
	return r->clear_to < end ? r->clear_to : end;
}

void
link_describe(struct link_reader *r, const struct find_match *m,
    struct match_link *link)
{
	const char *text = r->text;
	size_t end, stop, quote;

	link->rule = m->rule->index;
	link->match = text + m->start;
	link->match_len = m->end - m->start;
	link->star = text + m->star;
	link->star_len = m->star_len;
	link->percent = m->slash.style == SLASH_PERCENT;
	link->escaped_slash = text + m->slash.pos;
	link->escaped_slash_len = m->slash.len;

	end = r->len - m->end > LINK_TAIL_MAX ? m->end + LINK_TAIL_MAX : r->len;
	stop = end;
	if (charclass_quote(neighbour_before(text, m->start, &quote)))
		stop = find_quote(text, m->end, end, text + quote,
		    m->start - quote);
	if (stop == end)
		stop = find_end_again(r, m->end, end);
	link->tail = text + m->end;
	link->tail_len = stop - m->end;
}

/* Moves the bytes of s from *from up to the next byte c (or to n) down to *to.
 * False when c does not stand there any more. */
static bool
move_up_to(uint8_t *s, size_t n, uint8_t c, size_t *from, size_t *to)
{
	const uint8_t *at = memchr(s + *from, c, n - *from);
	size_t len = (at == NULL ? n : (size_t)(at - s)) - *from;

	if (*from != *to)
		memmove(s + *to, s + *from, len);
	*from += len;
	*to += len;
	return at != NULL;
}

/* Decodes %XX in place.  Returns the new length. */
static size_t
percent_decode(uint8_t *s, size_t n)
{
	size_t from = 0, to = 0;
	int high, low;

	while (move_up_to(s, n, '%', &from, &to)) {
		high = low = -1;
		if (n - from >= 3) {
			high = charclass_hex(s[from + 1]);
			low = charclass_hex(s[from + 2]);
		}
		if (high < 0 || low < 0) {
			s[to++] = s[from++];
		} else {
			s[to++] = (uint8_t)(high << 4 | low);
			from += 3;
		}
	}
	return to;
}

/* Undoes the escape style of the match in place: %XX in %2F style, the
 * slashes in any other.  Returns the new length. */
static size_t
undo_style(const struct match_link *link, uint8_t *s, size_t n)
{
	struct slash first;
	size_t from = 0, to = 0, len;

	if (link->percent)
		return percent_decode(s, n);
	if (link->escaped_slash_len == 1 || !slash_before(link->escaped_slash,
	    link->escaped_slash_len, &first))
		return n;
	while (move_up_to(s, n, (uint8_t)link->escaped_slash[0], &from, &to)) {
		len = slash_after((const char *)s, n, from, first.style);
		if (len > 0) {
			s[to++] = '/';
			from += len;
			continue;
		}
		/* Backslashes that are no part of a slash stay. */
		do
			s[to++] = s[from++];
		while (from < n && s[from] == '\\' && s[to - 1] == '\\');
	}
	return to;
}

/* The length of s without ?... and #... */
static size_t
without_query(const uint8_t *s, size_t n)
{
	const uint8_t *at;

	if ((at = memchr(s, '?', n)) != NULL)
		n = (size_t)(at - s);
	if ((at = memchr(s, '#', n)) != NULL)
		n = (size_t)(at - s);
	return n;
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
	if (i >= 2)
		n = without_query(s, n);
	if (i == 3)
		while (n > 0 && s[n - 1] != '\0' &&
		    strchr(".,;:!?)", s[n - 1]) != NULL)
			n--;
	n = percent_decode(s, n);
	buf_truncate(out, before + n);
	return true;
}
