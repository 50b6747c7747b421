#include <string.h>

#include "match/slash.h"

#define UNICODE_LEN 5		/* u002F */
#define PERCENT_LEN 3		/* %2F, %3A */
#define HEX_ENTITY_LEN 6	/* &#x2F; */
#define DECIMAL_ENTITY_LEN 5	/* &#47; */

static bool
is_unicode(const char *s)
{

	return memcmp(s, "u002", 4) == 0 && (s[4] | 0x20) == 'f';
}

static bool
is_percent(const char *s, char digit, char letter)
{

	return s[0] == '%' && s[1] == digit && (s[2] | 0x20) == letter;
}

static bool
is_hex_entity(const char *s)
{

	return memcmp(s, "&#", 2) == 0 && (s[2] | 0x20) == 'x' &&
	    s[3] == '2' && (s[4] | 0x20) == 'f' && s[5] == ';';
}

static bool
is_decimal_entity(const char *s)
{

	return memcmp(s, "&#47;", DECIMAL_ENTITY_LEN) == 0;
}

static size_t
backslashes_before(const char *text, size_t pos)
{
	size_t p = pos;

	while (p > 0 && text[p - 1] == '\\')
		p--;
	return pos - p;
}

bool
slash_before(const char *text, size_t pos, struct slash *s)
{
	size_t n;

	if (pos == 0)
		return false;
	switch (text[pos - 1]) {
	case '/':
		n = backslashes_before(text, pos - 1);
		s->style = n == 0 ? SLASH_PLAIN : SLASH_BACKSLASH;
		s->len = n + 1;
		break;
	case 'F':
	case 'f':
		if (pos >= PERCENT_LEN &&
		    is_percent(text + pos - PERCENT_LEN, '2', 'f')) {
			s->style = SLASH_PERCENT;
			s->len = PERCENT_LEN;
			break;
		}
		if (pos < UNICODE_LEN || !is_unicode(text + pos - UNICODE_LEN))
			return false;
		n = backslashes_before(text, pos - UNICODE_LEN);
		if (n != 1)
			return false;	/* two: escaped twice */
		s->style = SLASH_UNICODE;
		s->len = n + UNICODE_LEN;
		break;
	case ';':
		if (pos >= HEX_ENTITY_LEN &&
		    is_hex_entity(text + pos - HEX_ENTITY_LEN)) {
			s->style = SLASH_HEX_ENTITY;
			s->len = HEX_ENTITY_LEN;
			break;
		}
		if (pos < DECIMAL_ENTITY_LEN ||
		    !is_decimal_entity(text + pos - DECIMAL_ENTITY_LEN))
			return false;
		s->style = SLASH_DECIMAL_ENTITY;
		s->len = DECIMAL_ENTITY_LEN;
		break;
	default:
		return false;
	}
	s->pos = pos - s->len;
	return true;
}

size_t
slash_after(const char *text, size_t len, size_t pos, enum slash_style style)
{
	const char *s = text + pos;
	size_t left = len - pos, n;

	if (left == 0)
		return 0;
	if (s[0] == '/')
		return 1;
	switch (style) {
	case SLASH_PLAIN:
		return 0;
	case SLASH_BACKSLASH:
	case SLASH_UNICODE:
		for (n = 0; n < left && s[n] == '\\'; n++)
			continue;
		if (n == 0 || n == left)
			return 0;
		if (style == SLASH_BACKSLASH)
			return s[n] == '/' ? n + 1 : 0;
		return n == 1 && left - n >= UNICODE_LEN && is_unicode(s + n) ?
		    n + UNICODE_LEN : 0;
	case SLASH_PERCENT:
		return left >= PERCENT_LEN && is_percent(s, '2', 'f') ?
		    PERCENT_LEN : 0;
	case SLASH_HEX_ENTITY:
		return left >= HEX_ENTITY_LEN && is_hex_entity(s) ?
		    HEX_ENTITY_LEN : 0;
	case SLASH_DECIMAL_ENTITY:
		return left >= DECIMAL_ENTITY_LEN && is_decimal_entity(s) ?
		    DECIMAL_ENTITY_LEN : 0;
	}
	return 0;
}

size_t
slash_colon_before(const char *text, size_t pos, enum slash_style style)
{

	if (pos >= 1 && text[pos - 1] == ':')
		return 1;
	return style == SLASH_PERCENT && pos >= PERCENT_LEN &&
	    is_percent(text + pos - PERCENT_LEN, '3', 'a') ? PERCENT_LEN : 0;
}

size_t
slash_colon_after(const char *text, size_t len, size_t pos,
    enum slash_style style)
{

	if (pos < len && text[pos] == ':')
		return 1;
	return style == SLASH_PERCENT && len - pos >= PERCENT_LEN &&
	    is_percent(text + pos, '3', 'a') ? PERCENT_LEN : 0;
}
