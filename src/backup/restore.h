/*
 * What restore and its drill have in common.
 */
#ifndef BACKUP_RESTORE_H
#define BACKUP_RESTORE_H

#include <stdbool.h>

#include "base/err.h"
#include "job/run.h"

/* Puts the snapshot that r reads into the summary.  False when memory is out. */
bool restore_describe(struct run *r, struct err *err);

#endif
