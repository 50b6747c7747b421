#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cancel.h"
#include "job/snapshot_files_internal.h"
#include "store/key.h"

#define NAME_SHOWN_MAX 256

const char *
snapshot_files_key(const struct snapshot_file *f)
{

	return (const char *)(f->blobs + f->n_blobs);
}

/* --- what there is --- */

static bool
add_file(void *arg, size_t place, const struct detail_file *f, struct err *err)
{
	struct snapshot_files *s = arg;
	size_t key_size = strlen(f->key) + 1, cap;
	struct snapshot_file *e, **v;

	(void)place;
	if (cancel_requested())
		return cancel_err(err);
	if (s->n == s->cap) {
		cap = s->cap > 0 ? s->cap + s->cap / 2 : 1024;
		v = realloc(s->v, cap * sizeof(struct snapshot_file *));
		if (v == NULL)
			return err_nomem(err, "files of a snapshot");
		s->v = v;
		s->cap = cap;
	}
	e = malloc(sizeof(*e) + f->n_blobs * REPO_NAME_SIZE + key_size);
	if (e == NULL)
		return err_nomem(err, "files of a snapshot");
	e->size = f->size;
	e->mtime_ns = f->mtime_ns;
	memcpy(e->sha256, f->sha256, sizeof(e->sha256));
	e->n_blobs = f->n_blobs;
	if (f->n_blobs > 0)
		memcpy(e->blobs, f->blobs, f->n_blobs * REPO_NAME_SIZE);
	memcpy(e->blobs + e->n_blobs, f->key, key_size);
	s->v[s->n++] = e;
	return true;
}

static int
compare_files(const void *a, const void *b)
{

	return strcmp(snapshot_files_key(*(struct snapshot_file *const *)a),
	    snapshot_files_key(*(struct snapshot_file *const *)b));
}

/* Sorted they should be; who wrote them is not trusted with that. */
static bool
sort(struct snapshot_files *s, struct err *err)
{
	size_t i;

	if (s->n > 0)
		qsort(s->v, s->n, sizeof(struct snapshot_file *),
		    compare_files);
	for (i = 1; i < s->n; i++) {
		if (compare_files(&s->v[i - 1], &s->v[i]) == 0)
			return err_set(err, ERR_DAMAGED, "%s: the file %s is "
			    "in it twice", s->base.name,
			    snapshot_files_key(s->v[i]));
	}
	return true;
}

static int
compare_key(const void *key, const void *f)
{

	return strcmp(key,
	    snapshot_files_key(*(struct snapshot_file *const *)f));
}

const struct snapshot_file *
snapshot_files_find(const struct snapshot_files *s, const char *key)
{
	struct snapshot_file **found;

	found = s->n == 0 ? NULL : bsearch(key, s->v, s->n,
	    sizeof(struct snapshot_file *), compare_key);
	return found != NULL ? *found : NULL;
}

void
snapshot_files_describe(const struct snapshot_file *f, struct store_object *o)
{

	o->size = f->size;
	o->mtime_ns = f->mtime_ns;
	hash_hex(f->sha256, sizeof(f->sha256), o->etag);
}

/* --- the driver --- */

static void
close_store(struct store *store)
{
	struct snapshot_files *s = (struct snapshot_files *)store;
	size_t i;

	for (i = 0; i < s->n; i++)
		free(s->v[i]);
	free(s->v);
	free(s);
}

static struct store_session *
open_session(struct store *store, struct err *err)
{
	struct snapshot_files *s = (struct snapshot_files *)store;
	struct snapshot_files_session *ss;

	if ((ss = calloc(1, sizeof(*ss))) == NULL) {
		err_nomem(err, store->name);
		return NULL;
	}
	ss->base.store = store;
	ss->repo = repo_session_new(snapshot_source_repo(s->source), err);
	if (ss->repo != NULL)
		return &ss->base;
	free(ss);
	return NULL;
}

static void
close_session(struct store_session *session)
{
	struct snapshot_files_session *ss =
	    (struct snapshot_files_session *)session;

	repo_session_free(ss->repo);
	free(ss);
}

