/*
 * The source's documents that differ, held until the target's are met: as many
 * as a number of bytes allows, one at least.
 *
 * Order: drill_hold() any number of times, drill_held_take() likewise, then
 * drill_held_reset() before the next drill_hold().
 */
#ifndef JOB_DRILL_HELD_H
#define JOB_DRILL_HELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"

struct drill_held_doc {
	struct digest id;
	uint8_t *doc;		/* owned */
	size_t len;
	bool taken;
};

struct drill_held {
	struct drill_held_doc *v;
	size_t n, cap;
	size_t bytes, max;
	bool sorted;
};

void drill_held_init(struct drill_held *h, size_t max);
void drill_held_free(struct drill_held *h);

enum drill_hold { DRILL_HELD, DRILL_FULL, DRILL_NOMEM };
enum drill_hold drill_hold(struct drill_held *h, struct digest id,
    const uint8_t *doc, size_t len);

/* Finds a held document of this id, each at most once; it lives until the
 * reset. */
bool drill_held_take(struct drill_held *h, struct digest id,
    const uint8_t **doc, size_t *len);

/* Forgets all; returns how many were not taken. */
uint64_t drill_held_reset(struct drill_held *h);

#endif
