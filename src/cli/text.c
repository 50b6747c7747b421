#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "cli/text.h"

#define REPLACEMENT 0xFFFDU
#define ELLIPSIS "\xE2\x80\xA6"

/* Reads one character at *p and moves *p behind it; U+FFFD and one byte where
 * there is no valid one (RFC 3629: no overlong forms, no surrogates). */
static uint32_t
next_char(const char **p)
{
	const unsigned char *s = (const unsigned char *)*p;
	static const uint32_t least[] = { 0, 0x80, 0x800, 0x10000 };
	uint32_t c = s[0];
	unsigned more, i;

	(*p)++;
	if (c < 0x80)
		return c;
	if (c >= 0xC2 && c <= 0xDF)
		more = 1;
	else if (c >= 0xE0 && c <= 0xEF)
		more = 2;
	else if (c >= 0xF0 && c <= 0xF4)
		more = 3;
	else
		return REPLACEMENT;
	c &= 0x3FU >> more;
	for (i = 1; i <= more; i++) {
		if ((s[i] & 0xC0) != 0x80)	/* also the end: NUL */
			return REPLACEMENT;
		c = c << 6 | (s[i] & 0x3FU);
	}
	if (c < least[more] || c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF))
		return REPLACEMENT;
	*p += more;
	return c;
}

/* Ranges of characters that take two columns, and of those that take none:
 * the large blocks of Unicode's East_Asian_Width and of its combining marks. */
static const uint32_t wide[][2] = {
	{ 0x1100, 0x115F }, { 0x2E80, 0x303E }, { 0x3041, 0xA4CF },
	{ 0xA960, 0xA97F }, { 0xAC00, 0xD7A3 }, { 0xF900, 0xFAFF },
	{ 0xFE30, 0xFE6F }, { 0xFF00, 0xFF60 }, { 0xFFE0, 0xFFE6 },
	{ 0x1F300, 0x1F64F }, { 0x1F680, 0x1F6FF }, { 0x1F900, 0x1FAFF },
	{ 0x20000, 0x3FFFD }
};
static const uint32_t narrow[][2] = {
	{ 0x0300, 0x036F }, { 0x0483, 0x0489 }, { 0x0591, 0x05BD },
	{ 0x0610, 0x061A }, { 0x064B, 0x065F }, { 0x1AB0, 0x1AFF },
	{ 0x1DC0, 0x1DFF }, { 0x200B, 0x200D }, { 0x20D0, 0x20FF },
	{ 0xFE00, 0xFE0F }, { 0xFE20, 0xFE2F }
};
/* Marks that turn the direction of writing, and other unseen ones. */
static const uint32_t tricky[][2] = {
	{ 0x0080, 0x009F }, { 0x200E, 0x200F }, { 0x2028, 0x202E },
	{ 0x2060, 0x206F }, { 0xFEFF, 0xFEFF }, { 0xFFF0, 0xFFFB }
};

static bool
among(uint32_t c, const uint32_t (*ranges)[2], size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (c >= ranges[i][0] && c <= ranges[i][1])
			return true;
	}
	return false;
}

#define AMONG(c, ranges) \
	among((c), (ranges), sizeof(ranges) / sizeof((ranges)[0]))

static void
encode(uint32_t c, char out[5])
{

	if (c < 0x80) {
		out[0] = (char)c;
		out[1] = '\0';
	} else if (c < 0x800) {
		snprintf(out, 5, "%c%c", (int)(0xC0 | c >> 6),
		    (int)(0x80 | (c & 0x3F)));
	} else if (c < 0x10000) {
		snprintf(out, 5, "%c%c%c", (int)(0xE0 | c >> 12),
		    (int)(0x80 | (c >> 6 & 0x3F)), (int)(0x80 | (c & 0x3F)));
	} else {
		snprintf(out, 5, "%c%c%c%c", (int)(0xF0 | c >> 18),
		    (int)(0x80 | (c >> 12 & 0x3F)),
		    (int)(0x80 | (c >> 6 & 0x3F)), (int)(0x80 | (c & 0x3F)));
	}
}

/* How one character is shown; returns its columns. */
static size_t
shown(uint32_t c, char out[8])
{

	if (c == '\n' || c == '\r' || c == '\t') {
		snprintf(out, 8, "\\%c", c == '\n' ? 'n' : c == '\r' ? 'r' : 't');
		return 2;
	}
	if (c < 0x20 || c == 0x7F) {
		snprintf(out, 8, "\\x%02x", (unsigned)c);
		return 4;
	}
	if (AMONG(c, tricky))
		c = REPLACEMENT;
	encode(c, out);
	if (AMONG(c, wide))
		return 2;
	return AMONG(c, narrow) ? 0 : 1;
}

size_t
text_columns(const char *s)
{
	char out[8];
	size_t sum = 0;

	while (*s != '\0')
		sum += shown(next_char(&s), out);
	return sum;
}

bool
text_show(struct buf *out, const char *s, size_t columns)
{
	char piece[8];
	size_t used = 0, width;
	bool cut = columns != TEXT_WHOLE && text_columns(s) > columns;

	if (cut && columns == 0)
		return true;
	while (*s != '\0') {
		width = shown(next_char(&s), piece);
		if (cut && used + width > columns - 1)
			return buf_append_str(out, ELLIPSIS);
		if (!buf_append_str(out, piece))
			return false;
		used += width;
	}
	return true;
}

bool
text_valid(struct buf *out, const char *s)
{
	char piece[5];

	while (*s != '\0') {
		encode(next_char(&s), piece);
		if (!buf_append_str(out, piece))
			return false;
	}
	return true;
}
