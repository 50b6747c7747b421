#include <stdbool.h>
#include <string.h>

#include "match/charclass.h"
#include "match/neighbour.h"

#define UTF8_MAX 4		/* bytes in the longest UTF-8 character */

static const struct entity {
	const char *name;
	uint32_t c;
} entities[] = {
	{ "&quot;", '"' }, { "&apos;", '\'' }, { "&lt;", '<' }, { "&gt;", '>' },
	{ "&amp;", '&' }, { "&nbsp;", 0xA0 },
};

static const char controls[] = "nrtbf\"'/";	/* after a backslash ... */
static const char meanings[] = "\n\r\t\b\f\"'/";	/* ... they stand for */

static bool
backslash_meaning(char letter, uint32_t *c)
{
	const char *p;

	if (letter == '\0' || (p = strchr(controls, letter)) == NULL)
		return false;
	*c = (uint8_t)meanings[p - controls];
	return true;
}

/* The byte that %XX at s stands for, -1 if there is none. */
static int
percent_byte(const char *s, size_t n)
{
	int high, low;

	if (n < 3 || s[0] != '%')
		return -1;
	high = charclass_hex((uint8_t)s[1]);
	low = charclass_hex((uint8_t)s[2]);
	return high < 0 || low < 0 ? -1 : high << 4 | low;
}

/* The value of n digits, or CHARCLASS_END when it is no character. */
static uint32_t
number(const char *s, size_t n, uint32_t base)
{
	uint32_t v = 0;
	size_t i;

	for (i = 0; i < n; i++) {
		v = v * base + (uint32_t)charclass_hex((uint8_t)s[i]);
		if (v > 0x10FFFF)
			return CHARCLASS_END;
	}
	return v >= 0xD800 && v <= 0xDFFF ? CHARCLASS_END : v;
}

static bool
is_hex(char byte)
{

	return charclass_hex((uint8_t)byte) >= 0;
}

static bool
is_digit(char byte)
{

	return byte >= '0' && byte <= '9';
}

/* Four hexadecimal digits at s; half of a surrogate pair counts. */
static bool
four_hex(const char *s, uint32_t *c)
{
	size_t i;

	*c = 0;
	for (i = 0; i < 4; i++) {
		if (!is_hex(s[i]))
			return false;
		*c = *c << 4 | (uint32_t)charclass_hex((uint8_t)s[i]);
	}
	return true;
}

static size_t
backslashes_before(const char *text, size_t pos)
{

	while (pos > 0 && text[pos - 1] == '\\')
		pos--;
	return pos;
}

/* Of the n bytes the last character, and the bytes it takes; a byte that ends
 * none counts alone. */
static size_t
last_utf8(const uint8_t *s, size_t n, uint32_t *c)
{
	size_t len;

	for (len = 1; len <= n && len <= UTF8_MAX; len++)
		if (charclass_utf8(s + n - len, len, c) == len)
			return len;
	*c = CHARCLASS_BAD;
	return 1;
}

static bool
percent_before(const char *text, size_t pos, uint32_t *c, size_t *start)
{
	uint8_t bytes[UTF8_MAX];
	size_t n = 0;
	int byte;

	while (n < UTF8_MAX && pos >= 3 * (n + 1)) {
		byte = percent_byte(text + pos - 3 * (n + 1), 3);
		if (byte < 0)
			break;
		n++;
		bytes[UTF8_MAX - n] = (uint8_t)byte;
	}
	if (n == 0)
		return false;
	*start = pos - 3 * last_utf8(bytes + UTF8_MAX - n, n, c);
	return true;
}

static bool
entity_before(const char *text, size_t pos, uint32_t *c, size_t *start)
{
	size_t i, n, digits;
	uint32_t v;

	if (text[pos - 1] != ';')
		return false;
	for (i = 0; i < sizeof(entities) / sizeof(entities[0]); i++) {
		n = strlen(entities[i].name);
		if (pos >= n && memcmp(text + pos - n, entities[i].name, n) == 0) {
			*c = entities[i].c;
			*start = pos - n;
			return true;
		}
	}
	for (digits = pos - 1; digits > 0 && is_hex(text[digits - 1]); digits--)
		continue;
	n = pos - 1 - digits;
	if (n == 0)
		return false;
	if (digits >= 3 && (text[digits - 1] | 0x20) == 'x' &&
	    text[digits - 2] == '#' && text[digits - 3] == '&') {
		*start = digits - 3;
		v = number(text + digits, n, 16);
	} else if (digits >= 2 && text[digits - 1] == '#' &&
	    text[digits - 2] == '&') {
		for (i = 0; i < n; i++)
			if (!is_digit(text[digits + i]))
				return false;
		*start = digits - 2;
		v = number(text + digits, n, 10);
	} else
		return false;
	*c = v;
	return v != CHARCLASS_END;
}

