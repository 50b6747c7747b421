/*
 * The head of a Space's README.md: YAML between two lines of "---".  Only what
 * a check asks for is read: scalars of the top level, one per line.
 */
#ifndef APP_FRONTMATTER_H
#define APP_FRONTMATTER_H

#include <stdbool.h>
#include <stddef.h>

/* True when text begins with such a head and it ends. */
bool frontmatter_present(const char *text, size_t len);

/* The value of key, quotes and comment taken off, cut to out_size; its line in
 * *line (may be NULL).  False when the head has no such key. */
bool frontmatter_get(const char *text, size_t len, const char *key, char *out,
    size_t out_size, unsigned *line);

#endif
