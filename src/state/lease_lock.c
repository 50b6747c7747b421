#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "base/cancel.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/wake.h"
#include "base/retry.h"
#include "state/lease_lock.h"
#include "state/lines.h"

#define LOOK_EVERY_MS 1000
#define TELL_EVERY_NS ((uint64_t)10000000000)
/* Where the store minds no conditions: 2 s of the usual 30. */
#define SETTLE_PART 15
#define TRUSTED_AGE_NS ((int64_t)5000000000)
#define NO_ETAG "\"00000000000000000000000000000000\""

bool
lease_watch_lapsed(struct lease_watch *w, const struct buf *contents,
    int64_t age_ns, uint64_t now, uint64_t lapse_ms)
{
	uint8_t sha256[HASH_SHA256_SIZE];

	hash_sha256(contents->data, contents->len, sha256);
	if (!w->any || memcmp(w->seen, sha256, sizeof(sha256)) != 0) {
		memcpy(w->seen, sha256, sizeof(sha256));
		w->since_ns = now;
		w->any = true;
	}
	return now - w->since_ns >= lapse_ms * 1000000 ||
	    age_ns >= (int64_t)(lapse_ms + 1000) * 1000000;
}

/* --- the object --- */

static bool
read_bytes(void *arg, uint64_t offset, void *data, size_t len, struct err *err)
{
	const struct buf *b = arg;

	(void)err;
	memcpy(data, b->data + offset, len);
	return true;
}

static bool
take_bytes(void *arg, const void *data, size_t len, struct err *err)
{

	return buf_append(arg, data, len) ||
	    err_set(err, ERR_DAMAGED, "the lock is too large");
}

/* What stands in our lock now. */
static bool
make_contents(const struct lease *l, struct buf *out, struct err *err)
{
	char host[256] = "";
	json_t *o;
	bool ok;

	if (gethostname(host, sizeof(host) - 1) != 0)
		host[0] = '\0';
	o = json_pack("{s:s, s:s, s:o, s:I, s:I, s:I}", "about", "a run of "
	    "spaceferry uses this state", "owner", l->owner, "host",
	    lines_text(host), "pid", (json_int_t)getpid(), "lapses_after_ms",
	    (json_int_t)l->lapse_ms, "renewals", (json_int_t)l->renewals);
	ok = (o != NULL && lines_dump(o, JSON_INDENT(2), out)) ||
	    err_nomem(err, l->key);
	json_decref(o);
	return ok;
}

bool
lease_lock_put(struct lease *l, enum lease_condition condition,
    char etag[STORE_ETAG_MAX], struct err *err)
{
	char match[STORE_ETAG_MAX] = NO_ETAG;
	struct buf contents;
	struct store_put what = {
		.key = l->key, .body = { .read = read_bytes, .arg = &contents },
		.headers = { .content_type = "application/json" },
		.create_only = condition == LEASE_WHERE_NONE,
		.if_match = condition == LEASE_WHERE_OURS ||
		    condition == LEASE_WHERE_NEVER ? match : NULL,
	};
	bool ok;

	if (condition == LEASE_WHERE_OURS)
		memcpy(match, etag, STORE_ETAG_MAX);
	buf_init(&contents, LEASE_CONTENTS_MAX);
	ok = make_contents(l, &contents, err);
	what.body.size = contents.len;
	ok = ok && store_put(l->session, &what, etag, err);
	buf_free(&contents);
	return ok;
}

static void
read_found(struct lease_found *f)
{
	json_t *o = json_loadb((const char *)f->contents.data, f->contents.len,
	    0, NULL);
	const char *owner = json_string_value(json_object_get(o, "owner"));
	const char *host = json_string_value(json_object_get(o, "host"));
	const json_t *pid = json_object_get(o, "pid");

	f->owner[0] = '\0';
	if (owner != NULL && strlen(owner) < sizeof(f->owner))
		memcpy(f->owner, owner, strlen(owner) + 1);
	if (host != NULL && json_is_integer(pid))
		snprintf(f->who, sizeof(f->who), "pid %lld on %.255s",
		    (long long)json_integer_value(pid), host);
	else
		snprintf(f->who, sizeof(f->who), "of unknown place");
	json_decref(o);
}

enum store_found
lease_lock_look(struct lease *l, struct lease_found *f, struct err *err)
{

	buf_reset(&f->contents);
	if (store_get(l->session, l->key, &f->o, take_bytes, &f->contents,
	    err)) {
		read_found(f);
		return STORE_FOUND;
	}
	return err->kind == ERR_NOT_FOUND ? STORE_ABSENT : STORE_FAILED;
}

/* --- taking --- */

/* Tries out whether the store minds conditions, which it must refuse here. */
static bool
try_conditions(struct lease *l, struct err *err)
{
	char etag[STORE_ETAG_MAX];

	l->creates = l->matches = true;
	if (lease_lock_put(l, LEASE_WHERE_NONE, etag, err) ||
	    err->kind == ERR_UNSUPPORTED)
		l->creates = false;
	else if (err->kind != ERR_CONFLICT)
		return false;
	if (lease_lock_put(l, LEASE_WHERE_NEVER, etag, err) ||
	    err->kind == ERR_UNSUPPORTED)
		l->matches = false;
	else if (err->kind != ERR_CONFLICT)
		return false;
	if (!l->creates || !l->matches)
		log_debug("%s: the store does not mind %s%s%s", l->name,
		    l->creates ? "" : "If-None-Match",
		    l->creates || l->matches ? "" : " and ",
		    l->matches ? "" : "If-Match");
	return true;
}

