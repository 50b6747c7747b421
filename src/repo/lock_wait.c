#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cancel.h"
#include "base/log.h"
#include "base/wake.h"
#include "base/retry.h"
#include "repo/lock_wait.h"

#define LOOK_AGAIN_MS 50	/* at first, and then less often */
#define LOOK_EVERY_MS 1000
#define TELL_EVERY_NS ((uint64_t)10000000000)
#define OTHERS_MAX 100000

/* --- looking --- */

/* "locks/0123abcd.json", and nothing else. */
static bool
is_lock(const char *key)
{
	static const char before[] = LOCK_OBJECT_FOLDER "/";
	size_t len = strlen(before);

	return strncmp(key, before, len) == 0 &&
	    strspn(key + len, "0123456789abcdef") == REPO_ID_SIZE &&
	    strcmp(key + len + REPO_ID_SIZE, ".json") == 0;
}

static struct lock_object_seen *
find_seen(struct repo_lock *l, const char *key)
{
	size_t i;

	for (i = 0; i < l->n_seen; i++)
		if (strcmp(l->seen[i].key, key) == 0)
			return &l->seen[i];
	return NULL;
}

static bool
meet(void *arg, const struct store_object *o, struct err *err)
{
	struct repo_lock *l = arg;
	struct lock_object_seen *s;

	if (!is_lock(o->key))
		return true;
	if (strcmp(o->key, l->key) == 0) {
		l->listed = true;
		return true;
	}
	if ((s = find_seen(l, o->key)) == NULL) {
		if (l->n_seen == OTHERS_MAX)
			return err_set(err, ERR_TOO_LARGE, "%s: more than %d "
			    "locks", l->name, OTHERS_MAX);
		if ((s = realloc(l->seen, (l->n_seen + 1) * sizeof(*s))) ==
		    NULL)
			return err_nomem(err, "locks");
		l->seen = s;
		s += l->n_seen++;
		memset(s, 0, sizeof(*s));
		snprintf(s->key, sizeof(s->key), "%s", o->key);
	}
	s->met = true;
	s->over = o->size <= LOCK_OBJECT_ENDED;
	return true;
}

static bool
pass_over(void *arg, enum store_oddity kind, const char *name,
    const char *why, struct err *err)
{
	const struct repo_lock *l = arg;

	(void)kind;
	(void)err;
	log_debug("%s: %s: %s", l->name, name, why);
	return true;
}

static bool
list_others(struct repo_lock *l, struct err *err)
{
	static const struct store_list_ops ops = { meet, pass_over };
	size_t i, n = 0;

	l->listed = false;
	for (i = 0; i < l->n_seen; i++)
		l->seen[i].met = false;
	if (!store_list_under(l->session, LOCK_OBJECT_FOLDER, &ops, l, err))
		return false;
	for (i = 0; i < l->n_seen; i++)
		if (l->seen[i].met)
			l->seen[n++] = l->seen[i];
	l->n_seen = n;
	return true;
}

static uint64_t
lapse_of(const struct repo_lock *l, const struct lock_object_about *a)
{

	return a->lapse_ms != 0 ? a->lapse_ms : l->lapse_ms;
}

/* By the store's clock, which tells seconds. */
static bool
is_old(const struct repo_lock *l, const struct lock_object_about *a)
{

	return !l->local && a->age_ns >=
	    (int64_t)(lapse_of(l, a) + 1000) * 1000000;
}

static bool
has_lapsed(struct repo_lock *l, struct lock_object_seen *s,
    const struct lock_object_about *a)
{
	uint64_t now = wake_boot_ns();

	if (!s->any || memcmp(s->sha256, a->sha256, sizeof(a->sha256)) != 0) {
		memcpy(s->sha256, a->sha256, sizeof(a->sha256));
		s->since_ns = now;
		s->any = true;
	}
	return lock_process_is_gone(&a->process, &l->self) ||
	    now - s->since_ns >= lapse_of(l, a) * 1000000 ||
	    (l->clock_right && is_old(l, a));
}

/* Others that are in the way. */
struct in_the_way {
	unsigned n;
	bool yield;		/* to one of them */
	bool old;		/* one of them is, by a clock that was not tried */
	char who[LOCK_OBJECT_WHO]; /* one of them */
};

static void
consider(struct repo_lock *l, struct lock_object_seen *s,
    const struct lock_object_about *a, struct in_the_way *w)
{
	bool removes = !a->known || a->kind == REPO_LOCK_REMOVE;

	if ((s->over = a->ended || has_lapsed(l, s, a)))
		return;
	if (l->kind != REPO_LOCK_REMOVE && !removes)
		return;
	if (w->n++ == 0)
		lock_object_who(a, w->who);
	if (!l->clock_known && is_old(l, a))
		w->old = true;
	if (l->kind == REPO_LOCK_REMOVE &&
	    (!removes || strcmp(s->key, l->key) < 0))
		w->yield = true;
}

