/*
 * migrate --delta: brings a target up to date by moving only what differs, for
 * sources that nobody keeps a record of changes for.
 *
 * Partitions are compared by their digests; of those that differ, each document
 * that does is inserted, replaced or, with --delete, removed.  What was refused
 * for a unique index is tried again once everything else is in its place.  Then
 * the partitions that differed are compared once more, and only now is what
 * still differs named.  No partitions are kept in the journal: a run that was
 * interrupted compares anew.
 *
 * Order: delta_begin() before anything is changed, delta_data(), the files sent
 * and verified, delta_files().  A dry run: delta_plan() alone, with the files'
 * manifests open.
 */
#ifndef JOB_DELTA_H
#define JOB_DELTA_H

#include <stdbool.h>

#include "base/err.h"
#include "job/run.h"

/* Judges the target, cuts partitions, and holds --max-delete against what
 * would be removed, which needs a comparison of its own.  Blocks.  False with
 * ERR_CONFLICT when it would be more. */
bool delta_begin(struct run *r, struct err *err);

/* Makes what is missing and moves the documents that differ; proves it.  What
 * differs in the end is in the report, no error. */
bool delta_data(struct run *r, struct err *err);

/* With --delete: removes the files that only the target has; after
 * files_verify(). */
bool delta_files(struct run *r, struct err *err);

/* Counts what a run would insert, replace and remove.  Partitions are cut
 * already.  False as delta_begin(). */
bool delta_plan(struct run *r, struct err *err);

#endif
