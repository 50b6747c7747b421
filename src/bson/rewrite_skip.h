/*
 * The paths of --rewrite-skip NS:PATH that concern one collection.  Arrays are
 * transparent: an index is no part of a path, so a number in PATH is the name
 * of a field.  '*' is any one name.
 *
 * For bson/rewrite only.  Never changes after rewrite_skip_init().
 */
#ifndef BSON_REWRITE_SKIP_H
#define BSON_REWRITE_SKIP_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/glob.h"

struct rewrite_skip_path {
	char *text;		/* the names, each ended by a NUL */
	const char **names;	/* NULL for '*' */
	size_t n;
};

struct rewrite_skip {
	struct rewrite_skip_path *paths;
	size_t n;
};

/* Takes those of list (may be NULL) whose namespace matches ns; NS ends at the
 * first ':'.  False with *err (ERR_USAGE: an entry, of whatever namespace, has
 * no NS or no PATH; ERR_NOMEM); nothing is to be freed then. */
bool rewrite_skip_init(struct rewrite_skip *skip, const struct strings *list,
    const char *ns, struct err *err);
/* True when one of the paths leads through exactly these n names to key. */
bool rewrite_skip_covers(const struct rewrite_skip *skip,
    const char *const *names, size_t n, const char *key);
void rewrite_skip_free(struct rewrite_skip *skip);

#endif
