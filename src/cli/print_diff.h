/*
 * What diff says: each difference as it is found, for people or as a line of
 * JSON, and what it comes to.
 *
 * For people differences stand under their namespace, or under the store of
 * their files; "-" is what the source has, "+" what the target has.  A
 * namespace may come up several times, since several are compared at a time.
 * The lines of JSON are those of docs/DESIGN.md section 3; besides, a field
 * entry {"path":"","more":N} stands for N that are not listed.
 *
 * Order: print_diff_init(), print_diff_line() for each difference, from one
 * thread at a time; print_diff_summary(); print_diff_free().
 */
#ifndef CLI_PRINT_DIFF_H
#define CLI_PRINT_DIFF_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "cli/print.h"
#include "spaceferry.h"

struct print_diff {
	FILE *out;
	bool json;
	bool stat;		/* counts only: no lines */
	bool terminal;
	bool colour;
	unsigned columns;	/* a line's; values are cut to fit */
	char *heading;		/* under which the last difference stands */
	uint64_t told;		/* differences written */
	int failed;		/* errno of the first write that failed */
};

/* Fills *p with what is known of out: colour, width. */
void print_diff_init(struct print_diff *p, FILE *out, bool json, bool stat);
void print_diff_free(struct print_diff *p);

/* Writes one difference and flushes.  False when that fails, also ever after:
 * p->failed says why; nothing more need be compared. */
bool print_diff_line(struct print_diff *p,
    const struct spaceferry_difference *d);

/* The same as a line of JSON, for print_diff.c.  False when memory is out. */
bool print_diff_json(FILE *out, const struct spaceferry_difference *d);

/* Counts (all under --stat, else of what was not told), what is worth knowing
 * and the closing words.  For people only: with JSON it is print_json(). */
void print_diff_summary(const struct print_diff *p,
    const struct spaceferry_summary *s, const struct print_style *style);

#endif
