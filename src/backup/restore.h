/*
 * What restore and its drill have in common.
 */
#ifndef BACKUP_RESTORE_H
#define BACKUP_RESTORE_H

#include <stdbool.h>

#include "base/err.h"
#include "job/run.h"

/* A snapshot of files alone needs no server: takes --to out of *o, with a note,
 * where the one that r reads is such.  False with ERR_USAGE where nothing is left to
 * be restored. */
bool restore_settle(struct run *r, struct spaceferry_options *o,
    struct err *err);

/* Puts the snapshot that r reads into the summary.  False when memory is out. */
bool restore_describe(struct run *r, struct err *err);

/* Whether the options name this place of a snapshot, or leave open which. */
bool restore_wants_place(const struct spaceferry_options *o, const char *place);

#endif
