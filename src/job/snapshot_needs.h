/*
 * Whether a run that reads a snapshot will find all that it needs, known before
 * anything is changed: the snapshot's list of blobs is held against a listing of
 * the repository.  That what is there is also right is proven as it is read.
 *
 * One thread.
 */
#ifndef JOB_SNAPSHOT_NEEDS_H
#define JOB_SNAPSHOT_NEEDS_H

#include <stdbool.h>

#include "base/err.h"
#include "job/run.h"

/* True at once where the source is no snapshot.  False with ERR_DAMAGED for a blob
 * that is missing or of another size, and that the chosen collections and files
 * need: names one of these; what nothing chosen needs is a note.  Lists the
 * repository: blocks; memory: 48 bytes for each blob of the snapshot. */
bool snapshot_needs_check(struct run *r, struct err *err);

#endif
