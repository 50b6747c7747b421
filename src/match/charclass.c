#include <string.h>

#include "match/charclass.h"

struct range {
	uint32_t first, last;
};

static const struct range spaces[] = {
	{ 0x0009, 0x000D }, { 0x0020, 0x0020 }, { 0x0085, 0x0085 },
	{ 0x00A0, 0x00A0 }, { 0x2000, 0x200B }, { 0x2028, 0x2029 },
	{ 0x202F, 0x202F }, { 0x205F, 0x205F }, { 0x3000, 0x3000 },
	{ 0xFEFF, 0xFEFF },
};

/* From U+0080 on everything is a letter but these and white space. */
static const struct range not_letters[] = {
	{ 0x0080, 0x00A9 }, { 0x00AB, 0x00B4 }, { 0x00B6, 0x00B9 },
	{ 0x00BB, 0x00BF }, { 0x00D7, 0x00D7 }, { 0x00F7, 0x00F7 },
	{ 0x2000, 0x2BFF }, { 0x3001, 0x3020 }, { 0xFE00, 0xFE6F },
	{ 0xFF01, 0xFF0F }, { 0x1F000, 0x1FAFF },
};

static bool
in_ranges(const struct range *r, size_t n, uint32_t c)
{
	size_t i;

	for (i = 0; i < n && c >= r[i].first; i++)
		if (c <= r[i].last)
			return true;
	return false;
}

static bool
one_of(const char *set, uint32_t c)
{

	return c > 0 && c < 0x80 && strchr(set, (int)c) != NULL;
}

bool
charclass_alnum(uint32_t c)
{

	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9');
}

bool
charclass_label(uint32_t c)
{

	return charclass_alnum(c) || c == '_' || c == '-';
}

bool
charclass_unreserved(uint32_t c)
{

	return charclass_label(c) || c == '.' || c == '~';
}

bool
charclass_url(uint32_t c)
{

	return charclass_unreserved(c) || one_of(":/?#[]@!$&'()*+,;=%", c);
}

bool
charclass_space(uint32_t c)
{

	return in_ranges(spaces, sizeof(spaces) / sizeof(spaces[0]), c);
}

bool
charclass_quote(uint32_t c)
{

	return c == '"' || c == '\'' || c == '`';
}

bool
charclass_letter(uint32_t c)
{

	if (c < 0x80 || c == CHARCLASS_END)
		return false;
	return !charclass_space(c) && !in_ranges(not_letters,
	    sizeof(not_letters) / sizeof(not_letters[0]), c);
}

bool
charclass_before_scheme(uint32_t c)
{

	return !charclass_alnum(c) && !one_of("+.-", c);
}

bool
charclass_before_slash(uint32_t c)
{

	return c == CHARCLASS_END || charclass_space(c) ||
	    one_of("\"'`([{<>=,;|", c);
}

uint8_t
charclass_lower(uint8_t byte)
{

	return byte >= 'A' && byte <= 'Z' ? (uint8_t)(byte + 32) : byte;
}

int
charclass_hex(uint8_t byte)
{

	if (byte >= '0' && byte <= '9')
		return byte - '0';
	byte = charclass_lower(byte);
	if (byte >= 'a' && byte <= 'f')
		return byte - 'a' + 10;
	return -1;
}

size_t
charclass_utf8(const uint8_t *s, size_t n, uint32_t *c)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t len, i;
	uint32_t v;

	if (n == 0)
		return 0;
	if (s[0] < 0x80) {
		*c = s[0];
		return 1;
	}
	if (s[0] < 0xC2 || s[0] > 0xF4)
		return 0;
	len = s[0] < 0xE0 ? 2 : s[0] < 0xF0 ? 3 : 4;
	if (len > n)
		return 0;
	v = s[0] & (0x7Fu >> len);
	for (i = 1; i < len; i++) {
		if ((s[i] & 0xC0) != 0x80)
			return 0;
		v = v << 6 | (s[i] & 0x3Fu);
	}
	if (v < least[len] || v > 0x10FFFF || (v >= 0xD800 && v <= 0xDFFF))
		return 0;
	*c = v;
	return len;
}
