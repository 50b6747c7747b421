/*
 * What scan.c compiles and the code for each instruction set reads; private
 * to the scan.
 */
#ifndef MATCH_SCAN_TABLES_H
#define MATCH_SCAN_TABLES_H

#include <stddef.h>
#include <stdint.h>

#include "match/scan.h"

/* For each place of the window, by byte and by half byte, one bit per bucket:
 * may the bucket have it there?  The half bytes promise less than the byte. */
struct scan_tables {
	uint8_t low[SCAN_WINDOW][16];
	uint8_t high[SCAN_WINDOW][16];
	uint8_t byte[SCAN_WINDOW][256];
};

#define SCAN_BLOCK 32		/* no scan_blocks_fn has larger blocks */

/* Looks at the windows from at on, as long as a whole block of them lies
 * before end; text is readable up to end + SCAN_WINDOW - 1.  Returns the first
 * that may be some pattern's, or else the first not looked at. */
typedef size_t scan_blocks_fn(const struct scan_tables *t, const uint8_t *text,
    size_t at, size_t end);

struct scan_method {
	const char *name;
	scan_blocks_fn *blocks;
};

/* The methods that this processor runs, the fastest first, a plain C one
 * last.  Returns how many (at least 1). */
size_t scan_blocks_methods(const struct scan_method **list);

/* scan_new() with a method of one's own choice, for tests and benchmarks. */
struct scan *scan_new_with(const struct scan_pattern *patterns, size_t n,
    const struct scan_method *method);

#endif
