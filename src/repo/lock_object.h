/*
 * The object behind a lock of a repository (docs/FORMAT.md, "Locks"): what lock.c
 * (which renews and gives back) and lock_wait.c (which takes) share.  For lock*.c
 * only.
 */
#ifndef REPO_LOCK_OBJECT_H
#define REPO_LOCK_OBJECT_H

#include <pthread.h>

#include "base/hash.h"
#include "repo/lock.h"
#include "repo/lock_process.h"

#define LOCK_OBJECT_FOLDER "locks"
#define LOCK_OBJECT_KEY_SIZE 32		/* "locks/0123abcd.json" */
/* What is no larger says "ended", so that nobody needs to read it. */
#define LOCK_OBJECT_ENDED 32
#define LOCK_OBJECT_COMMAND 32
#define LOCK_OBJECT_WHO 400

/* What a run has seen of somebody else's lock. */
struct lock_object_seen {
	char key[LOCK_OBJECT_KEY_SIZE];
	uint8_t sha256[HASH_SHA256_SIZE]; /* of its contents */
	uint64_t since_ns;	/* of wake_boot_ns() */
	bool any;
	bool met;		/* it was in the last listing */
	bool over;		/* it says "ended", or has lapsed */
};

struct repo_lock {
	struct store_session *session;	/* the thread's, once it runs */
	char *name;		/* the repository's, for messages */
	enum repo_lock_kind kind;
	const char *command;
	uint64_t lapse_ms, renew_ms;
	char id[REPO_ID_SIZE + 1];
	char key[LOCK_OBJECT_KEY_SIZE];
	char started[32];
	struct lock_process self;
	bool local;		/* the store is a folder */
	bool without;		/* it may not be written: reads without one */
	bool there;		/* the object is, as far as is known */
	bool listed;		/* it was in the last listing */
	bool clock_known, clock_right; /* the store's */
	struct lock_object_seen *seen; /* others' */
	size_t n_seen;
	uint64_t renewals;

	pthread_t thread;
	pthread_mutex_t lock;	/* of everything below */
	pthread_cond_t wake;	/* of wake_init() */
	bool stop;
	bool lost;
	uint64_t renewed_at;	/* when the last renewal was begun */
	struct err why;		/* it was lost */
};

/* What a lock says. */
struct lock_object_about {
	bool known;		/* it is one of this format; else it is in
				 * everybody's way */
	enum repo_lock_kind kind;
	bool ended;
	char command[LOCK_OBJECT_COMMAND];
	char since[32];
	struct lock_process process;
	uint64_t lapse_ms;
	uint8_t sha256[HASH_SHA256_SIZE]; /* of its contents */
	int64_t age_ns;		/* by the store's clock; INT64_MIN: it does not
				 * say */
};

/* True when the lock was not renewed for so long that it must not be relied on
 * any more: somewhat before others may think so. */
bool lock_object_is_over(const struct repo_lock *l, uint64_t renewed_at);

/* Chooses an id.  One that was withdrawn, or may have lapsed, never comes back:
 * others may be about to remove it. */
bool lock_object_name(struct repo_lock *l, struct err *err);

/* Writes it; renewals counts. */
bool lock_object_put(struct repo_lock *l, struct err *err);

/* Reads what stands in key. */
enum store_found lock_object_read(struct repo_lock *l, const char *key,
    struct lock_object_about *about, struct err *err);

/* Whether the store's clock can be believed: our lock, just written, is new.
 * (A folder's is the machine's, which may have been set.) */
void lock_object_try_clock(struct repo_lock *l);

/* Removes it, or where that is not allowed writes that it ended. */
bool lock_object_withdraw(struct repo_lock *l, struct err *err);

/* "backup (pid 7 on host, since 2026-11-23T15:52:46Z)" */
void lock_object_who(const struct lock_object_about *a,
    char out[LOCK_OBJECT_WHO]);

#endif
