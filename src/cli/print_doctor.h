/*
 * What doctor and check say: each check as it is made, a line for people or one of JSON,
 * and the closing words.  For people the group stands before the first of its
 * checks; a pass is one line, cut to the terminal; what asks for something to be
 * done is wrapped, its remedy below it.
 *
 * Order: print_doctor_init(), print_doctor_check() for each check, from one
 * thread at a time; then print_doctor_closing().
 */
#ifndef CLI_PRINT_DOCTOR_H
#define CLI_PRINT_DOCTOR_H

#include <stdbool.h>
#include <stdio.h>

#include "cli/print.h"
#include "spaceferry.h"

struct print_doctor {
	FILE *out;
	bool json;
	bool colour;
	bool utf8;		/* marks instead of words */
	unsigned columns;	/* of the terminal; 0: nothing is wrapped */
	const char *group;	/* of the last check; NULL at first */
	size_t groups;		/* columns of groups */
};

/* Fills *p with what is known of out: colour, width, the locale. */
void print_doctor_init(struct print_doctor *p, FILE *out, bool json);

/* Writes one check and flushes.  Writing is checked by the caller (ferror). */
void print_doctor_check(struct print_doctor *p,
    const struct spaceferry_check *c);

/* How many checks there were, how they came out, and what to do. */
void print_doctor_closing(FILE *out, const struct spaceferry_summary *s,
    const struct print_style *style);

#endif
