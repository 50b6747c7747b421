/*
 * Which files git would leave out: the patterns of .gitignore files, those of
 * every folder, the last that matches wins (gitignore(5)).  Not known here:
 * .git/info/exclude, the user's own excludes, and what is tracked already,
 * because a fresh `git init && git add .` knows none of them either.
 *
 * Order: ignore_init(), ignore_add() for a folder before the folders below it,
 * ignore_matches(), ignore_free().
 */
#ifndef APP_IGNORE_H
#define APP_IGNORE_H

#include <stdbool.h>
#include <stddef.h>

struct ignore_rule {
	char *pattern;		/* without '!' and the slashes at both ends */
	size_t folder_len;	/* of the folder it stands in, with its '/' */
	char *folder;
	bool negated;
	bool folders_only;
	bool anchored;		/* matches the whole path below its folder */
};

struct ignore {
	struct ignore_rule *rule;
	size_t n;
};

void ignore_init(struct ignore *ig);
void ignore_free(struct ignore *ig);

/* Adds the .gitignore of folder ("" or "a/b", relative to the top).  At most
 * IGNORE_RULES_MAX rules are kept.  False when out of memory. */
#define IGNORE_RULES_MAX 5000
bool ignore_add(struct ignore *ig, const char *folder, const char *text,
    size_t len);

/* True when path (relative, '/' between names) is left out by a pattern of its
 * own.  What lies in an ignored folder is ignored, too: the caller, who walks
 * down, knows. */
bool ignore_matches(const struct ignore *ig, const char *path, bool is_folder);

#endif
