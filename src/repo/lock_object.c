#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "base/log.h"
#include "base/wake.h"
#include "repo/lock_object.h"

#define CONTENTS_MAX ((size_t)16 << 10)
#define TRUSTED_AGE_NS ((int64_t)5000000000)
#define LAPSE_MOST_MS ((json_int_t)3600000)
#define ENDED "{\"state\":\"ended\"}\n"

static const char *const kinds[] = { "read", "add", "remove" };

bool
lock_object_is_over(const struct repo_lock *l, uint64_t renewed_at)
{

	return wake_boot_ns() - renewed_at >=
	    (l->lapse_ms - l->lapse_ms / 4) * 1000000;
}

/* --- writing --- */

static bool
read_bytes(void *arg, uint64_t offset, void *data, size_t len, struct err *err)
{
	const char *text = arg;

	(void)err;
	memcpy(data, text + offset, len);
	return true;
}

bool
lock_object_name(struct repo_lock *l, struct err *err)
{
	uint8_t bytes[REPO_ID_SIZE / 2];

	if (!hash_random(bytes, sizeof(bytes)))
		return err_set(err, ERR_INTERNAL, "no random bytes");
	hash_hex(bytes, sizeof(bytes), l->id);
	snprintf(l->key, sizeof(l->key), LOCK_OBJECT_FOLDER "/%s.json", l->id);
	l->renewals = 0;
	return true;
}

static bool
put(struct repo_lock *l, char *text, struct err *err)
{
	char etag[STORE_ETAG_MAX];
	const struct store_put what = {
		.key = l->key, .body = { .size = strlen(text),
		.read = read_bytes, .arg = text },
		.headers = { .content_type = "application/json" },
	};

	return store_put(l->session, &what, etag, err);
}

/* A host's name may be no UTF-8. */
static json_t *
text_of(const char *s)
{
	json_t *o = json_string(s);

	return o != NULL ? o : json_string("?");
}

bool
lock_object_put(struct repo_lock *l, struct err *err)
{
	char text[2048];
	size_t len;
	json_t *o;

	o = json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:I, s:I, s:s, s:I, "
	    "s:s, s:I, s:I}", "about", "a run of spaceferry is at work in this "
	    "repository", "id", l->id, "state", "held", "kind", kinds[l->kind],
	    "command", l->command, "host", text_of(l->self.host), "pid",
	    (json_int_t)l->self.pid, "start", (json_int_t)l->self.start, "boot",
	    l->self.boot, "pidns", (json_int_t)l->self.pidns, "started",
	    l->started, "lapses_after_ms", (json_int_t)l->lapse_ms,
	    "renewals", (json_int_t)l->renewals);
	if (o == NULL)
		return err_nomem(err, "lock");
	len = json_dumpb(o, text, sizeof(text) - 2, JSON_COMPACT);
	json_decref(o);
	if (len > sizeof(text) - 2)
		return err_set(err, ERR_INTERNAL, "lock: too long");
	text[len] = '\n';
	text[len + 1] = '\0';
	l->renewals++;
	l->there = true;	/* though it fails: it may have come through */
	return put(l, text, err);
}

bool
lock_object_withdraw(struct repo_lock *l, struct err *err)
{
	char ended[] = ENDED;

	if (!l->there)
		return true;
	if (store_delete(l->session, l->key, err) ||
	    (err->kind == ERR_DENIED && put(l, ended, err)))
		l->there = false;
	return !l->there;
}

/* --- reading --- */

static bool
take_bytes(void *arg, const void *data, size_t len, struct err *err)
{

	return buf_append(arg, data, len) ||
	    err_set(err, ERR_DAMAGED, "a lock that is too large");
}

static void
copy_text(const json_t *o, const char *name, char *out, size_t size)
{
	const char *s = json_string_value(json_object_get(o, name));

	snprintf(out, size, "%s", s != NULL ? s : "");
}

static uint64_t
number(const json_t *o, const char *name)
{
	json_int_t n = json_integer_value(json_object_get(o, name));

	return n > 0 ? (uint64_t)n : 0;
}

/* What is none of ours, and what a later version may add, is in everybody's
 * way until it lapses. */
static void
understand(const struct buf *contents, struct lock_object_about *a)
{
	json_t *o = json_loadb((const char *)contents->data, contents->len, 0,
	    NULL);
	const char *kind = json_string_value(json_object_get(o, "kind"));
	const char *state = json_string_value(json_object_get(o, "state"));
	unsigned i;

	for (i = 0; kind != NULL && i < 3; i++)
		if (strcmp(kind, kinds[i]) == 0) {
			a->kind = (enum repo_lock_kind)i;
			a->known = true;
		}
	a->ended = contents->len <= LOCK_OBJECT_ENDED ||
	    (state != NULL && strcmp(state, "ended") == 0);
	copy_text(o, "command", a->command, sizeof(a->command));
	copy_text(o, "started", a->since, sizeof(a->since));
	copy_text(o, "host", a->process.host, sizeof(a->process.host));
	copy_text(o, "boot", a->process.boot, sizeof(a->process.boot));
	a->process.pid = number(o, "pid");
	a->process.start = number(o, "start");
	a->process.pidns = number(o, "pidns");
	a->lapse_ms = number(o, "lapses_after_ms");
	if (a->lapse_ms > (uint64_t)LAPSE_MOST_MS)
		a->lapse_ms = (uint64_t)LAPSE_MOST_MS;
	json_decref(o);
}

/* To a second or so; it may be from the future by as much. */
static int64_t
age_of(const struct store_object *o)
{

	return o->mtime_ns > 0 && o->now_ns > 0 ? o->now_ns - o->mtime_ns :
	    INT64_MIN;
}

enum store_found
lock_object_read(struct repo_lock *l, const char *key,
    struct lock_object_about *a, struct err *err)
{
	enum store_found found = STORE_FAILED;
	struct store_object o;
	struct buf contents;

	memset(a, 0, sizeof(*a));
	buf_init(&contents, CONTENTS_MAX);
	if (store_get(l->session, key, &o, take_bytes, &contents, err)) {
		understand(&contents, a);
		a->age_ns = age_of(&o);
		if (hash_sha256(contents.data, contents.len, a->sha256))
			found = STORE_FOUND;
		else
			err_nomem(err, key);
	} else if (err->kind == ERR_NOT_FOUND) {
		found = STORE_ABSENT;
	}
	buf_free(&contents);
	return found;
}

void
lock_object_try_clock(struct repo_lock *l)
{
	struct store_object o;
	struct err err;

	if (l->clock_known)
		return;
	l->clock_known = true;
	if (l->local)
		return;
	l->clock_right = store_head(l->session, l->key, &o, &err) ==
	    STORE_FOUND && age_of(&o) > -TRUSTED_AGE_NS &&
	    age_of(&o) < TRUSTED_AGE_NS;
	if (!l->clock_right)
		log_debug("%s: the store's clock does not say how old locks "
		    "are", l->name);
}

void
lock_object_who(const struct lock_object_about *a, char out[LOCK_OBJECT_WHO])
{

	if (!a->known || a->process.pid == 0)
		snprintf(out, LOCK_OBJECT_WHO, "a run of unknown kind");
	else
		snprintf(out, LOCK_OBJECT_WHO, "%s (pid %llu on %s, since %s)",
		    a->command, (unsigned long long)a->process.pid,
		    a->process.host, a->since);
}
