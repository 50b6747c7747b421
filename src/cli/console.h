/*
 * stderr: log lines, errors and progress, kept from garbling one another.  On
 * a terminal progress is a few lines redrawn in place, and whatever else is
 * said goes above them; elsewhere it is a line when a collection is done and
 * at most one every ten seconds between; with json every line is an object
 * {"time","level","message"}.
 *
 * Thread-safe, but for console_new() and console_free().
 */
#ifndef CLI_CONSOLE_H
#define CLI_CONSOLE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "spaceferry.h"

struct console;

struct console_settings {
	FILE *out;
	bool terminal;		/* draw progress in place */
	bool colour;
	bool json;
	bool quiet;		/* no progress, nothing below warnings */
	bool verbose;		/* debug lines too */
	unsigned columns;	/* 0: ask the terminal each time */
	uint64_t (*now)(void);	/* monotonic nanoseconds */
};

/* NULL when out of memory.  *settings is copied. */
struct console *console_new(const struct console_settings *settings);

/* Erases the drawing.  NULL is allowed. */
void console_free(struct console *c);

/* For struct spaceferry_callbacks; arg is the struct console. */
void console_progress(void *arg, const struct spaceferry_progress *v,
    size_t n);
void console_log(void *arg, enum spaceferry_level level, const char *line);

/* Erases the drawing until the next console_progress(). */
void console_clear(struct console *c);

/* "spaceferry: error: MESSAGE" and, unless it is "", "  hint: HINT". */
void console_error(struct console *c, const char *message, const char *hint);

#endif
