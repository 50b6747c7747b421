/*
 * The characters that the boundaries of a match are made of (docs/REWRITING.md,
 * points 1, 5 and 6).  Everything here is a pure function of one character; a
 * character is a code point, or one of the two marks below.
 */
#ifndef MATCH_CHARCLASS_H
#define MATCH_CHARCLASS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CHARCLASS_END 0x110000u	/* the start or the end of the text */
#define CHARCLASS_BAD 0x110001u	/* a byte that is not UTF-8 */

/* One of [A-Za-z0-9]. */
bool charclass_alnum(uint32_t c);

/* One of [A-Za-z0-9_-]: what '*' stands for, and what may not follow a '.'
 * that ends a match. */
bool charclass_label(uint32_t c);

/* One of [A-Za-z0-9._~-], which percent-encoding leaves alone. */
bool charclass_unreserved(uint32_t c);

/* Printable ASCII that RFC 3986 allows in a URL. */
bool charclass_url(uint32_t c);

/* White space as point 5 lists it. */
bool charclass_space(uint32_t c);

/* A double or single quote or a backquote. */
bool charclass_quote(uint32_t c);

/* A letter outside ASCII as point 6 lists it; CHARCLASS_BAD is one. */
bool charclass_letter(uint32_t c);

/* May a scheme (or a bare host) stand right after c?  Point 5. */
bool charclass_before_scheme(uint32_t c);

/* May a "//" or "/" match stand right after c?  Point 5. */
bool charclass_before_slash(uint32_t c);

/* ASCII letters lowered, every other byte as it is. */
uint8_t charclass_lower(uint8_t byte);

/* The value of a hexadecimal digit, -1 for any other byte. */
int charclass_hex(uint8_t byte);

/* Decodes the UTF-8 character at the start of n bytes.  Returns its length, or
 * 0 when there is none: overlong forms, surrogates and values above U+10FFFF
 * are none (RFC 3629). */
size_t charclass_utf8(const uint8_t *s, size_t n, uint32_t *c);

#endif
