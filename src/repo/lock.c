#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cancel.h"
#include "base/log.h"
#include "base/wake.h"
#include "repo/lock_wait.h"

#define AGAIN_MS 1000		/* after a renewal that failed */

/* --- holding --- */

/* The caller holds lock. */
static void
lose(struct repo_lock *l, const char *why)
{

	if (l->lost)
		return;
	l->lost = true;
	err_set(&l->why, ERR_LOCKED, "%s: %s", l->name, why);
	err_hint(&l->why, "run the same command again: what was stored is kept");
	log_warning("%s: %s; stopping", l->name, why);
	cancel_request();
}

/* Somebody who removes our object takes us for dead. */
static bool
was_removed(struct repo_lock *l)
{
	struct store_object o;
	struct err err;

	return store_head(l->session, l->key, &o, &err) == STORE_ABSENT;
}

static void *
keep(void *arg)
{
	struct repo_lock *l = arg;
	uint64_t began, wait = l->renew_ms;
	bool ok, removed;
	struct err err;

	pthread_mutex_lock(&l->lock);
	while (!l->stop && !l->lost) {
		wake_wait(&l->wake, &l->lock, wait);
		if (l->stop || l->lost)
			break;
		if (lock_object_is_over(l, l->renewed_at)) {
			lose(l, "the lock could not be renewed in time");
			break;
		}
		pthread_mutex_unlock(&l->lock);
		began = wake_boot_ns();
		removed = was_removed(l);
		ok = !removed && lock_object_put(l, &err);
		if (!removed && !ok)
			log_debug("%s: the lock could not be renewed: %s",
			    l->name, err.message);
		pthread_mutex_lock(&l->lock);
		wait = ok || l->renew_ms < AGAIN_MS ? l->renew_ms : AGAIN_MS;
		if (removed)
			lose(l, "somebody removed the lock");
		else if (lock_object_is_over(l, l->renewed_at))
			lose(l, "the lock could not be renewed in time");
		else if (ok)
			l->renewed_at = began;
	}
	pthread_mutex_unlock(&l->lock);
	return NULL;
}

bool
repo_lock_held(struct repo_lock *l, struct err *err)
{
	bool held;

	if (l->without)
		return true;
	pthread_mutex_lock(&l->lock);
	if (!l->lost && lock_object_is_over(l, l->renewed_at))
		lose(l, "the lock could not be renewed in time");
	held = !l->lost;
	if (!held && err != NULL)
		*err = l->why;
	pthread_mutex_unlock(&l->lock);
	return held;
}

/* --- beginning and end --- */

static bool
init_sync(struct repo_lock *l, struct err *err)
{

	if (!wake_init(&l->wake))
		return err_nomem(err, "lock");
	if (pthread_mutex_init(&l->lock, NULL) == 0)
		return true;
	pthread_cond_destroy(&l->wake);
	return err_nomem(err, "lock");
}

static void
describe(struct repo_lock *l, const struct repo_lock_options *o)
{
	time_t now = time(NULL);
	struct tm tm;

	l->kind = o->kind;
	l->command = o->command;
	l->lapse_ms = o->lapse_ms != 0 ? o->lapse_ms : REPO_LOCK_LAPSE_MS;
	l->renew_ms = o->renew_ms != 0 ? o->renew_ms : REPO_LOCK_RENEW_MS;
	lock_process_self(&l->self);
	if (gmtime_r(&now, &tm) != NULL)
		strftime(l->started, sizeof(l->started), "%FT%TZ", &tm);
}

static void
give_back(struct repo_lock *l)
{
	struct err err;

	if (!lock_object_withdraw(l, &err))
		log_warning("%s: the lock could not be removed: %s; it lapses "
		    "by itself", l->name, err.message);
}

struct repo_lock *
repo_lock_take(const struct repo_lock_options *o, struct err *err)
{
	struct store *store = o->store != NULL ? o->store :
	    repo_lock_store(o->repo);
	struct repo_lock *l;

	if ((l = calloc(1, sizeof(*l))) == NULL) {
		err_nomem(err, "lock");
		goto fail;
	}
	if ((l->name = strdup(store_name(store))) == NULL) {
		err_nomem(err, "lock");
		goto fail_l;
	}
	l->local = store_is_local(store);
	describe(l, o);
	if (!init_sync(l, err))
		goto fail_name;
	if ((l->session = store_session_new(store, err)) == NULL)
		goto fail_sync;
	if (!lock_wait(l, o->patience_ms, err))
		goto fail_session;
	if (!l->without && pthread_create(&l->thread, NULL, keep, l) != 0) {
		err_nomem(err, "lock");
		goto fail_taken;
	}
	return l;

fail_taken:
	give_back(l);
fail_session:
	free(l->seen);
	store_session_free(l->session);
fail_sync:
	pthread_cond_destroy(&l->wake);
	pthread_mutex_destroy(&l->lock);
fail_name:
	free(l->name);
fail_l:
	free(l);
fail:
	return NULL;
}

void
repo_lock_free(struct repo_lock *l)
{

	if (l == NULL)
		return;
	if (!l->without) {
		pthread_mutex_lock(&l->lock);
		l->stop = true;
		pthread_cond_signal(&l->wake);
		pthread_mutex_unlock(&l->lock);
		pthread_join(l->thread, NULL);
		give_back(l);
	}
	free(l->seen);
	store_session_free(l->session);
	pthread_cond_destroy(&l->wake);
	pthread_mutex_destroy(&l->lock);
	free(l->name);
	free(l);
}

bool
repo_lock_sweep(struct repo_session *s, const struct repo_lock *own, size_t *n,
    struct err *err)
{
	size_t i, removed = 0;
	bool ok = true;

	for (i = 0; i < own->n_seen && ok; i++)
		if (own->seen[i].over) {
			ok = store_delete(repo_session_store(s),
			    own->seen[i].key, err);
			removed += ok;
		}
	if (n != NULL)
		*n = removed;
	return ok;
}
