/*
 * What the steps of prune share, in their order:
 *	policy	which snapshots go (prune_policy.c)
 *	plan	which blobs and notes nothing needs then (prune_plan.c)
 *	remove	snapshots first, then blobs (prune_remove.c)
 * All but the threads of remove run in one thread.  For prune*.c only.
 */
#ifndef BACKUP_PRUNE_INTERNAL_H
#define BACKUP_PRUNE_INTERNAL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backup/prune.h"
#include "backup/prune_names.h"
#include "base/glob.h"
#include "repo/lock.h"
#include "repo/retention.h"
#include "repo/snapshot.h"

/* What becomes of a snapshot. */
struct prune_fate {
	bool considered;	/* the policy has a say */
	bool future;		/* it is from a time that is yet to come */
	bool goes;
	bool gone;
	unsigned reasons;	/* why it stays: enum retention_reason */
};

struct prune_blob {
	uint8_t name[REPO_NAME_SIZE];
	uint64_t size;
};

struct prune {
	struct job *job;
	struct repository *repository;
	struct repo_session *session;
	struct repo_lock *lock;	/* NULL: dry run */
	const char *only_of;	/* the id of a new snapshot: only those of its
				 * group; NULL: all */
	struct snapshot_list list;
	struct prune_fate *fates; /* one per snapshot of list */
	uint64_t unreadable;	/* snapshots: what they need is not known */
	struct prune_names needed;
	struct prune_blob *blobs; /* that nothing needs */
	size_t n_blobs, cap_blobs;
	uint64_t all_blobs, all_bytes; /* before */
	uint64_t unneeded_bytes;
	struct strings notes;	/* "partial/…" that are too old */
	atomic_uint_least64_t removed_blobs, removed_bytes;
};

/* Decides each snapshot's fate.  ERR_USAGE when a group would be left with
 * none, or the repository; what snapshot_find() has. */
bool prune_policy(struct prune *p, struct err *err);

/* Lists the snapshots; what cannot be read counts as unreadable. */
bool prune_plan_list(struct prune *p, struct err *err);
/* Reads what stays, and lists what nothing of it needs: nothing while there is
 * an unreadable snapshot. */
bool prune_plan(struct prune *p, struct err *err);

/* Removes it all. */
bool prune_remove(struct prune *p, struct err *err);

#endif
