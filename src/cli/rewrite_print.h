/* What rewrite says about its files, when all of them are done with. */
#ifndef CLI_REWRITE_PRINT_H
#define CLI_REWRITE_PRINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "cli/rewrite_file.h"
#include "spaceferry.h"

struct console;

/* For people: to out a line for each file that was written, to console how many
 * URLs there are in how many files. */
void rewrite_print(FILE *out, struct console *console,
    const struct rewrite_file *files, size_t n, bool write);

/* The summary with one more key, "rewrites".  False when memory is out. */
bool rewrite_print_json(FILE *out, const struct spaceferry_summary *s,
    const struct rewrite_file *files, size_t n);

#endif
