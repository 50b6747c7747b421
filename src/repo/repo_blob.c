#include <string.h>

#include "base/log.h"
#include "repo/repo_internal.h"

static bool
name_of(const struct repo *r, const void *data, size_t len,
    uint8_t name[REPO_NAME_SIZE], struct err *err)
{

	return (r->encrypted ? hash_hmac_sha256(r->own.names,
	    sizeof(r->own.names), data, len, name) :
	    hash_sha256(data, len, name)) || err_nomem(err, "digest");
}

/* Fills o with what is to be stored; it lies in the session's buffers. */
static bool
seal(struct repo_session *s, const void *data, size_t len,
    struct repo_object *o, struct err *err)
{
	const struct repo *r = s->repo;
	const struct buf *out = &s->packed;

	if (s->codec == NULL && (s->codec = block_codec_new(err)) == NULL)
		return false;
	buf_reset(&s->packed);
	if (!block_compress(s->codec, data, len, &s->packed, err))
		return false;
	if (r->encrypted) {
		buf_reset(&s->sealed);
		if (!age_encrypt(r->options.recipients, r->seed,
		    s->packed.data, s->packed.len, &s->sealed, err))
			return false;
		out = &s->sealed;
	}
	o->data = out->data;
	o->len = out->len;
	return repo_digest(s, o, err);
}

/* --- what is there already --- */

struct comparing {
	struct hash *hash;
	uint64_t size;
};

static bool
compare(void *arg, const void *data, size_t len, struct err *err)
{
	struct comparing *c = arg;

	(void)err;
	hash_update(c->hash, data, len);
	c->size += len;
	return true;
}

enum there { SAME, OTHER, NOTHING, UNKNOWN };

static enum there
look(struct repo_session *s, const struct repo_object *o, struct err *err)
{
	uint8_t sha256[HASH_SHA256_SIZE];
	struct comparing c = { .size = 0 };
	enum there there = UNKNOWN;
	struct store_object seen;

	if ((c.hash = hash_new(false, err)) == NULL)
		return UNKNOWN;
	if (!store_get(s->store, o->key, &seen, compare, &c, err)) {
		if (err->kind == ERR_NOT_FOUND)
			there = NOTHING;
	} else if (hash_finish(c.hash, sha256, NULL, err)) {
		there = c.size == o->len && memcmp(sha256, o->sha256,
		    sizeof(sha256)) == 0 ? SAME : OTHER;
	}
	hash_free(c.hash);
	return there;
}

/* Stores it.  expected: something is there that nobody has recorded as it is;
 * nobody needs it, unless it is the same. */
static bool
store(struct repo_session *s, struct repo_object *o, bool expected,
    bool *fresh, struct err *err)
{

	*fresh = true;
	if (!expected) {
		switch (repo_write_new(s, o, true, err)) {
		case REPO_WRITTEN:
			return true;
		case REPO_FAILED:
			return false;
		case REPO_TAKEN:
			break;
		}
	}
	switch (look(s, o, err)) {
	case SAME:
		*fresh = false;
		return true;
	case UNKNOWN:
		return false;
	case OTHER:
		log_warning("%s/%s was not what it should be: it is stored "
		    "anew", repo_name(s->repo), o->key);
		break;
	case NOTHING:
		break;
	}
	return repo_write_over(s, o, err);
}

/* --- one at a time for each name --- */

/* A blob that is to be there. */
struct claimed {
	const void *data;
	size_t len;
	struct blobtable_entry *entry;
	bool listed;
	bool there;		/* else the entry is marked as busy with us */
	bool fresh;
};

/* Waits until nobody else is at it. */
static bool
claim(struct repo *r, const uint8_t *name, struct claimed *c, struct err *err)
{
	struct blobtable_entry *e;

	pthread_mutex_lock(&r->lock);
	if ((e = blobtable_add(&r->table, name)) != NULL) {
		while (e->flags & BLOBTABLE_BUSY)
			pthread_cond_wait(&r->settled, &r->lock);
		c->listed = (e->flags & BLOBTABLE_LISTED) != 0;
		c->there = (e->flags & BLOBTABLE_THERE) != 0;
		if (!c->there)
			e->flags |= BLOBTABLE_BUSY;
	}
	pthread_mutex_unlock(&r->lock);
	c->entry = e;
	return e != NULL || err_nomem(err, "the list of blobs");
}

/* o: as it is there now; NULL: that failed. */
static bool
settle(struct repo *r, struct blobtable_entry *e, const struct repo_object *o,
    bool fresh)
{
	bool ok = true;

	pthread_mutex_lock(&r->lock);
	if (o != NULL) {
		if (!(e->flags & BLOBTABLE_LISTED))
			r->counts.blobs++;
		else
			r->counts.bytes -= e->blob.stored;
		r->counts.bytes += o->len;
		r->counts.added += fresh;
		r->counts.added_bytes += fresh ? o->len : 0;
		e->blob.stored = o->len;
		memcpy(e->blob.sha256, o->sha256, sizeof(o->sha256));
		e->flags |= BLOBTABLE_LISTED | BLOBTABLE_THERE;
		ok = repo_progress_add(r, &e->blob);
	}
	e->flags &= ~(unsigned)BLOBTABLE_BUSY;
	pthread_cond_broadcast(&r->settled);
	pthread_mutex_unlock(&r->lock);
	return ok;
}

static void
shrink(struct buf *b)
{

	if (b->cap > REPO_KEEP_MAX)
		buf_free(b);
}

/* e is busy with us. */
static bool
provide(struct repo_session *s, struct claimed *c, struct err *err)
{
	struct blobtable_entry *e = c->entry;
	char key[REPO_OBJECT_MAX];
	struct repo_object o = { .key = key };
	bool ok;

	repo_object_name(s->repo, e->blob.name, key);
	ok = seal(s, c->data, c->len, &o, err) &&
	    store(s, &o, c->listed, &c->fresh, err);
	if (!settle(s->repo, e, ok ? &o : NULL, c->fresh))
		ok = err_nomem(err, "the list of blobs");
	shrink(&s->packed);
	shrink(&s->sealed);
	return ok;
}

/* It was listed, and nobody that was read so far has recorded it. */
static bool
recall(struct repo_session *s, struct claimed *c, struct err *err)
{
	bool ok;

	ok = repo_index_recall(s, c->entry->blob.name, &c->there, err);
	if (!ok || c->there)
		settle(s->repo, c->entry, NULL, false);
	return ok;
}

bool
repo_put(struct repo_session *s, const void *data, size_t len,
    struct repo_blob *blob, bool *fresh, struct err *err)
{
	struct claimed c = { .data = data, .len = len };
	struct repo *r = s->repo;
	uint8_t name[REPO_NAME_SIZE];

	*fresh = false;
	if (!r->indexed || len == 0 || len > REPO_BLOB_MAX)
		return err_set(err, ERR_INTERNAL, "a blob of %zu bytes, or "
		    "before the repository was read", len);
	if (!name_of(r, data, len, name, err) || !claim(r, name, &c, err))
		return false;
	if (!c.there && c.listed && !recall(s, &c, err))
		return false;
	if (!c.there && !provide(s, &c, err))
		return false;
	*fresh = c.fresh;
	*blob = c.entry->blob;
	return true;
}
