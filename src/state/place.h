/*
 * The folder in which the state of one migration lives: a subfolder, named
 * after the key, of the folder that --state names.  It is held under an
 * exclusive flock(2), which dies with the process, so that two runs never
 * write to the same state.
 */
#ifndef STATE_PLACE_H
#define STATE_PLACE_H

#include <stdbool.h>

#include "base/err.h"

struct place;

/* Makes and locks it (never waits).  state: PATH, file:///p, or NULL for the
 * default place (journal.h); key must hold no credentials: it is written in
 * the clear.  NULL with *err: ERR_LOCKED (names the other run's pid),
 * ERR_UNSUPPORTED (not a local folder), ERR_URI, ERR_DISK, ERR_DENIED,
 * ERR_NOT_FOUND. */
struct place *place_new(const char *state, const char *key, struct err *err);
void place_free(struct place *p);	/* unlocks; NULL is allowed */

/* Lives with p. */
const char *place_path(const struct place *p);

/* The path that place_new() would make and lock, which need not exist: for
 * those who only read.  The caller frees it.  NULL with *err. */
char *place_find(const char *state, const char *key, struct err *err);

/* Gives an error met in the state's files its hint, if it has none.  Returns
 * false always. */
bool place_hint(struct err *err);

#endif
