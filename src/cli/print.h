/*
 * What goes to stdout: the summary of a run, as JSON or for people, and help.
 * Nothing here decides anything; all functions only read.
 */
#ifndef CLI_PRINT_H
#define CLI_PRINT_H

#include <stdbool.h>
#include <stdio.h>

#include "spaceferry.h"

struct command;

/* The summary as one line of JSON: keys and their order as in docs/DESIGN.md
 * section 3; behind them samples, notes and what a dry run adds.  A command of
 * NULL becomes null.  False when memory is out; writing is checked by the
 * caller (ferror, fflush). */
bool print_json(FILE *out, const struct spaceferry_summary *s);

/* One check of doctor as one line of JSON; verdict is its word.  False when
 * memory is out. */
bool print_json_check(FILE *out, const struct spaceferry_check *c,
    const char *verdict);

/* One snapshot as one line of JSON.  False when memory is out. */
bool print_json_snapshot(FILE *out, const struct spaceferry_snapshot *one);

/* The summary for people: collections, files, links, what differs, samples of
 * a dry run, and a closing line that says what is to be done.  status is the
 * program's exit status.  Errors that stopped the run are not in it: they go
 * to stderr (print_is_stop). */
struct print_style {
	bool colour;
	int status;
	bool files;		/* files were part of the job */
	bool anew;		/* the target is a file: nothing resumes */
	bool to_pipe;		/* it is stdout: nothing is read back */
	bool drill;		/* a restore that is taken back */
};
void print_summary(FILE *out, const struct spaceferry_summary *s,
    const struct print_style *style);

/* True for an error that ended or hindered the run as a whole, false for a
 * finding about one document, collection or file. */
bool print_is_stop(const struct spaceferry_finding *f);

/* The overview, or with a command its options. */
void print_help(FILE *out, const struct command *command);

/* The version of the program, then one library a line. */
void print_version(FILE *out);

#endif