static bool
refuse(const struct store_session *ss, struct err *err)
{

	return err_set(err, ERR_UNSUPPORTED, "%s: a snapshot can only be read",
	    ss->store->name);
}

/* It is open: that was the probe. */
static bool
probe(struct store_session *ss, bool write, struct err *err)
{

	return !write || refuse(ss, err);
}

static bool
lies_under(const char *key, const char *folder)
{
	size_t len = strlen(folder);

	return len == 0 || (strncmp(key, folder, len) == 0 &&
	    (folder[len - 1] == '/' || key[len] == '/'));
}

static bool
list(struct store_session *ss, const char *under,
    const struct store_list_ops *ops, void *arg, struct err *err)
{
	const struct snapshot_files *s = (struct snapshot_files *)ss->store;
	char shown[NAME_SHOWN_MAX];
	const char *why;
	size_t i;
	bool ok = true;

	for (i = 0; ok && i < s->n; i++) {
		struct store_object o = { .key = snapshot_files_key(s->v[i]) };

		if (!lies_under(o.key, under))
			continue;
		if ((why = key_fault(o.key)) != NULL) {
			key_printable(o.key, shown, sizeof(shown));
			ok = ops->oddity(arg, STORE_BAD_NAME, shown, why, err);
			continue;
		}
		snapshot_files_describe(s->v[i], &o);
		ok = ops->object(arg, &o, err);
	}
	return ok;
}

static enum store_found
head(struct store_session *ss, const char *key, struct store_object *o,
    struct err *err)
{
	const struct snapshot_file *f;

	(void)err;
	f = snapshot_files_find((struct snapshot_files *)ss->store, key);
	if (f == NULL)
		return STORE_ABSENT;
	snapshot_files_describe(f, o);
	return STORE_FOUND;
}

static bool
put(struct store_session *ss, const struct store_put *p, char *etag,
    struct err *err)
{

	(void)p;
	(void)etag;
	return refuse(ss, err);
}

static bool
remove_object(struct store_session *ss, const char *key, struct err *err)
{

	(void)key;
	return refuse(ss, err);
}

static const struct store_driver driver = {
	.free = close_store,
	.session_new = open_session,
	.session_free = close_session,
	.probe = probe,
	.list = list,
	.head = head,
	.get = snapshot_files_get,
	.put = put,
	.delete = remove_object,
	.file_open = snapshot_files_file_open,
	.file_read = snapshot_files_file_read,
	.file_unchanged = snapshot_files_file_unchanged,
	.file_close = snapshot_files_file_close,
};

/* --- opening --- */

static char *
join(const char *a, const char *b)
{
	size_t size = strlen(a) + strlen(b) + 3;
	char *text = malloc(size);

	if (text != NULL)
		snprintf(text, size, "%s: %s", a, b);
	return text;
}

static bool
fill(struct snapshot_files *s, size_t place, struct err *err)
{
	const char *name = snapshot_source_place(s->source, place)->name;
	struct repo_session *session;
	bool ok;

	s->base.name = join(snapshot_source_name(s->source), name);
	s->base.identity = join(snapshot_source_identity(s->source), name);
	if (s->base.name == NULL || s->base.identity == NULL)
		return err_nomem(err, name);
	session = repo_session_new(snapshot_source_repo(s->source), err);
	if (session == NULL)
		return false;
	ok = snapshot_source_files(s->source, session, place, add_file, s,
	    err) && sort(s, err);
	repo_session_free(session);
	return ok;
}

struct store *
snapshot_files_open(const struct snapshot_source *source, const char *place,
    const struct store_options *options, size_t memory, struct err *err)
{
	struct snapshot_files *s;
	size_t i;

	i = snapshot_source_find_place(source, place, err);
	if (i == snapshot_source_places(source))
		return NULL;
	if ((s = calloc(1, sizeof(*s))) == NULL) {
		err_nomem(err, "files of a snapshot");
		return NULL;
	}
	s->base.driver = &driver;
	s->base.options = *options;
	s->source = source;
	s->memory = memory;
	if (fill(s, i, err))
		return &s->base;
	store_free(&s->base);
	return NULL;
}
