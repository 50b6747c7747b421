/*
 * Writes a rule's TO in the escape style of the match it replaces
 * (docs/REWRITING.md, points 3 and 4).
 */
#ifndef MATCH_ESCAPE_H
#define MATCH_ESCAPE_H

#include <stdbool.h>

#include "base/buf.h"
#include "match/find.h"

/* Appends to out what m, found in text, becomes.  False when out cannot grow;
 * some of it may have been appended then. */
bool escape_to(struct buf *out, const struct find_match *m, const char *text);

#endif
