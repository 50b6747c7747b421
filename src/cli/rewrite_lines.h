/*
 * A file's lines, each as it is and as the rules make it, read in bounded
 * memory however long the file is.
 *
 * No URL crosses the end of a line, and what stands on either side of one
 * counts as white space there (docs/REWRITING.md, points 5 and 6): rewriting
 * line by line is rewriting the whole.  A line ends in \n; a \r before it
 * belongs to the line and stays.
 *
 * Order of calls: rewrite_lines_new(); rewrite_lines_next() until it says
 * END, or rewrite_lines_seek() back to a line seen before and on from there;
 * rewrite_lines_free().  One thread at a time.
 */
#ifndef CLI_REWRITE_LINES_H
#define CLI_REWRITE_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "match/match.h"

/* What a line may hold, its end included, and what it may become. */
#define REWRITE_LINE_MAX ((size_t)16 * 1024 * 1024)
#define REWRITE_LINE_GROWN_MAX ((size_t)64 * 1024 * 1024)

struct rewrite_lines;

/* The texts live until the next call. */
struct rewrite_line {
	off_t offset;		/* of its first byte in the file */
	uint64_t number;	/* from 1 */
	const char *old;
	size_t old_len;		/* with its \n; only the last may have none */
	const char *new;	/* old itself where nothing matches */
	size_t new_len;
	bool changed;		/* the bytes differ: a match alone need not */
	struct match_result found;
};

/* Reads fd, a regular file whose offset is not used; rules and name (for
 * messages) are lent.  NULL with *err. */
struct rewrite_lines *rewrite_lines_new(int fd, const char *name,
    const struct match_rules *rules, struct err *err);
void rewrite_lines_free(struct rewrite_lines *l);	/* NULL is allowed */

/* ERROR: the file cannot be read, a line is too long (ERR_TOO_LARGE), memory
 * is out, or a stop was requested. */
enum rewrite_lines_step {
	REWRITE_LINES_LINE,
	REWRITE_LINES_END,
	REWRITE_LINES_ERROR
};
enum rewrite_lines_step rewrite_lines_next(struct rewrite_lines *l,
    struct rewrite_line *line, struct err *err);

/* The next line is the one that begins at offset and has this number. */
void rewrite_lines_seek(struct rewrite_lines *l, off_t offset,
    uint64_t number);

#endif
