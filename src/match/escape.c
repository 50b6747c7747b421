#include <string.h>

#include "match/charclass.h"
#include "match/escape.h"

/* How one match is written. */
struct pen {
	struct buf *out;
	const char *slash;	/* '/' in the match's style */
	size_t slash_len;
	bool percent;		/* %2F style: escape everything */
	const char *digits;	/* hexadecimal, in the match's case */
	const char *colon;	/* ':' in %2F style */
	size_t colon_len;
};

/* The first colon of the match as it is spelled, for %2F style. */
static void
find_colon(struct pen *p, const char *text, size_t start, size_t end)
{
	size_t n;

	for (; start < end; start++) {
		n = slash_colon_after(text, end, start, SLASH_PERCENT);
		if (n > 0) {
			p->colon = text + start;
			p->colon_len = n;
			return;
		}
	}
}

static bool
write_percent(struct pen *p, const char *s, size_t n)
{
	uint8_t escape[3];
	size_t i;

	for (i = 0; i < n; i++) {
		if (charclass_unreserved((uint8_t)s[i])) {
			if (!buf_append_byte(p->out, (uint8_t)s[i]))
				return false;
		} else if (s[i] == ':' && p->colon != NULL) {
			if (!buf_append(p->out, p->colon, p->colon_len))
				return false;
		} else {
			escape[0] = '%';
			escape[1] = (uint8_t)p->digits[(uint8_t)s[i] >> 4];
			escape[2] = (uint8_t)p->digits[s[i] & 15];
			if (!buf_append(p->out, escape, sizeof(escape)))
				return false;
		}
	}
	return true;
}

static bool
write_slashes(struct pen *p, const char *s, size_t n)
{
	const char *slash;
	size_t part;

	while ((slash = memchr(s, '/', n)) != NULL) {
		part = (size_t)(slash - s);
		if (!buf_append(p->out, s, part) ||
		    !buf_append(p->out, p->slash, p->slash_len))
			return false;
		s += part + 1;
		n -= part + 1;
	}
	return buf_append(p->out, s, n);
}

static bool
write_text(struct pen *p, const char *s, size_t n)
{

	if (p->percent)
		return write_percent(p, s, n);
	if (p->slash_len == 1)
		return buf_append(p->out, s, n);
	return write_slashes(p, s, n);
}

bool
escape_to(struct buf *out, const struct find_match *m, const char *text)
{
	const char *to = m->rule->to, *star;
	struct pen p = {
		.out = out,
		.slash = text + m->slash.pos,
		.slash_len = m->slash.len,
		.percent = m->slash.style == SLASH_PERCENT,
	};

	if (p.percent) {
		p.digits = p.slash[2] == 'f' ? "0123456789abcdef" :
		    "0123456789ABCDEF";
		find_colon(&p, text, m->start, m->end);
	}
	if (m->relative)
		to += m->rule->to_scheme;
	while (m->rule->star && (star = strstr(to, "$1")) != NULL) {
		if (!write_text(&p, to, (size_t)(star - to)) ||
		    !buf_append(out, text + m->star, m->star_len))
			return false;
		to = star + 2;
	}
	return write_text(&p, to, strlen(to));
}
