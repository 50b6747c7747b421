/*
 * What a match links to (docs/REWRITING.md, point 10): the tail behind it, up
 * to the end of the link.
 */
#ifndef MATCH_LINK_H
#define MATCH_LINK_H

#include <stddef.h>

#include "match/find.h"
#include "match/match.h"

/* No file has a longer name: a link ends after so many bytes at the latest,
 * which keeps a text made of nothing but links linear. */
#define LINK_TAIL_MAX 4096

/* Reads the links of one text, from left to right. */
struct link_reader {
	const char *text;
	size_t len;
	/* From the first to the second nothing ends a link that no quote
	 * opened. */
	size_t clear_from, clear_to;
};

void link_reader_init(struct link_reader *r, const char *text, size_t len);

/* Describes the match m, which stands behind those described before; *link
 * points into the text. */
void link_describe(struct link_reader *r, const struct find_match *m,
    struct match_link *link);

#endif
