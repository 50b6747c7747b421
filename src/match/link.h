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

/* Describes the match m found in text; *link points into text. */
void link_describe(struct match_link *link, const struct find_match *m,
    const char *text, size_t len);

#endif
