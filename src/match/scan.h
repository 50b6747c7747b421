/*
 * The hot path: finds where any of a set of short literals (host names, first
 * path segments) stands in a text, at memory speed (docs/REWRITING-MATCHER.md
 * has the measurements that chose the method).
 *
 * Of each literal a window of SCAN_WINDOW bytes is chosen that is rare in
 * ordinary text.  The literals are spread over eight buckets; for each place
 * of the window two tables of 16 bytes say by the low and the high half of a
 * byte which buckets may have it there, so that one shuffle instruction looks
 * up 16 or 32 bytes of text at once.  What survives all places is compared in
 * full.  Without such instructions a table of 256 does the same byte by byte.
 *
 * The compiled scan never changes and may be used by many threads.
 */
#ifndef MATCH_SCAN_H
#define MATCH_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SCAN_WINDOW 3
#define SCAN_NONE SIZE_MAX

struct scan;

/* A literal to look for, at least one byte long. */
struct scan_pattern {
	const char *bytes;	/* valid as long as the scan is */
	size_t len;
	bool fold;		/* ASCII letters in either case; bytes are lower */
	bool label_before;	/* one of [A-Za-z0-9_-] stands before it */
	bool slash_before;	/* the last byte of a '/' in any style before it */
	bool slash_after;	/* the first byte of a '/' in any style behind it */
};

/* patterns is copied, the bytes are not; n may be 0.  NULL when out of memory. */
struct scan *scan_new(const struct scan_pattern *patterns, size_t n);

/* NULL is allowed. */
void scan_free(struct scan *s);

/* The first place >= from where one of the patterns stands; SCAN_NONE when
 * there is none. */
size_t scan_next(const struct scan *s, const char *text, size_t len,
    size_t from);

/* True when one of the patterns stands anywhere. */
bool scan_any(const struct scan *s, const char *text, size_t len);

/* True when pattern number i stands at pos (<= len). */
bool scan_at(const struct scan *s, size_t i, const char *text, size_t len,
    size_t pos);

#endif
