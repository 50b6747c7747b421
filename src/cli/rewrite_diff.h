/*
 * What rewriting would change in a file, as a unified diff: the format of
 * `diff -u` and git (POSIX, diff, "Diff -u Output Format"), which patch -p1
 * and git apply take.
 *
 * A rewritten line takes the place of one line, so nothing has to be compared:
 * line N stays line N.  Only positions are held, not texts; what is printed is
 * read again, so that a hunk may be as long as the file.
 */
#ifndef CLI_REWRITE_DIFF_H
#define CLI_REWRITE_DIFF_H

#include <stdbool.h>
#include <stdio.h>

#include "base/err.h"
#include "cli/rewrite_lines.h"

/* Lines shown around a change. */
#define REWRITE_DIFF_CONTEXT 3

/* Writes the diff of all lines to out, nothing where none changes.  name is
 * the file's, without the a/ and b/; odd characters in it are quoted as git
 * does it.  Blocks on reading and writing.  Ends early, and true, once out has
 * failed: ask ferror().  False with *err when the lines cannot be read. */
bool rewrite_diff(struct rewrite_lines *lines, const char *name, bool colour,
    FILE *out, struct err *err);

#endif
