/*
 * One collection's (or the files') progress in words: as a line of exactly the
 * columns there are, or as a sentence.  Pure functions; only console*.c use
 * them.
 */
#ifndef CLI_CONSOLE_LINE_H
#define CLI_CONSOLE_LINE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "spaceferry.h"

/* How fast one item moves; 0: not known yet. */
struct console_rate {
	double items;		/* per second */
	double bytes;
	uint64_t seconds;	/* since it was first seen */
};

/* Seconds to go, by bytes where their total is known, else by items; -1 when
 * nobody can tell. */
int64_t console_line_eta(const struct spaceferry_progress *p,
    const struct console_rate *rate);

/* Done so far in percent (0 to 100), likewise; -1 when nobody can tell. */
int console_line_percent(const struct spaceferry_progress *p);

/* Appends a line of at most columns - 1 columns, without a newline: narrow
 * terminals get less of it. */
bool console_line_draw(struct buf *out, const struct spaceferry_progress *p,
    const struct console_rate *rate, unsigned columns);

/* Appends "copy app.users: 1,200 of 12,000 documents (10 %), 2.1 MiB/s, 0:42
 * left", or when it is finished "copy app.users: 12,000 documents, 3.0 MiB". */
bool console_line_say(struct buf *out, const struct spaceferry_progress *p,
    const struct console_rate *rate);

#endif
