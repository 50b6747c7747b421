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

struct looking {
	struct hash *hash;
	uint64_t size;
};

static bool
take(void *arg, const void *data, size_t len, struct err *err)
{
	struct looking *l = arg;

	(void)err;
	hash_update(l->hash, data, len);
	l->size += len;
	return true;
}

enum there { SAME, OTHER, NOTHING, UNKNOWN };

/* seen: what is there, by its size and digest. */
static enum there
look(struct repo_session *s, const struct repo_object *o,
    struct repo_blob *seen, struct err *err)
{
	struct looking l = { .size = 0 };
	enum there there = UNKNOWN;
	struct store_object object;

	if ((l.hash = hash_new(false, err)) == NULL)
		return UNKNOWN;
	if (!store_get(s->store, o->key, &object, take, &l, err)) {
		if (err->kind == ERR_NOT_FOUND)
			there = NOTHING;
	} else if (hash_finish(l.hash, seen->sha256, NULL, err)) {
		seen->stored = l.size;
		there = l.size == o->len && memcmp(seen->sha256, o->sha256,
		    sizeof(o->sha256)) == 0 ? SAME : OTHER;
	}
	hash_free(l.hash);
	return there;
}

/* Something is there already.  *over: it is to be replaced; else o is what is
 * there, which need not be what we would have stored (another zstd). */
static bool
accept(struct repo_session *s, struct repo_object *o,
    const uint8_t name[REPO_NAME_SIZE], bool *over, struct err *err)
{
	struct repo_blob seen;
	bool there;

	*over = true;
	memcpy(seen.name, name, REPO_NAME_SIZE);
	switch (look(s, o, &seen, err)) {
	case SAME:
		*over = false;
		return true;
	case NOTHING:
		return true;
	case UNKNOWN:
		return false;
	case OTHER:
		break;
	}
	if (!repo_index_reread(s, &seen, &there, err))
		return false;
	if (there) {
		*over = false;
		o->len = (size_t)seen.stored;
		memcpy(o->sha256, seen.sha256, sizeof(o->sha256));
	} else {
		log_warning("%s/%s was not what it should be: it is stored "
		    "anew", repo_name(s->repo), o->key);
	}
	return true;
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

static bool
store(struct repo_session *s, struct claimed *c, struct repo_object *o,
    struct err *err)
{

	c->fresh = true;
	if (!c->listed) {
		switch (repo_write_new(s, o, true, err)) {
		case REPO_WRITTEN:
			return true;
		case REPO_FAILED:
			return false;
		case REPO_TAKEN:
			break;
		}
	}
	return accept(s, o, c->entry->blob.name, &c->fresh, err) &&
	    (!c->fresh || repo_write_over(s, o, err));
}

/* The entry is busy with us. */
static bool
provide(struct repo_session *s, struct claimed *c, struct err *err)
{
	char key[REPO_OBJECT_MAX];
	struct repo_object o = { .key = key };
	bool ok;

	repo_object_name(s->repo, c->entry->blob.name, key);
	ok = seal(s, c->data, c->len, &o, err) && store(s, c, &o, err);
	if (!settle(s->repo, c->entry, ok ? &o : NULL, c->fresh))
		ok = err_nomem(err, "the list of blobs");
	repo_session_shrink(s);
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
