/*
 * A speed limit shared by threads (--bwlimit): whoever is about to move bytes
 * waits for its turn.
 *
 * Thread-safe.
 */
#ifndef FLOW_PACE_H
#define FLOW_PACE_H

#include <stdbool.h>
#include <stdint.h>

struct pace;

/* bytes_per_second 0: no limit.  NULL when out of memory. */
struct pace *pace_new(uint64_t bytes_per_second);
void pace_free(struct pace *p);	/* NULL is allowed */

/* Waits until bytes may pass.  False when a stop was requested meanwhile. */
bool pace_wait(struct pace *p, uint64_t bytes);

#endif
