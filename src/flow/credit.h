/*
 * A budget of bytes shared by the readers of a pipeline: whoever brings data
 * into the program takes credit for it first, and whoever frees the data gives
 * the credit back.  So memory is bounded whatever the documents' sizes: with
 * large ones fewer readers run at once.
 *
 * Thread-safe.
 */
#ifndef FLOW_CREDIT_H
#define FLOW_CREDIT_H

#include <stdbool.h>
#include <stddef.h>

struct credit;

/* A budget of limit bytes (> 0).  NULL when out of memory. */
struct credit *credit_new(size_t limit);
void credit_free(struct credit *c);	/* NULL is allowed */

/* Waits until bytes are free and takes them; more than the whole limit is
 * granted when nothing else is taken.  False once aborted. */
bool credit_take(struct credit *c, size_t bytes);

/* Takes without waiting, past the limit if need be: for what turned out larger
 * than was foreseen. */
void credit_take_now(struct credit *c, size_t bytes);
void credit_give(struct credit *c, size_t bytes);

/* Wakes all waiters; every later credit_take() fails.  Idempotent. */
void credit_abort(struct credit *c);

#endif
