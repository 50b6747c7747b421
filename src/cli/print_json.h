/* Summaries with keys of one command's own (cli/print.h has the rest). */
#ifndef CLI_PRINT_JSON_H
#define CLI_PRINT_JSON_H

#include <stdbool.h>
#include <stdio.h>

#include <jansson.h>

#include "spaceferry.h"

/* As print_json(), with value under key behind all others.  Takes value over;
 * one of NULL counts as memory that is out. */
bool print_json_with(FILE *out, const struct spaceferry_summary *s,
    const char *key, json_t *value);

/* Text as a JSON string, whatever is not UTF-8 replaced; null for NULL.  NULL
 * when memory is out. */
json_t *print_json_text(const char *s);

#endif
