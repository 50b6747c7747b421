#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "repo/repo_internal.h"
#include "repo/snapshot.h"

/* So many snapshots in a row are read for nothing, not more. */
#define FRUITLESS_MAX 16

static bool
on_listed(void *arg, const uint8_t name[REPO_NAME_SIZE], uint64_t size,
    struct err *err)
{
	struct repo *r = arg;
	struct blobtable_entry *e;

	if ((e = blobtable_add(&r->table, name)) == NULL)
		return err_nomem(err, "the list of blobs");
	e->blob.stored = size;
	e->flags = BLOBTABLE_LISTED;
	r->counts.blobs++;
	r->counts.bytes += size;
	return true;
}

/* --- what snapshots and notes record --- */

/* The blobs of one of them, which count once it was read whole. */
struct records {
	struct repo_blob *v;
	size_t n, cap;
};

static bool
keep(void *arg, const struct repo_blob *b, struct err *err)
{
	struct records *l = arg;
	size_t cap = l->cap == 0 ? 1024 : 2 * l->cap;
	struct repo_blob *v;

	if (l->n == l->cap) {
		if ((v = reallocarray(l->v, cap, sizeof(*v))) == NULL)
			return err_nomem(err, "the list of blobs");
		l->v = v;
		l->cap = cap;
	}
	l->v[l->n++] = *b;
	return true;
}

static bool
keep_snapshots(void *arg, const struct snapshot_blob *b, struct err *err)
{

	return keep(arg, &b->blob, err);
}

/* A blob is there when its size is as recorded; the youngest record of that
 * counts. */
static void
record(struct repo *r, const struct records *l)
{
	struct blobtable_entry *e;
	size_t i;

	pthread_mutex_lock(&r->lock);
	for (i = 0; i < l->n; i++) {
		e = blobtable_find(&r->table, l->v[i].name);
		if (e == NULL || !(e->flags & BLOBTABLE_LISTED) ||
		    (e->flags & BLOBTABLE_THERE))
			continue;
		if (e->blob.stored != l->v[i].stored)
			continue;
		memcpy(e->blob.sha256, l->v[i].sha256, HASH_SHA256_SIZE);
		e->flags |= BLOBTABLE_THERE;
	}
	pthread_mutex_unlock(&r->lock);
}

/* Damage costs the knowledge of what is there, no more: check tells of it.
 * What has vanished since it was listed was forgotten or pruned. */
static bool
passes(const struct err *err)
{

	if (err->kind != ERR_DAMAGED && err->kind != ERR_UNSUPPORTED &&
	    err->kind != ERR_NOT_FOUND)
		return false;
	if (err->kind != ERR_NOT_FOUND)
		log_warning("%s", err->message);
	return true;
}

static bool
read_snapshot(struct repo_session *s, const char *key, struct err *err)
{
	struct records l = { .n = 0 };
	struct snapshot head;
	bool ok;

	snapshot_init(&head);
	ok = snapshot_read(s, key, &head, keep_snapshots, &l, err);
	if (ok)
		record(s->repo, &l);
	else
		ok = passes(err);
	snapshot_free(&head);
	free(l.v);
	return ok;
}

static bool
read_note(struct repo_session *s, const char *key, struct err *err)
{
	struct records l = { .n = 0 };
	bool ok;

	ok = repo_progress_read(s, key, keep, &l, err);
	if (ok)
		record(s->repo, &l);
	else
		ok = passes(err);
	free(l.v);
	return ok;
}

/* Reads the youngest of the snapshots that were not read; r->load is held. */
static bool
read_next(struct repo_session *s, struct err *err)
{
	struct strings *unread = &s->repo->unread;
	char *key = unread->v[unread->n - 1];

	if (!read_snapshot(s, key, err))
		return false;
	unread->n--;
	free(key);
	return true;
}

/* --- names of objects --- */

static bool
on_object(void *arg, const struct store_object *o, struct err *err)
{

	return strings_add(arg, o->key) || err_nomem(err, o->key);
}

static bool
on_oddity(void *arg, enum store_oddity kind, const char *name,
    const char *why, struct err *err)
{

	(void)arg;
	(void)kind;
	(void)err;
	log_warning("repository: %s: %s", name, why);
	return true;
}

/* The keys below folder, sorted: snapshots begin with their time. */
static bool
list(struct repo_session *s, const char *folder, struct strings *out,
    struct err *err)
{
	static const struct store_list_ops ops = { on_object, on_oddity };

