/*
 * The paths of --rewrite-skip or --ignore NS:PATH that concern one collection.
 * Arrays are transparent: an index is no part of a path, so a number in PATH is
 * the name of a field.  '*' is any one name.
 *
 * For bson/ only.  Never changes after docpaths_init(); thread-safe then.
 */
#ifndef BSON_DOCPATHS_H
#define BSON_DOCPATHS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/glob.h"

struct docpaths_path {
	char *text;		/* the names, each ended by a NUL */
	const char **names;	/* NULL for '*' */
	size_t n;
};

struct docpaths {
	struct docpaths_path *paths;
	size_t n;
};

/* Takes those of list (may be NULL) whose namespace matches ns; NS ends at the
 * first ':'.  option ("--ignore") is for messages.  False with *err (ERR_USAGE:
 * an entry, of whatever namespace, has no NS or no PATH; ERR_NOMEM); nothing is
 * to be freed then. */
bool docpaths_init(struct docpaths *paths, const struct strings *list,
    const char *option, const char *ns, struct err *err);
/* True when one of the paths leads through exactly these n names to key. */
bool docpaths_cover(const struct docpaths *paths, const char *const *names,
    size_t n, const char *key);
void docpaths_free(struct docpaths *paths);

#endif
