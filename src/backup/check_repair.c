#include <stdio.h>
#include <string.h>

#include "backup/check.h"
#include "base/cancel.h"

/* An object as the body of another one. */
static bool
read_body(void *arg, uint64_t offset, void *data, size_t len, struct err *err)
{

	return store_file_read(arg, offset, data, len, err);
}

static bool
hash_piece(void *arg, const void *data, size_t len, struct err *err)
{

	(void)err;
	hash_update(arg, data, len);
	return true;
}

static bool
put_copy(struct store_session *ss, struct store_file *file, const char *to,
    const struct store_object *o, const uint8_t *sha256, struct err *err)
{
	char etag[STORE_ETAG_MAX];
	struct store_put put = {
		.key = to, .sha256 = sha256,
		.body = { .size = o->size, .read = read_body, .arg = file },
	};

	return store_put(ss, &put, etag, err);
}

/* Moves an object, whatever its size: put as another one, then removed. */
static bool
move(struct check *c, const char *from, const char *to, struct err *err)
{
	struct store_session *ss = repo_session_store(c->session);
	uint8_t sha256[HASH_SHA256_SIZE];
	struct repo_session *reading = NULL;
	struct store_file *file = NULL;
	struct store_object o;
	struct hash *h;
	bool ok;

	ok = (h = hash_new(false, err)) != NULL &&
	    (reading = repo_session_new(c->repository.repo, err)) != NULL &&
	    store_get(ss, from, &o, hash_piece, h, err) &&
	    hash_finish(h, sha256, NULL, err) &&
	    (file = store_file_open(repo_session_store(reading), from, &o,
	    err)) != NULL && put_copy(ss, file, to, &o, sha256, err);
	store_file_close(file);
	repo_session_free(reading);
	hash_free(h);
	atomic_store(&c->job.changed, true);
	return ok && repo_lock_held(c->lock, err) &&
	    store_delete(ss, from, err);
}

static bool
put_aside(struct check *c, const struct check_entry *e, struct err *err)
{
	char object[REPO_OBJECT_MAX], aside[REPO_OBJECT_MAX + 8];
	struct err why;

	repo_object_name(c->repository.repo, e->name, object);
	snprintf(aside, sizeof(aside), "damaged/%s", object);
	if (move(c, object, aside, &why)) {
		check_pass(c, "blob", "put_aside", "%s is now %s", object,
		    aside);
		return true;
	}
	/* The disk does not give it back, and will not. */
	if (why.kind == ERR_DISK && e->damage == CHECK_UNREADABLE &&
	    store_is_local(repo_store(c->repository.repo)) &&
	    store_delete(repo_session_store(c->session), object, &why)) {
		check_pass(c, "blob", "removed", "%s, which cannot be read, was "
		    "removed", object);
		return true;
	}
	if (why.kind == ERR_DENIED || e->damage == CHECK_UNREADABLE) {
		check_fail(c, "blob", "not_repaired", why.hint,
		    "%s was left: %s", object, why.message);
		return true;
	}
	*err = why;
	return false;
}

static bool
append(void *arg, const void *data, size_t len, struct err *err)
{

	return buf_append(arg, data, len) ||
	    err_set(err, ERR_DAMAGED, "it is larger than any blob");
}

/* Whether the object's bytes are those that snapshots recorded for e. */
static bool
is_recorded(struct check *c, const char *key, const struct check_entry *e,
    bool *same, struct err *err)
{
	uint8_t sha256[HASH_SHA256_SIZE];
	struct store_object o;
	struct buf b;
	bool ok;

	*same = false;
	buf_init(&b, e->stored > 0 ? (size_t)e->stored : 1);
	ok = store_get(repo_session_store(c->session), key, &o, append, &b,
	    err);
	if (ok)
		*same = hash_sha256(b.data, b.len, sha256) &&
		    memcmp(sha256, e->sha256, sizeof(sha256)) == 0;
	else
		ok = err->kind == ERR_DAMAGED;
	buf_free(&b);
	return ok;
}

/* Only what a snapshot misses and can be proven. */
static bool
put_in_place(struct check *c, const char *key, struct err *err)
{
	const char *last = strrchr(key, '/') + 1;
	char object[REPO_OBJECT_MAX], hex[2 * REPO_NAME_SIZE + 1];
	uint8_t name[REPO_NAME_SIZE];
	const struct check_entry *e;
	bool same;

	snprintf(hex, sizeof(hex), "%s", last);
	if (!hash_unhex(hex, name, sizeof(name)) ||
	    (e = check_index_find(&c->index, name)) == NULL || !e->needed ||
	    e->listed)
		return true;
	if (!is_recorded(c, key, e, &same, err))
		return false;
	if (!same)
		return true;
	repo_object_name(c->repository.repo, name, object);
	if (!move(c, key, object, err))
		return false;
	check_pass(c, "blob", "put_in_place", "%s is now %s", key, object);
	return true;
}

static bool
remove_notes(struct check *c, struct err *err)
{
	size_t i;

	for (i = 0; i < c->stale.n; i++) {
		if (!repo_lock_held(c->lock, err) ||
		    !store_delete(repo_session_store(c->session),
		    c->stale.v[i], err))
			return false;
		atomic_store(&c->job.changed, true);
		check_pass(c, "repository", "removed", "%s was removed",
		    c->stale.v[i]);
	}
	return true;
}

/* The next backup by the machine that has the key puts it there again. */
static bool
put_keys_aside(struct check *c, struct err *err)
{
	char object[REPO_OBJECT_MAX], aside[REPO_OBJECT_MAX + 8];
	size_t i;

	for (i = 0; i < c->n_keys; i++) {
		if (!c->keys[i].damaged)
			continue;
		snprintf(object, sizeof(object), "keys/%s.age",
		    c->keys[i].id);
		snprintf(aside, sizeof(aside), "damaged/%s", object);
		if (!repo_lock_held(c->lock, err) ||
		    !move(c, object, aside, err))
			return false;
		check_pass(c, "repository", "put_aside", "%s is now %s",
		    object, aside);
	}
	return true;
}

bool
check_repair(struct check *c, struct err *err)
{
	size_t i, n = 0;

	for (i = 0; i < c->index.n; i++) {
		const struct check_entry *e = &c->index.v[i];

		if (e->damage == CHECK_WHOLE || e->damage == CHECK_MISSING)
			continue;
		if (cancel_requested())
			return cancel_err(err);
		if (!repo_lock_held(c->lock, err) || !put_aside(c, e, err))
			return false;
	}
	for (i = 0; i < c->misplaced.n; i++) {
		if (!repo_lock_held(c->lock, err) ||
		    !put_in_place(c, c->misplaced.v[i], err))
			return false;
	}
	if (!put_keys_aside(c, err) || !remove_notes(c, err) ||
	    !repo_lock_sweep(c->session, c->lock, &n, err))
		return false;
	if (n > 0)
		check_pass(c, "lock", "removed", "removed: %s of runs that "
		    "are no more", CHECK_COUNT(n, "lock"));
	return true;
}
