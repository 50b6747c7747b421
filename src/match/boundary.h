/*
 * Where a match may end (docs/REWRITING.md, point 6), and the ports that
 * it may swallow (points 3 and 6).
 */
#ifndef MATCH_BOUNDARY_H
#define MATCH_BOUNDARY_H

#include <stdbool.h>
#include <stddef.h>

#include "match/slash.h"

/* May a match whose FROM is not open end at pos?  A ':' is looked at without
 * regard to ports. */
bool boundary_end(const char *text, size_t len, size_t pos);

/* The length of a ':' and the run of digits behind it, 0 when either is
 * missing.  *digits becomes how many there are; more than five count as six,
 * which is no port. */
size_t boundary_port(const char *text, size_t len, size_t pos,
    enum slash_style style, size_t *digits);

#endif
