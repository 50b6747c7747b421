/*
 * The object behind a lease, and how it becomes ours: what lease.c (which
 * renews and gives back) and lease_lock.c share.  For lease*.c only.
 */
#ifndef STATE_LEASE_LOCK_H
#define STATE_LEASE_LOCK_H

#include <pthread.h>

#include "base/buf.h"
#include "state/lease.h"

#define LEASE_CONTENTS_MAX ((size_t)16 << 10)
#define LEASE_OWNER_BYTES 16

struct lease {
	struct store_session *session;	/* the thread's, once it runs */
	char *name;		/* for messages */
	char *key;
	uint64_t lapse_ms, renew_ms;
	char owner[2 * LEASE_OWNER_BYTES + 1];
	bool creates, matches;	/* what the store minds */

	/* The thread's alone, once it runs. */
	uint64_t renewals;
	char etag[STORE_ETAG_MAX];

	pthread_t thread;
	pthread_mutex_t lock;	/* of everything below */
	pthread_cond_t wake;	/* of wake_init() */
	bool stop;
	bool lost;
	uint64_t renewed_at;	/* when the last renewal was begun */
	struct err why;		/* it was lost */
};

enum lease_condition {
	LEASE_ALWAYS,
	LEASE_WHERE_NONE,	/* where no lock is */
	LEASE_WHERE_OURS,	/* in place of the one with this ETag */
	LEASE_WHERE_NEVER	/* what a store that minds conditions refuses */
};

/* Writes our contents.  etag: of what LEASE_WHERE_OURS replaces; gets the new
 * one.  ERR_CONFLICT when the condition does not hold. */
bool lease_lock_put(struct lease *l, enum lease_condition condition,
    char etag[STORE_ETAG_MAX], struct err *err);

/* What stands in the lock, whoever holds it. */
struct lease_found {
	struct buf contents;
	struct store_object o;
	char owner[2 * LEASE_OWNER_BYTES + 1];
	char who[320];		/* for messages */
};

/* Reads it; f->contents has been set up. */
enum store_found lease_lock_look(struct lease *l, struct lease_found *f,
    struct err *err);

/* Waits until it is ours, for patience_ms at most. */
bool lease_lock_wait(struct lease *l, uint64_t patience_ms, struct err *err);

#endif