/* One look at everybody else. */
static bool
look(struct repo_lock *l, struct in_the_way *w, struct err *err)
{
	struct lock_object_about a;
	size_t i;

	w->n = 0;
	w->yield = w->old = false;
	if (!list_others(l, err))
		return false;
	for (i = 0; i < l->n_seen; i++) {
		if (l->seen[i].over)
			continue;
		switch (lock_object_read(l, l->seen[i].key, &a, err)) {
		case STORE_FOUND:
			consider(l, &l->seen[i], &a, w);
			break;
		case STORE_ABSENT:
			l->seen[i].over = true;
			break;
		default:
			/* A folder's file may be replaced while it is read:
			 * somebody renews it. */
			if (err->kind != ERR_CHANGED)
				return false;
			w->yield = l->kind == REPO_LOCK_REMOVE;
			if (w->n++ == 0)
				snprintf(w->who, sizeof(w->who),
				    "another run");
		}
	}
	return true;
}

/* --- waiting --- */

static bool
may_not_write(enum err_kind kind)
{

	return kind == ERR_DENIED || kind == ERR_DISK || kind == ERR_QUOTA;
}

/* Puts ours where it is not, or is getting old. */
static bool
put_ours(struct repo_lock *l, struct err *err)
{
	uint64_t began = wake_boot_ns();

	if (l->there && began - l->renewed_at < l->renew_ms * 1000000)
		return true;
	if (l->there && lock_object_is_over(l, l->renewed_at) &&
	    !lock_object_withdraw(l, err))
		return false;
	if (!l->there && !lock_object_name(l, err))
		return false;
	if (lock_object_put(l, err)) {
		l->renewed_at = began;
		lock_object_try_clock(l);
		return true;
	}
	if (l->kind != REPO_LOCK_READ || !may_not_write(err->kind)) {
		l->renewed_at = 0;	/* again at once */
		return false;
	}
	log_info("%s: nothing can be written there (%s): reading without a "
	    "lock", l->name, err->message);
	l->without = true;
	l->there = false;
	return true;
}

enum taken { TAKEN, NOT_TAKEN, TAKING_FAILED };

/* One attempt.  What removes looks first, and puts its own only when nobody is
 * there, or to try the store's clock: so it comes into nobody's way while it
 * waits. */
static enum taken
try_once(struct repo_lock *l, struct in_the_way *w, struct err *err)
{

	if (l->kind == REPO_LOCK_REMOVE && !l->there) {
		if (!look(l, w, err))
			return TAKING_FAILED;
		if (w->n > 0 && !w->old)
			return NOT_TAKEN;
	}
	if (!put_ours(l, err))
		return TAKING_FAILED;
	if (l->without)
		return TAKEN;
	if (!look(l, w, err))
		return TAKING_FAILED;
	if (w->n > 0) {
		if (w->yield && !lock_object_withdraw(l, err))
			return TAKING_FAILED;
		return NOT_TAKEN;
	}
	/* A look that took too long proves nothing, nor does a listing without
	 * what was put. */
	if (!l->listed || lock_object_is_over(l, l->renewed_at)) {
		snprintf(w->who, sizeof(w->who), "another run");
		return NOT_TAKEN;
	}
	return TAKEN;
}

static bool
locked(const struct repo_lock *l, const struct in_the_way *w, struct err *err)
{

	err_set(err, ERR_LOCKED, "%s is at work in the repository %s", w->who,
	    l->name);
	return err_hint(err, "wait until it ends or stop it, then run this "
	    "command again; a killed run's lock lapses by itself after %llu "
	    "seconds", (unsigned long long)l->lapse_ms / 1000);
}

static void
tell(const struct repo_lock *l, const struct in_the_way *w, uint64_t waited_ns,
    uint64_t patience_ms)
{

	log_info("%s: waiting for %s (%llu s so far, %llu s at most), or until "
	    "it has not been heard of for %llu s", l->name, w->who,
	    (unsigned long long)waited_ns / 1000000000,
	    (unsigned long long)patience_ms / 1000,
	    (unsigned long long)l->lapse_ms / 1000);
}

/* True while it may be tried again. */
static bool
wait_for(struct repo_lock *l, const struct in_the_way *w, uint64_t began,
    uint64_t *told, uint64_t patience_ms, struct err *err)
{
	uint64_t now = wake_boot_ns(), ms;

	if (now - began >= patience_ms * 1000000)
		return locked(l, w, err);
	if (*told == 0 || now - *told >= TELL_EVERY_NS) {
		*told = now;
		tell(l, w, now - began, patience_ms);
	}
	ms = LOOK_AGAIN_MS + (now - began) / 4000000;
	if (ms > LOOK_EVERY_MS)
		ms = LOOK_EVERY_MS;
	if (ms > l->renew_ms / 2)
		ms = l->renew_ms / 2;
	return cancel_sleep(ms) || cancel_err(err);
}

bool
lock_wait(struct repo_lock *l, uint64_t patience_ms, struct err *err)
{
	uint64_t began = wake_boot_ns(), told = 0;
	struct in_the_way w = { .n = 0 };
	struct retry retry;
	struct err later;
	enum taken taken;

	retry_init(&retry, patience_ms);
	while ((taken = try_once(l, &w, err)) != TAKEN) {
		if (taken == TAKING_FAILED) {
			if (!retry_wait(&retry, l->name, 0, err))
				break;
			continue;
		}
		retry_reset(&retry);
		if (!wait_for(l, &w, began, &told, patience_ms, err))
			break;
	}
	retry_end(&retry);
	if (taken != TAKEN && !lock_object_withdraw(l, &later))
		log_debug("%s: %s", l->name, later.message);
	return taken == TAKEN;
}
