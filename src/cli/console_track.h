/*
 * How fast each thing moves: the last figures of every collection that
 * progress was told about, smoothed over some seconds.  Only console.c uses it.
 */
#ifndef CLI_CONSOLE_TRACK_H
#define CLI_CONSOLE_TRACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/console_line.h"
#include "spaceferry.h"

struct console_item;

struct console_track {
	struct console_item *items;
	size_t n;
	size_t next;		/* where the next one is likely found */
};

/* What was noted of one thing; kept until console_track_free(). */
struct console_item {
	char *key;		/* phase and name */
	uint64_t first_ns;
	uint64_t last_ns;
	uint64_t last_items;
	uint64_t last_bytes;
	struct console_rate rate;
	bool told;		/* its end was said */
};

/* Notes the figures of p at now_ns.  NULL when memory is out: then nothing is
 * known of its rate.  Valid until the next call. */
struct console_item *console_track_note(struct console_track *t,
    const struct spaceferry_progress *p, uint64_t now_ns);

void console_track_free(struct console_track *t);

#endif
