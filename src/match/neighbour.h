/*
 * What stands right before and right after a place in a text, read decoded
 * once (docs/REWRITING.md, point 5): %XX (a run as UTF-8), &#N; &#xH; &quot;
 * &apos; &lt; &gt; &amp; &nbsp;, and after one or more backslashes one of
 * n r t b f " ' / or uXXXX, count as the one character they stand for.
 *
 * Both directions read an escape only where it is complete.  A number that is
 * no character (a surrogate, or above 10FFFF) is no escape; two uXXXX may be a
 * surrogate pair, which is one character, and half a pair is its number.
 * Costs are linear in the length of the escape next to pos, so a text in which
 * each place is asked once stays linear.
 */
#ifndef MATCH_NEIGHBOUR_H
#define MATCH_NEIGHBOUR_H

#include <stddef.h>
#include <stdint.h>

/* The character that ends right before pos; CHARCLASS_END when pos is 0.
 * *start (may be NULL) becomes the first byte of its spelling. */
uint32_t neighbour_before(const char *text, size_t pos, size_t *start);

/* The character that begins at pos; CHARCLASS_END when pos is len.  *next (may
 * be NULL) becomes the first byte behind its spelling. */
uint32_t neighbour_after(const char *text, size_t len, size_t pos,
    size_t *next);

/* The same, but %XX is read as it stands, as three characters. */
uint32_t neighbour_after_raw_percent(const char *text, size_t len, size_t pos,
    size_t *next);

#endif