/* How old an object is by the store's own clock, to a second or so (it may be
 * from the future by as much); INT64_MIN when the store does not say. */
static int64_t
age_of(const struct store_object *o)
{

	return o->mtime_ns > 0 && o->now_ns > 0 ? o->now_ns - o->mtime_ns :
	    INT64_MIN;
}

/* Whether the store's clock can be believed: what is written now must be new.
 * (A gateway may tell times of its own making.) */
static bool
clock_is_right(struct lease *l)
{
	char name[FILE_TEMP_NAME_SIZE], etag[STORE_ETAG_MAX];
	struct buf nothing = { .len = 0 };
	struct store_put what = {
		.key = name, .body = { .read = read_bytes, .arg = &nothing },
	};
	struct store_object o;
	struct err err;
	bool right;

	if (!file_temp_name(name, &err) ||
	    !store_put(l->session, &what, etag, &err))
		return false;
	right = store_head(l->session, name, &o, &err) == STORE_FOUND &&
	    age_of(&o) > -TRUSTED_AGE_NS && age_of(&o) < TRUSTED_AGE_NS;
	if (!store_delete(l->session, name, &err))
		log_debug("%s", err.message);
	return right;
}

enum taken { TAKEN, NOT_TAKEN, TAKING_FAILED };

/* Something of ours was put there: is it what stands there in the end? */
static enum taken
make_sure(struct lease *l, struct lease_found *f, struct err *err)
{

	if (!try_conditions(l, err))
		return TAKING_FAILED;
	if ((!l->creates || !l->matches) && 
	    !cancel_sleep(l->lapse_ms / SETTLE_PART)) {
		cancel_err(err);
		return TAKING_FAILED;
	}
	switch (lease_lock_look(l, f, err)) {
	case STORE_FOUND:
		memcpy(l->etag, f->o.etag, STORE_ETAG_MAX);
		return strcmp(f->owner, l->owner) == 0 ? TAKEN : NOT_TAKEN;
	case STORE_ABSENT:
		return NOT_TAKEN;
	default:
		return TAKING_FAILED;
	}
}

/* One attempt. */
static enum taken
try_once(struct lease *l, struct lease_found *f, struct lease_watch *w,
    struct err *err)
{
	char etag[STORE_ETAG_MAX];
	int64_t age;
	bool ok;

	l->renewed_at = wake_boot_ns();
	switch (lease_lock_look(l, f, err)) {
	case STORE_ABSENT:
		ok = lease_lock_put(l, LEASE_WHERE_NONE, etag, err);
		break;
	case STORE_FOUND:
		if (strcmp(f->owner, l->owner) == 0)
			return make_sure(l, f, err);
		age = age_of(&f->o);
		if (age >= (int64_t)l->lapse_ms * 1000000 && !clock_is_right(l))
			age = INT64_MIN;
		if (!lease_watch_lapsed(w, &f->contents, age, wake_boot_ns(),
		    l->lapse_ms))
			return NOT_TAKEN;
		log_info("%s: the lease of another run (%s) lapsed; taking it "
		    "over", l->name, f->who);
		memcpy(etag, f->o.etag, sizeof(etag));
		ok = lease_lock_put(l, LEASE_WHERE_OURS, etag, err);
		break;
	default:
		/* A folder's file may be replaced while it is read. */
		return err->kind == ERR_CHANGED ? NOT_TAKEN : TAKING_FAILED;
	}
	if (!ok && err->kind == ERR_UNSUPPORTED)
		ok = lease_lock_put(l, LEASE_ALWAYS, etag, err);
	if (ok)
		return make_sure(l, f, err);
	return err->kind == ERR_CONFLICT ? NOT_TAKEN : TAKING_FAILED;
}

static bool
locked(const struct lease *l, const struct lease_found *f, struct err *err)
{

	err_set(err, ERR_LOCKED, "another run (%s) is using this state: %s",
	    f->who, l->name);
	return err_hint(err, "wait until it ends or stop it, then run this "
	    "command again; what a killed run held is free after %llu seconds",
	    (unsigned long long)l->lapse_ms / 1000);
}

bool
lease_lock_wait(struct lease *l, uint64_t patience_ms, struct err *err)
{
	uint64_t began = wake_boot_ns(), told = 0, now;
	struct lease_watch w = { .any = false };
	struct lease_found f = { .who = "of unknown place" };
	struct retry retry;
	enum taken taken;

	retry_init(&retry, patience_ms);
	buf_init(&f.contents, LEASE_CONTENTS_MAX);
	while ((taken = try_once(l, &f, &w, err)) != TAKEN) {
		if (taken == TAKING_FAILED) {
			if (!retry_wait(&retry, l->name, 0, err))
				break;
			continue;
		}
		retry_reset(&retry);
		now = wake_boot_ns();
		if (now - began >= patience_ms * 1000000) {
			locked(l, &f, err);
			break;
		}
		if (told == 0 || now - told >= TELL_EVERY_NS) {
			told = now;
			log_info("%s: another run (%s) uses this state; waiting "
			    "for it (%llu s so far, %llu s at most), or until "
			    "it has not been heard of for %llu s", l->name,
			    f.who, (unsigned long long)(now - began) /
			    1000000000, (unsigned long long)patience_ms / 1000,
			    (unsigned long long)l->lapse_ms / 1000);
		}
		if (!cancel_sleep(l->lapse_ms < 5 * LOOK_EVERY_MS ?
		    l->lapse_ms / 5 : LOOK_EVERY_MS)) {
			cancel_err(err);
			break;
		}
	}
	retry_end(&retry);
	buf_free(&f.contents);
	return taken == TAKEN;
}
