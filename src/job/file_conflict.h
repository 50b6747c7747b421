/*
 * Files of a snapshot that would take the place of others: what stands on the
 * target under the same key with other contents.  As --on-conflict says: they
 * stop the run before it changes anything (abort), are kept (skip), or are
 * overwritten (replace, and --drop).  A migration is not asked: its target has
 * been made for it, and what is there is of an earlier run.
 *
 * Order: after files_list(), before anything is changed.
 */
#ifndef JOB_FILE_CONFLICT_H
#define JOB_FILE_CONFLICT_H

#include <stdbool.h>

#include "base/err.h"
#include "job/files.h"

/* Looks for them: what is there is read where sizes or times do not tell.  Those
 * that are kept are told as a note, and passed over by every later walk.  Blocks.
 * False with *err: ERR_CONFLICT names some. */
bool file_conflict_check(struct files *f, struct err *err);

#endif
