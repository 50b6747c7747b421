/*
 * The escape styles in which a '/' and a ':' may be written in a text
 * (docs/REWRITING.md, point 4).  The first '/' of a match sets its style;
 * later ones are plain or in that style.
 */
#ifndef MATCH_SLASH_H
#define MATCH_SLASH_H

#include <stdbool.h>
#include <stddef.h>

enum slash_style {
	SLASH_PLAIN,
	SLASH_BACKSLASH,	/* \/ with one or more backslashes */
	SLASH_UNICODE,		/* \u002F, one backslash */
	SLASH_PERCENT,		/* %2F */
	SLASH_HEX_ENTITY,	/* &#x2F; */
	SLASH_DECIMAL_ENTITY	/* &#47; */
};

/* One '/' as it is spelled in a text. */
struct slash {
	enum slash_style style;
	size_t pos, len;
};

/* The '/' that ends right before pos, with all its backslashes.  False when
 * there is none. */
bool slash_before(const char *text, size_t pos, struct slash *s);

/* The length of the '/' at pos, plain or in the style given; 0 for none. */
size_t slash_after(const char *text, size_t len, size_t pos,
    enum slash_style style);

/* The length of a ':' right before or at pos: ':', or %3A in SLASH_PERCENT
 * style; 0 for none. */
size_t slash_colon_before(const char *text, size_t pos, enum slash_style style);
size_t slash_colon_after(const char *text, size_t len, size_t pos,
    enum slash_style style);

#endif
