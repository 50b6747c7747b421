/*
 * The command rewrite: the rules of a migration over text files named on the
 * command line.  It knows no end and no state, so it is no job of the library.
 *
 * In order: the rules; every file found and read through (what is wrong with
 * any of them ends the run here, with nothing changed); then each file that
 * changes is shown or replaced.
 */
#ifndef CLI_REWRITE_H
#define CLI_REWRITE_H

#include <stdio.h>

struct console;
struct options;

/* Does it all.  out gets the diff, or what was written, or with --json the
 * summary; the caller flushes it and asks ferror().  Everything else goes to
 * console.  Returns the exit status of the program. */
int rewrite_command(const struct options *o, struct console *console,
    FILE *out);

#endif
