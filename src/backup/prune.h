/*
 * Removes what a retention policy does not keep: for the command prune, and for
 * a backup that was given --keep-….
 */
#ifndef BACKUP_PRUNE_H
#define BACKUP_PRUNE_H

#include <stdbool.h>

#include "base/err.h"
#include "job/job.h"
#include "job/repository.h"

/* True when the options have a retention policy. */
bool prune_wanted(const struct spaceferry_options *o);

/* Takes the lock that excludes others, removes snapshots and then blobs by
 * job->options (dry_run: tells only, without a lock).  Policies hold for each
 * group by itself, and for snapshots that have all of options->tags; of a backup,
 * for the group of its new snapshot (the first one in the summary).  Of prune,
 * options->from ("snapshot:ID") is the one that is removed instead, unless it is
 * the only one and keep.last is not SPACEFERRY_KEEP_NONE.  Without a
 * policy only what nothing needs is removed.  Fills the summary: snapshots get
 * reason and removed (those already in it stay; a backup is told only those that
 * were removed), repository what was removed and what is left.  Blocks.  False
 * with *err (a backup that finds others at work gets a note instead of
 * ERR_LOCKED): ERR_USAGE (nothing of a group would be left), ERR_LOCKED, what the
 * store said; what was removed until then stays removed. */
bool prune_run(struct job *job, struct repository *repository,
    struct err *err);

#endif
