/*
 * Where this user's things are kept: one place that decides it, so that the
 * state of a migration and the naming keys of repositories lie together.
 *
 * Reads the environment; thread-safe as long as nobody changes that.
 */
#ifndef BASE_HOME_H
#define BASE_HOME_H

#include "base/err.h"

/* The default folder of the state: $XDG_STATE_HOME/spaceferry, else
 * ~/.local/state/spaceferry.  Nothing is made.  Freed by the caller; NULL with
 * *err: ERR_NOT_FOUND (no home), ERR_NOMEM. */
char *home_state(struct err *err);

#endif