	if (!store_list_under(s->store, folder, &ops, out, err))
		return false;
	strings_sort(out);
	return true;
}

/* Snapshots that were not met so far are to be read. */
static bool
list_snapshots(struct repo_session *s, struct err *err)
{
	struct repo *r = s->repo;
	struct strings keys = { .n = 0 };
	size_t i, j;
	bool ok;

	ok = list(s, "snapshots", &keys, err);
	for (i = 0; ok && i < keys.n; i++) {
		for (j = 0; j < r->met.n; j++) {
			if (strcmp(r->met.v[j], keys.v[i]) == 0)
				break;
		}
		if (j == r->met.n)
			ok = (strings_add(&r->met, keys.v[i]) &&
			    strings_add(&r->unread, keys.v[i])) ||
			    err_nomem(err, keys.v[i]);
	}
	strings_free(&keys);
	return ok;
}

static bool
read_notes(struct repo_session *s, struct err *err)
{
	struct strings notes = { .n = 0 };
	bool ok;
	size_t i;

	ok = list(s, "partial", &notes, err);
	for (i = 0; ok && i < notes.n; i++)
		ok = read_note(s, notes.v[i], err);
	strings_free(&notes);
	return ok;
}

static bool
is_there(struct repo *r, const uint8_t *name)
{
	const struct blobtable_entry *e;
	bool there;

	pthread_mutex_lock(&r->lock);
	e = blobtable_find(&r->table, name);
	there = e != NULL && (e->flags & BLOBTABLE_THERE) != 0;
	pthread_mutex_unlock(&r->lock);
	return there;
}

bool
repo_index_recall(struct repo_session *s, const uint8_t name[REPO_NAME_SIZE],
    bool *there, struct err *err)
{
	struct repo *r = s->repo;
	bool ok = true;

	pthread_mutex_lock(&r->load);
	while (!(*there = is_there(r, name)) && r->unread.n > 0 &&
	    r->fruitless < FRUITLESS_MAX) {
		if (!(ok = read_next(s, err)))
			break;
		r->fruitless++;
	}
	if (*there)
		r->fruitless = 0;
	pthread_mutex_unlock(&r->load);
	return ok;
}

/* As the listing would have it now. */
static void
relist(struct repo *r, const struct repo_blob *seen)
{
	struct blobtable_entry *e;

	pthread_mutex_lock(&r->lock);
	e = blobtable_find(&r->table, seen->name);
	if (e->flags & BLOBTABLE_LISTED)
		r->counts.bytes -= e->blob.stored;
	else
		r->counts.blobs++;
	r->counts.bytes += seen->stored;
	e->blob.stored = seen->stored;
	e->flags |= BLOBTABLE_LISTED;
	pthread_mutex_unlock(&r->lock);
}

bool
repo_index_reread(struct repo_session *s, const struct repo_blob *seen,
    bool *there, struct err *err)
{
	struct blobtable_entry *e;
	struct repo *r = s->repo;
	bool ok;

	relist(r, seen);
	pthread_mutex_lock(&r->load);
	ok = list_snapshots(s, err) && read_notes(s, err);
	while (ok && r->unread.n > 0)
		ok = read_next(s, err);
	pthread_mutex_unlock(&r->load);
	pthread_mutex_lock(&r->lock);
	e = blobtable_find(&r->table, seen->name);
	*there = (e->flags & BLOBTABLE_THERE) != 0 &&
	    memcmp(e->blob.sha256, seen->sha256, HASH_SHA256_SIZE) == 0;
	if (!*there)
		e->flags &= ~(unsigned)BLOBTABLE_THERE;
	pthread_mutex_unlock(&r->lock);
	return ok;
}

static bool
load(struct repo_session *s, struct err *err)
{
	const struct repo_listing listing = { .blob = on_listed,
		.arg = s->repo };

	return list_snapshots(s, err) && repo_list(s, &listing, err) &&
	    (s->repo->unread.n == 0 || read_next(s, err)) &&
	    read_notes(s, err);
}

bool
repo_load_index(struct repo *r, struct err *err)
{
	struct repo_session *s;

	if (!r->options.add || r->indexed)
		return err_set(err, ERR_INTERNAL, "the repository was not "
		    "opened to add to it, or was read already");
	if ((s = repo_session_new(r, err)) == NULL)
		return false;
	r->indexed = load(s, err);
	repo_session_free(s);
	return r->indexed || err_prefix(err, "cannot read what the repository "
	    "holds");
}
