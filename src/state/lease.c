#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cancel.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/wake.h"
#include "state/lease_lock.h"

#define AGAIN_MS 1000		/* after a renewal that failed */

/* --- holding --- */

/* The caller holds lock. */
static void
lose(struct lease *l, const char *why)
{

	if (l->lost)
		return;
	l->lost = true;
	err_set(&l->why, ERR_LOCKED, "%s: %s", l->name, why);
	err_hint(&l->why, "run the same command again: it waits for the other "
	    "run and goes on");
	log_warning("%s: %s; stopping", l->name, why);
	cancel_request();
}

/* True when a refused renewal is ours after all: its answer was lost, or the
 * store says nothing of ETags. */
static bool
still_ours(struct lease *l, bool *sure, char why[400])
{
	struct lease_found f;
	struct err err;
	bool ours = false;

	*sure = true;
	buf_init(&f.contents, LEASE_CONTENTS_MAX);
	switch (lease_lock_look(l, &f, &err)) {
	case STORE_FOUND:
		ours = strcmp(f.owner, l->owner) == 0;
		memcpy(l->etag, f.o.etag, STORE_ETAG_MAX);
		snprintf(why, 400, "another run (%s) took the lease over",
		    f.who);
		break;
	case STORE_ABSENT:
		snprintf(why, 400, "somebody removed the lock");
		break;
	default:
		*sure = false;
	}
	buf_free(&f.contents);
	return ours;
}

/* True when renewed; else *why says why it is lost, "" when it may be tried
 * again. */
static bool
renew(struct lease *l, char why[400])
{
	bool sure, ours;
	struct err err;

	why[0] = '\0';
	l->renewals++;
	if (!l->matches || l->etag[0] == '\0') {
		ours = still_ours(l, &sure, why);
		if (!sure || !ours)
			return false;
		if (lease_lock_put(l, LEASE_ALWAYS, l->etag, &err))
			return true;
	} else if (lease_lock_put(l, LEASE_WHERE_OURS, l->etag, &err)) {
		return true;
	} else if (err.kind == ERR_CONFLICT) {
		ours = still_ours(l, &sure, why);
		if (!sure)
			why[0] = '\0';
		return sure && ours;
	}
	log_debug("%s: the lease could not be renewed: %s", l->name,
	    err.message);
	why[0] = '\0';
	return false;
}

static bool
is_over(const struct lease *l)
{

	return wake_boot_ns() - l->renewed_at >= l->lapse_ms * 1000000;
}

static void *
keep(void *arg)
{
	struct lease *l = arg;
	uint64_t began, wait = l->renew_ms;
	char why[400];
	bool ok;

	pthread_mutex_lock(&l->lock);
	while (!l->stop && !l->lost) {
		wake_wait(&l->wake, &l->lock, wait);
		if (l->stop || l->lost)
			break;
		pthread_mutex_unlock(&l->lock);
		began = wake_boot_ns();
		ok = renew(l, why);
		pthread_mutex_lock(&l->lock);
		wait = ok || l->renew_ms < AGAIN_MS ? l->renew_ms : AGAIN_MS;
		if (is_over(l))
			lose(l, "the lease could not be renewed in time");
		else if (why[0] != '\0' && !ok)
			lose(l, why);
		else if (ok)
			l->renewed_at = began;
	}
	pthread_mutex_unlock(&l->lock);
	return NULL;
}

bool
lease_held(struct lease *l, struct err *err)
{
	bool held;

	pthread_mutex_lock(&l->lock);
	if (!l->lost && is_over(l))
		lose(l, "the lease could not be renewed in time");
	held = !l->lost;
	if (!held && err != NULL)
		*err = l->why;
	pthread_mutex_unlock(&l->lock);
	return held;
}

bool
lease_store_creates(const struct lease *l)
{

	return l->creates;
}

bool
lease_store_matches(const struct lease *l)
{

	return l->matches;
}

/* --- beginning and end --- */

static bool
init_sync(struct lease *l, struct err *err)
{

	if (!wake_init(&l->wake))
		return err_nomem(err, "lease");
	if (pthread_mutex_init(&l->lock, NULL) == 0)
		return true;
	pthread_cond_destroy(&l->wake);
	return err_nomem(err, "lease");
}

static bool
make_owner(struct lease *l, struct err *err)
{
	uint8_t bytes[LEASE_OWNER_BYTES];

	if (!hash_random(bytes, sizeof(bytes)))
		return err_set(err, ERR_INTERNAL, "no random bytes");
	hash_hex(bytes, sizeof(bytes), l->owner);
	return true;
}

static void
give_back(struct lease *l)
{
	struct err err;

	if (lease_held(l, &err) && !store_delete(l->session, l->key, &err))
		log_warning("%s: the lock could not be removed: %s", l->name,
		    err.message);
}

struct lease *
lease_take(const struct lease_options *o, struct err *err)
{
	struct lease *l;

	if ((l = calloc(1, sizeof(*l))) == NULL) {
		err_nomem(err, "lease");
		goto fail;
	}
	l->lapse_ms = o->lapse_ms != 0 ? o->lapse_ms : LEASE_MS;
	l->renew_ms = o->renew_ms != 0 ? o->renew_ms : LEASE_RENEW_MS;
	l->name = strdup(store_name(o->store));
	l->key = strdup(o->key);
	if (l->name == NULL || l->key == NULL) {
		err_nomem(err, "lease");
		goto fail_strings;
	}
	if (!make_owner(l, err) || !init_sync(l, err))
		goto fail_strings;
	if ((l->session = store_session_new(o->store, err)) == NULL)
		goto fail_sync;
	if (!lease_lock_wait(l, o->patience_ms, err))
		goto fail_session;
	if (pthread_create(&l->thread, NULL, keep, l) != 0) {
		err_nomem(err, "lease");
		goto fail_taken;
	}
	return l;

fail_taken:
	give_back(l);
fail_session:
	store_session_free(l->session);
fail_sync:
	pthread_cond_destroy(&l->wake);
	pthread_mutex_destroy(&l->lock);
fail_strings:
	free(l->name);
	free(l->key);
	free(l);
fail:
	return NULL;
}

void
lease_free(struct lease *l)
{

	if (l == NULL)
		return;
	pthread_mutex_lock(&l->lock);
	l->stop = true;
	pthread_cond_signal(&l->wake);
	pthread_mutex_unlock(&l->lock);
	pthread_join(l->thread, NULL);
	give_back(l);
	store_session_free(l->session);
	pthread_cond_destroy(&l->wake);
	pthread_mutex_destroy(&l->lock);
	free(l->name);
	free(l->key);
	free(l);
}
