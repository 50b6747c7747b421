/*
 * Globs over names (namespaces, keys, field paths): '*' stands for any run of
 * characters, '?' for one byte; everything else for itself.  Sets of globs as
 * --include and --exclude give them.
 */
#ifndef BASE_GLOB_H
#define BASE_GLOB_H

#include <stdbool.h>
#include <stddef.h>

/* A list of strings owned by whoever made it; v may be NULL when n is 0. */
struct strings {
	char **v;
	size_t n;
};

/* Appends a copy of s.  False when memory is out. */
bool strings_add(struct strings *list, const char *s);
void strings_free(struct strings *list);	/* also empties it */
void strings_sort(struct strings *list);	/* by their bytes */

/* True when name matches glob as a whole. */
bool glob_match(const char *glob, const char *name);

/* True when name matches one of include (or include is empty) and none of
 * exclude. */
bool glob_selects(const struct strings *include, const struct strings *exclude,
    const char *name);

/* The --rename form: old glob with at most one '*', new with at most one '*'.
 * When name matches from, writes the new name to out (NUL-terminated, cut
 * never: false when it does not fit or does not match). */
bool glob_rename(const char *from, const char *to, const char *name, char *out,
    size_t out_size);

#endif
