#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "store/key.h"

/* The length of the UTF-8 character at p, 0 if there is none. */
static size_t
character(const uint8_t *p)
{
	size_t len, i;
	uint32_t c;

	if (p[0] < 0x80)
		return p[0] != 0;
	if (p[0] < 0xc2 || p[0] > 0xf4)
		return 0;
	len = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	c = p[0] & (0x7f >> len);
	for (i = 1; i < len; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3f);
	}
	if ((len == 3 && c < 0x800) || (len == 4 && c < 0x10000) ||
	    c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	return len;
}

bool
key_is_utf8(const char *s)
{
	const uint8_t *p = (const uint8_t *)s;
	size_t len;

	while (*p != 0) {
		if ((len = character(p)) == 0)
			return false;
		p += len;
	}
	return true;
}

const char *
key_fault(const char *key)
{
	const char *p = key;

	if (*key == '\0')
		return "it is empty";
	if (!key_is_utf8(key))
		return "it is not UTF-8";
	for (;;) {
		size_t len = strcspn(p, "/");

		if (len == 0)
			return "it has an empty component";
		if ((len == 1 && p[0] == '.') ||
		    (len == 2 && p[0] == '.' && p[1] == '.'))
			return "it has the component \".\" or \"..\"";
		if (p[len] == '\0')
			return NULL;
		p += len + 1;
	}
}

void
key_printable(const char *name, char *out, size_t out_size)
{
	const uint8_t *p = (const uint8_t *)name;
	char *end = out + out_size;

	while (*p != 0) {
		size_t len = character(p);
		bool plain = len > 0 && *p >= 0x20 && *p != 0x7f &&
		    !(p[0] == 0xc2 && p[1] < 0xa0);

		if (out + (plain ? len : 4) >= end)
			break;
		if (plain) {
			memcpy(out, p, len);
			out += len;
			p += len;
		} else {
			snprintf(out, 5, "\\x%02x", *p++);
			out += 4;
		}
	}
	*out = '\0';
}
