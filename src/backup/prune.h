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
 * job->options (dry_run: tells only), fills the summary: snapshots get reason and
 * removed (those already in it stay), repository what was removed.  Blocks.
 * False with *err; what was removed until then stays removed. */
bool prune_run(struct job *job, struct repository *repository,
    struct err *err);

#endif
