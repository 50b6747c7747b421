/*
 * Who is at work in a repository: each run has an object locks/ID.json of its
 * own, renewed every REPO_LOCK_RENEW_MS, that lapses when it was not renewed for
 * REPO_LOCK_LAPSE_MS (docs/FORMAT.md, "Locks").  Any number of runs may add
 * (backup) and read (restore, check) at one time; one that removes (prune, check
 * --repair) is alone: it takes its lock back and waits when it finds others, so
 * that it is the one who waits where both began at once.  A run of the same
 * machine that is no more (boot id, process and its start) counts as lapsed at
 * once.  Else a lapse is judged by watching, or by the store's own clock once
 * that has shown that it goes right: wrong clocks do no harm.
 *
 * Who may not write (a key that can only read) reads without a lock.  Who may not
 * delete leaves a lock behind that says "ended".
 *
 * Order: repo_lock_take() waits and starts a thread; repo_lock_held() before
 * what must not be done without it, from any thread; repo_lock_free() ends it.
 * The lock is renewed until then, after a stop too.
 */
#ifndef REPO_LOCK_H
#define REPO_LOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "repo/repo.h"

#define REPO_LOCK_LAPSE_MS ((uint64_t)60000)
#define REPO_LOCK_RENEW_MS ((uint64_t)15000)

enum repo_lock_kind { REPO_LOCK_READ, REPO_LOCK_ADD, REPO_LOCK_REMOVE };

struct repo_lock;

struct repo_lock_options {
	struct repo *repo;	/* outlives the lock */
	struct store *store;	/* NULL: repo_lock_store(repo) */
	enum repo_lock_kind kind;
	const char *command;	/* "backup", for messages; lives as long */
	uint64_t patience_ms;	/* to wait for others */
	uint64_t lapse_ms, renew_ms; /* 0: the defaults */
};

/* Waits until nobody is in the way; the log says for whom.  NULL with *err:
 * ERR_LOCKED names who holds it, since when and what to do; ERR_CANCELLED; what
 * the store said. */
struct repo_lock *repo_lock_take(const struct repo_lock_options *options,
    struct err *err);

/* False with ERR_LOCKED once it could not be renewed in time, for good: others
 * may soon take the run for dead.  A stop was requested then.  Time that the
 * machine slept counts.  Does not block. */
bool repo_lock_held(struct repo_lock *l, struct err *err);

/* Removes it; NULL is allowed. */
void repo_lock_free(struct repo_lock *l);

/* Removes the locks that were lapsed or ended when own, a REPO_LOCK_REMOVE, was
 * taken; *n (may be NULL): how many.  Blocks. */
bool repo_lock_sweep(struct repo_session *s, const struct repo_lock *own,
    size_t *n, struct err *err);

#endif
