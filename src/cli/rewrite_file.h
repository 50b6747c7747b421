/*
 * One file that rewrite was given: found, read through, shown as a diff or
 * replaced.
 *
 * Order of calls: rewrite_file_find(), rewrite_file_read(), with all files
 * before the first is changed; then rewrite_file_show() or
 * rewrite_file_write(), which notice when the file has changed meanwhile;
 * rewrite_file_free().  Nothing is kept open in between.  One thread at a time.
 */
#ifndef CLI_REWRITE_FILE_H
#define CLI_REWRITE_FILE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/err.h"
#include "match/match.h"

struct rewrite_file {
	const char *operand;	/* as the user named it; lent */
	char *path;		/* absolute, links resolved */
	char *name;		/* the same, below the current folder without it */
	struct stat st;		/* as it was found */
	const char *binary;	/* why it is no text; NULL: it is */
	uint64_t matches;	/* URLs that match */
	uint64_t lines;		/* lines whose bytes change; 0: nothing to do */
	uint64_t no_rule;	/* hosts of the rules that stand in no match */
	uint64_t no_rule_line;	/* where the first of them is */
	bool written;
	char *backup;		/* as name; NULL: none was made */
};

/* Resolves the name; what is no regular file is an error.  Whatever it
 * returns, rewrite_file_free() is due. */
bool rewrite_file_find(struct rewrite_file *f, const char *operand,
    struct err *err);

/* Reads it to the end and counts. */
bool rewrite_file_read(struct rewrite_file *f, const struct match_rules *rules,
    struct err *err);

/* Whether it can be replaced, as far as looking tells: the folder can be
 * written to, the owner kept. */
bool rewrite_file_check(const struct rewrite_file *f, struct err *err);

/* Writes the diff to out; ends early and true when out fails (ferror). */
bool rewrite_file_show(const struct rewrite_file *f,
    const struct match_rules *rules, bool colour, FILE *out, struct err *err);

/* Replaces it, at one moment and durably, and keeps a backup.  On false it is
 * as it was, unless f->written: then only the sync of its folder failed.
 * ERR_CHANGED when somebody else has changed it. */
bool rewrite_file_write(struct rewrite_file *f,
    const struct match_rules *rules, struct err *err);

void rewrite_file_free(struct rewrite_file *f);

#endif
