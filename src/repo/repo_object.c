#include <stdio.h>
#include <string.h>

#include "base/cancel.h"
#include "repo/repo_internal.h"

#define CONDITION_MAX ((size_t)64 * 1024 * 1024) /* store_put() */

void
repo_what(const struct repo *r, const char *key, char out[REPO_WHAT_MAX])
{

	snprintf(out, REPO_WHAT_MAX, "%s of %s", key, store_name(r->store));
}

struct reading {
	struct buf *out;
	size_t start;		/* what out held before */
	const char *key;
	const struct repo *repo;
};

static bool
take(void *arg, const void *data, size_t len, struct err *err)
{
	const struct reading *r = arg;
	char what[REPO_WHAT_MAX];

	if (buf_append(r->out, data, len))
		return true;
	repo_what(r->repo, r->key, what);
	if (len <= r->out->max - r->out->len)
		return err_nomem(err, what);
	return err_set(err, ERR_DAMAGED, "%s is larger than it can be: more "
	    "than %zu bytes", what, r->out->max - r->start);
}

/* Blobs are too small for the limit of one transfer to have an effect. */
static bool
keep_pace(struct repo_session *s, size_t bytes, struct err *err)
{

	if (store_is_local(s->repo->store) ||
	    pace_wait(s->repo->pace, bytes))
		return true;
	return cancel_err(err);
}

bool
repo_read(struct repo_session *s, const char *key, struct buf *out,
    struct err *err)
{
	struct reading r = { .out = out, .start = out->len, .key = key,
		.repo = s->repo };
	struct store_object o;

	if (store_get(s->store, key, &o, take, &r, err) &&
	    keep_pace(s, out->len - r.start, err))
		return true;
	buf_truncate(out, r.start);
	return false;
}

static bool
read_data(void *arg, uint64_t offset, void *data, size_t len, struct err *err)
{
	const struct repo_object *o = arg;

	(void)err;
	memcpy(data, o->data + offset, len);
	return true;
}

bool
repo_digest(struct repo_session *s, struct repo_object *o, struct err *err)
{
	bool md5 = !store_is_local(s->repo->store);

	if (s->hash == NULL && (s->hash = hash_new(md5, err)) == NULL)
		return false;
	hash_update(s->hash, o->data, o->len);
	return hash_finish(s->hash, o->sha256, md5 ? o->md5 : NULL, err);
}

static bool
put(struct repo_session *s, const struct repo_object *o, bool create_only,
    struct err *err)
{
	const struct store_put p = {
		.key = o->key, .sha256 = o->sha256, .md5 = o->md5,
		.body = { .size = o->len, .read = read_data,
		    .arg = (void *)(uintptr_t)o },
		.create_only = create_only,
	};
	char etag[STORE_ETAG_MAX];

	return keep_pace(s, o->len, err) && store_put(s->store, &p, etag, err);
}

bool
repo_write_over(struct repo_session *s, const struct repo_object *o,
    struct err *err)
{

	return put(s, o, false, err);
}

enum repo_written
repo_write_new(struct repo_session *s, struct repo_object *o, bool digested,
    struct err *err)
{
	struct store_object there;

	if (!digested && !repo_digest(s, o, err))
		return REPO_FAILED;
	if (!s->repo->overwrites && o->len <= CONDITION_MAX) {
		if (put(s, o, true, err))
			return REPO_WRITTEN;
		if (err->kind == ERR_CONFLICT)
			return REPO_TAKEN;
		if (err->kind != ERR_UNSUPPORTED)
			return REPO_FAILED;
		s->repo->overwrites = true;
	}
	switch (store_head(s->store, o->key, &there, err)) {
	case STORE_FOUND:
		return REPO_TAKEN;
	case STORE_FAILED:
		return REPO_FAILED;
	case STORE_ABSENT:
		break;
	}
	return put(s, o, false, err) ? REPO_WRITTEN : REPO_FAILED;
}
