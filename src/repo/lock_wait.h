/*
 * How a lock of a repository becomes ours.  Each run puts its own object first
 * and looks at the others' afterwards, so that of two at least one sees the
 * other.  One that removes gives way to everybody, but to those that remove
 * and whose id is greater; all others keep theirs and wait for those that
 * remove.  For lock*.c only.
 */
#ifndef REPO_LOCK_WAIT_H
#define REPO_LOCK_WAIT_H

#include "repo/lock_object.h"

/* Waits until it is, for patience_ms at most.  False: nothing of ours is left
 * there, as far as could be done. */
bool lock_wait(struct repo_lock *l, uint64_t patience_ms, struct err *err);

#endif
