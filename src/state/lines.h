/*
 * Files of checksummed lines, which the journal and the manifest are made of
 * (docs/FORMAT.md): one JSON object to a line, with a checksum behind it; the
 * first line says what the file is.  Lines are only ever appended.  What a
 * crash may leave behind is a torn last line, which readers drop; damage
 * anywhere else is an error.
 *
 * Order: lines_read() tells what a file holds; then lines_start() makes a new
 * one in its place or lines_continue() goes on behind the last good line;
 * lines_add() as things happen; lines_free().  Not thread-safe: the owner has a
 * lock; only lines_settle() and lines_sync() may run beside lines_add().
 */
#ifndef STATE_LINES_H
#define STATE_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "base/buf.h"
#include "base/err.h"
#include "state/place.h"

/* The longest line: two _ids of 16 MiB in hex, and something over. */
#define LINES_MAX ((size_t)72 << 20)
#define LINES_FORMAT 1

struct lines;

struct lines_line {
	const json_t *object;
	uint64_t offset;	/* in the file */
	const char *bytes;	/* as in the file, newline included */
	size_t len;
};

/* Is told each good line in turn, the first one too; *line lives during the
 * call.  False with *err stops; ERR_DAMAGED is given the file and the line's
 * number by the caller. */
typedef bool lines_fn(void *arg, const struct lines_line *line,
    struct err *err);

struct lines_file {
	struct place *place;
	const char *name;	/* in place */
	const char *type;	/* what the first line must say: "type" */
	const char *remedy;	/* hint when the file is damaged */
	lines_fn *line;
	void *arg;
};

/* Reads the whole file.  *good gets the length of its good lines: 0 when there
 * is no file, or not even a whole first line.  ERR_DAMAGED, ERR_UNSUPPORTED (a
 * format of another version), ERR_DISK, ERR_DENIED, ERR_NOMEM. */
bool lines_read(const struct lines_file *file, uint64_t *good,
    struct err *err);

/* Replaces name by a file with a first line only; durable on return.  first
 * (taken over, NULL is out of memory) gets "format" and type as "type". */
struct lines *lines_start(struct place *place, const char *name,
    const char *type, json_t *first, struct err *err);

/* Opens name for more lines behind the first good bytes, cutting off the
 * rest. */
struct lines *lines_continue(struct place *place, const char *name,
    uint64_t good, struct err *err);
void lines_free(struct lines *l);	/* syncs if it can; NULL is allowed */

/* Appends one line.  Takes object over (NULL is out of memory).  On false
 * nothing of the line is left; but after a failed sync what is stored is
 * unknown, and nothing more is accepted. */
bool lines_add(struct lines *l, json_t *object, struct err *err);

/* After lines_add(): makes it durable when durable is true, else in a local
 * file when the last sync was a second ago or more; a store sees to it in time
 * by itself. */
bool lines_settle(struct lines *l, bool durable, struct err *err);
bool lines_sync(struct lines *l, struct err *err);

/* Length of the file: where the next line will stand. */
uint64_t lines_size(const struct lines *l);

/* Any C string as JSON: a string, or {"hex": …} when it is not UTF-8.  NULL
 * when memory is out. */
json_t *lines_text(const char *s);

/* The reverse, from object's field name: *s is the caller's to free().
 * ERR_DAMAGED when there is no such field. */
bool lines_get_text(const json_t *object, const char *name, char **s,
    struct err *err);

/* Appends object as json_dumps() would write it.  False when it does not fit
 * into out or memory is out; what out holds then is no JSON. */
bool lines_dump(const json_t *object, size_t flags, struct buf *out);

/* Bytes as a string of hex digits. */
json_t *lines_hex(const uint8_t *bytes, size_t len);

/* All 64 bits as JSON's signed integer; a missing field is ERR_DAMAGED. */
json_t *lines_number(uint64_t v);
bool lines_get_number(const json_t *object, const char *name, uint64_t *v,
    struct err *err);

#endif