static bool
backslash_before(const char *text, size_t pos, uint32_t *c, size_t *start)
{
	size_t letter;

	letter = pos - 1;
	if (letter >= 1 && text[letter - 1] == '\\' &&
	    backslash_meaning(text[letter], c)) {
		*start = backslashes_before(text, letter);
		return true;
	}
	if (pos < 6 || text[pos - 5] != 'u' || text[pos - 6] != '\\' ||
	    !four_hex(text + pos - 4, c))
		return false;
	*start = backslashes_before(text, pos - 5);
	return true;
}

uint32_t
neighbour_before(const char *text, size_t pos, size_t *start)
{
	uint32_t c;
	size_t s;

	if (pos == 0) {
		s = 0;
		c = CHARCLASS_END;
	} else if (!percent_before(text, pos, &c, &s) &&
	    !entity_before(text, pos, &c, &s) &&
	    !backslash_before(text, pos, &c, &s)) {
		s = pos < UTF8_MAX ? pos : UTF8_MAX;
		s = pos - last_utf8((const uint8_t *)text + pos - s, s, &c);
	}
	if (start != NULL)
		*start = s;
	return c;
}

static bool
percent_after(const char *text, size_t len, size_t pos, uint32_t *c,
    size_t *next)
{
	uint8_t bytes[UTF8_MAX];
	size_t n;
	int byte;

	for (n = 0; n < UTF8_MAX; n++) {
		if (pos + 3 * n > len)
			break;
		byte = percent_byte(text + pos + 3 * n, len - pos - 3 * n);
		if (byte < 0)
			break;
		bytes[n] = (uint8_t)byte;
	}
	if (n == 0)
		return false;
	if ((n = charclass_utf8(bytes, n, c)) == 0) {
		*c = CHARCLASS_BAD;
		n = 1;
	}
	*next = pos + 3 * n;
	return true;
}

static bool
entity_after(const char *text, size_t len, size_t pos, uint32_t *c,
    size_t *next)
{
	uint32_t base = 10;
	size_t i, n, end;

	for (i = 0; i < sizeof(entities) / sizeof(entities[0]); i++) {
		n = strlen(entities[i].name);
		if (len - pos >= n && memcmp(text + pos, entities[i].name, n) == 0) {
			*c = entities[i].c;
			*next = pos + n;
			return true;
		}
	}
	if (len - pos < 4 || text[pos + 1] != '#')
		return false;
	pos += 2;
	if ((text[pos] | 0x20) == 'x') {
		base = 16;
		pos++;
	}
	end = pos;
	while (end < len && (base == 16 ? is_hex(text[end]) : is_digit(text[end])))
		end++;
	if (end == pos || end == len || text[end] != ';')
		return false;
	*c = number(text + pos, end - pos, base);
	*next = end + 1;
	return *c != CHARCLASS_END;
}

/* uXXXX behind backslashes; two of them that are a surrogate pair stand for
 * one character. */
static bool
unicode_after(const char *text, size_t len, size_t pos, uint32_t *c,
    size_t *next)
{
	uint32_t low;
	size_t p;

	if (len - pos < 5 || text[pos] != 'u' || !four_hex(text + pos + 1, c))
		return false;
	*next = pos + 5;
	if (*c < 0xD800 || *c > 0xDBFF)
		return true;
	for (p = *next; p < len && text[p] == '\\'; p++)
		continue;
	if (p == *next || len - p < 5 || text[p] != 'u' ||
	    !four_hex(text + p + 1, &low) || low < 0xDC00 || low > 0xDFFF)
		return true;
	*c = 0x10000 + ((*c - 0xD800) << 10) + (low - 0xDC00);
	*next = p + 5;
	return true;
}

static bool
backslash_after(const char *text, size_t len, size_t pos, uint32_t *c,
    size_t *next)
{

	while (pos < len && text[pos] == '\\')
		pos++;
	if (pos == len)
		return false;
	if (backslash_meaning(text[pos], c)) {
		*next = pos + 1;
		return true;
	}
	return unicode_after(text, len, pos, c, next);
}

static uint32_t
after(const char *text, size_t len, size_t pos, bool percent, size_t *next)
{
	uint32_t c = CHARCLASS_END;
	size_t n = pos;
	bool done;

	if (pos < len) {
		done = (text[pos] == '%' && percent &&
		    percent_after(text, len, pos, &c, &n)) ||
		    (text[pos] == '&' && entity_after(text, len, pos, &c, &n)) ||
		    (text[pos] == '\\' && backslash_after(text, len, pos, &c, &n));
		if (!done) {
			n = charclass_utf8((const uint8_t *)text + pos, len - pos,
			    &c);
			if (n == 0) {
				c = CHARCLASS_BAD;
				n = 1;
			}
			n += pos;
		}
	}
	if (next != NULL)
		*next = n;
	return c;
}

uint32_t
neighbour_after(const char *text, size_t len, size_t pos, size_t *next)
{

	return after(text, len, pos, true, next);
}

uint32_t
neighbour_after_raw_percent(const char *text, size_t len, size_t pos,
    size_t *next)
{

	return after(text, len, pos, false, next);
}
