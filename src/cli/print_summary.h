/* Pieces of the summary for people; only print_*.c include this. */
#ifndef CLI_PRINT_SUMMARY_H
#define CLI_PRINT_SUMMARY_H

#include <stdint.h>
#include <stdio.h>

#include "cli/print.h"

/* Writes text in columns columns, filled up with spaces or cut. */
void print_cell(FILE *out, const char *text, size_t columns);

/* "one file", "3 files": n and its noun in the right number. */
void print_number(FILE *out, uint64_t n, const char *one, const char *many);

/* Writes text safe for a terminal, however long. */
void print_safe(FILE *out, const char *text);

/* The findings that did not stop the run, under a title; nothing when there are
 * none. */
void print_findings(FILE *out, const char *title,
    const struct spaceferry_finding *f, size_t n);

/* The table of links by host; those without a rule name the one they need. */
void print_hosts(FILE *out, const struct spaceferry_summary *s, bool colour);

/* What came out, and what is to be done. */
void print_closing(FILE *out, const struct spaceferry_summary *s,
    const struct print_style *style);

#endif
