#include "match/boundary.h"
#include "match/charclass.h"
#include "match/neighbour.h"

#define PORT_DIGITS 5

bool
boundary_end(const char *text, size_t len, size_t pos)
{
	uint32_t c;

	c = neighbour_after(text, len, pos, &pos);
	if (c == CHARCLASS_END)
		return true;
	if (charclass_label(c) || c == '@' || c == '~' || c == '%' ||
	    charclass_letter(c))
		return false;
	if (c == '.') {
		c = neighbour_after(text, len, pos, NULL);
		return !charclass_label(c) && !charclass_letter(c);
	}
	if (c == ':') {
		c = neighbour_after(text, len, pos, NULL);
		return c == CHARCLASS_END || charclass_space(c) ||
		    charclass_quote(c);
	}
	return true;
}

size_t
boundary_port(const char *text, size_t len, size_t pos, enum slash_style style,
    size_t *digits)
{
	size_t colon, n = 0;

	if ((colon = slash_colon_after(text, len, pos, style)) == 0)
		return 0;
	pos += colon;
	while (n <= PORT_DIGITS && pos + n < len && text[pos + n] >= '0' &&
	    text[pos + n] <= '9')
		n++;
	*digits = n;
	return n > 0 ? colon + n : 0;
}
