#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/wake.h"
#include "state/place_store.h"

#define LOCK "lock"
#define FIRST_PATIENCE_MS ((uint64_t)10000)
#define LEASE_STALL_SECONDS 8
#define STALL_SECONDS 20
#define FILE_OBJECT "%u-%u.%n"

/* --- which files there are --- */

static struct place_store_entry *
find(const struct place_store *p, const char *name)
{
	size_t i;

	for (i = 0; i < p->n; i++) {
		if (strcmp(p->entries[i]->name, name) == 0)
			return p->entries[i];
	}
	return NULL;
}

/* The caller holds lock. */
static struct place_store_entry *
add(struct place_store *p, const char *name, struct err *err)
{
	struct place_store_entry *e, **entries;
	size_t cap = p->cap == 0 ? 16 : 2 * p->cap;

	if (p->n == p->cap) {
		entries = reallocarray(p->entries, cap, sizeof(*entries));
		if (entries == NULL)
			goto fail;
		p->entries = entries;
		p->cap = cap;
	}
	if ((e = calloc(1, sizeof(*e))) == NULL)
		goto fail;
	if ((e->name = strdup(name)) == NULL) {
		free(e);
		goto fail;
	}
	buf_init(&e->tail, PLACE_STORE_MAX);
	p->entries[p->n++] = e;
	return e;

fail:
	err_nomem(err, name);
	return NULL;
}

struct place_store_entry *
place_store_entry(struct place_store *p, const char *name, struct err *err)
{
	struct place_store_entry *e;

	pthread_mutex_lock(&p->lock);
	if ((e = find(p, name)) == NULL)
		e = add(p, name, err);
	pthread_mutex_unlock(&p->lock);
	return e;
}

bool
place_store_note(struct place_store_entry *e, unsigned number, uint64_t size)
{
	uint64_t *sizes;
	size_t cap;

	if (number >= e->cap) {
		cap = e->cap == 0 ? 8 : 2 * e->cap;
		if (cap <= number)
			cap = (size_t)number + 1;
		if ((sizes = reallocarray(e->sizes, cap,
		    sizeof(*sizes))) == NULL)
			return false;
		e->sizes = sizes;
		e->cap = cap;
	}
	e->sizes[number] = size;
	if (number >= e->n)
		e->n = number + 1;
	return true;
}

/* --- the listing --- */

/* An object that may be a segment. */
struct seen {
	char *name;		/* of the file */
	unsigned generation, number;
	uint64_t size;
};

struct listing {
	struct seen *v;
	size_t n;
	size_t cap;
};

/* Takes FOLDER/GGGG-NNNN.NAME apart. */
static bool
parse_key(const char *key, struct seen *s)
{
	const char *slash = strrchr(key, '/');
	size_t folder = slash == NULL ? 0 : (size_t)(slash - key) + 1;
	int used = 0;

	if (key[folder] < '0' || key[folder] > '9' || sscanf(key + folder,
	    FILE_OBJECT, &s->generation, &s->number, &used) != 2 ||
	    used == 0 || s->generation == 0)
		return false;
	if (asprintf(&s->name, "%.*s%s", (int)folder, key,
	    key + folder + used) < 0)
		s->name = NULL;
	return true;
}

static bool
on_object(void *arg, const struct store_object *o, struct err *err)
{
	struct seen s = { .size = o->size }, *v;
	struct listing *l = arg;
	size_t cap = l->cap == 0 ? 64 : 2 * l->cap;

	if (!parse_key(o->key, &s))
		return true;
	if (s.name == NULL)
		return err_nomem(err, o->key);
	if (l->n == l->cap) {
		if ((v = reallocarray(l->v, cap, sizeof(*v))) == NULL) {
			free(s.name);
			return err_nomem(err, o->key);
		}
		l->v = v;
		l->cap = cap;
	}
	l->v[l->n++] = s;
	return true;
}

static bool
on_oddity(void *arg, enum store_oddity kind, const char *name,
    const char *why, struct err *err)
{

	(void)arg;
	(void)kind;
	(void)err;
	log_debug("state: %s: %s", name, why);
	return true;
}

/* By name, the newest generation first. */
static int
compare(const void *a, const void *b)
{
	const struct seen *x = a, *y = b;
	int d = strcmp(x->name, y->name);

	if (d != 0)
		return d;
	if (x->generation != y->generation)
		return x->generation > y->generation ? -1 : 1;
	return x->number < y->number ? -1 : x->number > y->number;
}

/* The segments from v on that belong to one generation of one file. */
static size_t
count_run(const struct seen *v, size_t n)
{
	size_t i;

	for (i = 1; i < n && strcmp(v[i].name, v[0].name) == 0 &&
	    v[i].generation == v[0].generation; i++)
		continue;
	return i;
}

/* Removes what a replacement or a removal that was cut short left behind. */
static void
sweep(struct place_store *p, const struct seen *v, size_t n)
{
	char key[PLACE_STORE_KEY_MAX];
	struct err err;
	size_t i;

	for (i = 0; !p->base.look_only && i < n; i++) {
		place_store_key(key, v[i].name, v[i].generation, v[i].number);
		if (!lease_held(p->lease, &err) ||
		    !store_delete(p->session, key, &err))
			log_debug("%s", err.message);
	}
}

/* The newest generation with a first segment is the file. */
static bool
take_run(struct place_store *p, const struct seen *v, size_t n,
    struct err *err)
{
	struct place_store_entry *e;
	size_t i;

	if ((e = place_store_entry(p, v[0].name, err)) == NULL)
		return false;
	if (v[0].generation > e->highest)
		e->highest = v[0].generation;
	if (e->generation != 0 || v[0].number != 0) {
		sweep(p, v, n);
		return true;
	}
	e->generation = v[0].generation;
	for (i = 0; i < n; i++) {
		if (v[i].number != i) {
			err_set(err, ERR_DAMAGED, "%s/%s is damaged: its object "
			    "number %zu is missing", p->base.path, e->name, i);
			return err_hint(err, "--restart drops the journal and "
			    "starts anew");
		}
		if (!place_store_note(e, (unsigned)i, v[i].size))
			return err_nomem(err, e->name);
	}
	return true;
}

static bool
read_listing(struct place_store *p, struct err *err)
{
	static const struct store_list_ops ops = { on_object, on_oddity };
	struct listing l = { .n = 0 };
	bool ok;
	size_t i, n;

	ok = store_list(p->session, &ops, &l, err);
	if (ok && l.n > 0)
		qsort(l.v, l.n, sizeof(*l.v), compare);
	for (i = 0; ok && i < l.n; i += n) {
		n = count_run(&l.v[i], l.n - i);
		ok = take_run(p, &l.v[i], n, err);
	}
	for (i = 0; i < l.n; i++)
		free(l.v[i].name);
	free(l.v);
	return ok;
}

/* --- the driver's functions --- */

static bool
store_held(struct place *place, struct err *err)
{
	struct place_store *p = (struct place_store *)place;

	return p->lease == NULL || lease_held(p->lease, err);
}

static enum place_found
store_exists(struct place *place, const char *name, struct err *err)
{
	struct place_store *p = (struct place_store *)place;
	const struct place_store_entry *e;
	bool there;

	(void)err;
	pthread_mutex_lock(&p->lock);
	e = find(p, name);
	there = e != NULL && e->n > 0;
	pthread_mutex_unlock(&p->lock);
	return there ? PLACE_FOUND : PLACE_ABSENT;
}

static bool
store_remove(struct place *place, const char *name, struct err *err)
{
	struct place_store *p = (struct place_store *)place;
	struct place_store_entry *e;
	unsigned generation, n = 0;
	bool ok;

	pthread_mutex_lock(&p->lock);
	if ((e = find(p, name)) != NULL) {
		generation = e->generation;
		n = e->n;
		e->generation = e->n = 0;
	}
	pthread_mutex_unlock(&p->lock);
	if (n == 0)
		return true;
	pthread_mutex_lock(&p->io);
	ok = place_store_drop(p, name, generation, n, err);
	pthread_mutex_unlock(&p->io);
	return ok;
}

static bool
store_list_names(struct place *place, const char *folder, place_list_fn *fn,
    void *arg, struct err *err)
{
	struct place_store *p = (struct place_store *)place;
	size_t i, len = strlen(folder);
	bool ok = true;

	/* Names live as long as the place; entries are only added. */
	for (i = 0; ok; i++) {
		const char *name = NULL;

		pthread_mutex_lock(&p->lock);
		if (i < p->n)
			name = p->entries[i]->n > 0 ? p->entries[i]->name : "";
		pthread_mutex_unlock(&p->lock);
		if (name == NULL)
			break;
		if (strncmp(name, folder, len) == 0 && name[len] == '/')
			ok = fn(arg, name + len + 1, err);
	}
	return ok;
}

static void
store_free_entries(struct place_store *p)
{
	size_t i;

	for (i = 0; i < p->n; i++) {
		buf_free(&p->entries[i]->tail);
		free(p->entries[i]->sizes);
		free(p->entries[i]->name);
		free(p->entries[i]);
	}
	free(p->entries);
}

static void
store_place_free(struct place *place)
{
	struct place_store *p = (struct place_store *)place;

	place_store_stop(p);
	lease_free(p->lease);
	store_free_entries(p);
	buf_free(&p->sending);
	store_session_free(p->session);
	store_free(p->lease_store);
	store_free(p->store);
	pthread_cond_destroy(&p->wake);
	pthread_mutex_destroy(&p->lock);
	pthread_mutex_destroy(&p->io);
	free(p);
}

static const struct place_driver store_place_driver = {
	.free = store_place_free,
	.held = store_held,
	.exists = store_exists,
	.remove = store_remove,
	.list = store_list_names,
	.reader_new = place_store_reader_new,
	.reader_read = place_store_reader_read,
	.reader_free = place_store_reader_free,
	.writer_new = place_store_writer_new,
	.writer_write = place_store_writer_write,
	.writer_finish = place_store_writer_finish,
	.writer_free = place_store_writer_free,
	.file_open = place_store_file_open,
	.file_append = place_store_file_append,
	.file_sync = place_store_file_sync,
	.file_due = place_store_file_due,
	.file_size = place_store_file_size,
	.file_free = place_store_file_free,
};

/* --- opening --- */

/* The first contact is not worth the patience of a running job: who waits for
 * it has probably mistyped something. */
static bool
first_contact(const struct place_store_options *o, struct err *err)
{
	const struct store_options options = {
		.patience_ms = o->patience_ms < FIRST_PATIENCE_MS ?
		    o->patience_ms : FIRST_PATIENCE_MS,
		.create = o->create, .may_be_missing = o->look_only,
	};
	struct store_session *session = NULL;
	struct store *store;
	bool ok;

	ok = (store = store_open(o->url, &options, err)) != NULL &&
	    (session = store_session_new(store, err)) != NULL &&
	    store_probe(session, false, err);
	store_session_free(session);
	store_free(store);
	return ok;
}

static bool
open_stores(struct place_store *p, const struct place_store_options *o,
    struct err *err)
{
	struct store_options options = {
		.patience_ms = o->patience_ms, .stall_seconds = STALL_SECONDS,
		.despite_cancel = true, .may_be_missing = o->look_only,
	};

	if ((p->store = store_open(o->url, &options, err)) == NULL ||
	    (p->session = store_session_new(p->store, err)) == NULL)
		return false;
	options.patience_ms = 0;
	options.stall_seconds = LEASE_STALL_SECONDS;
	p->lease_store = store_open(o->url, &options, err);
	p->base.path = p->lease_store == NULL ? NULL :
	    strdup(store_name(p->store));
	return p->base.path != NULL || p->lease_store == NULL ||
	    err_nomem(err, o->url);
}

static bool
begin(struct place_store *p, const struct place_store_options *o,
    struct err *err)
{
	const struct lease_options lease = {
		.store = p->lease_store, .key = LOCK,
		.patience_ms = o->patience_ms, .lapse_ms = o->lapse_ms,
		.renew_ms = o->renew_ms,
	};

	if (o->look_only)
		return read_listing(p, err);
	return (p->lease = lease_take(&lease, err)) != NULL &&
	    read_listing(p, err) && place_store_start(p, err);
}

static bool
init_sync(struct place_store *p)
{

	if (pthread_mutex_init(&p->io, NULL) != 0)
		return false;
	if (pthread_mutex_init(&p->lock, NULL) != 0)
		goto fail_io;
	if (wake_init(&p->wake))
		return true;
	pthread_mutex_destroy(&p->lock);
fail_io:
	pthread_mutex_destroy(&p->io);
	return false;
}

struct place *
place_store_new(const struct place_store_options *o, struct err *err)
{
	struct place_store *p;

	if (!first_contact(o, err))
		return NULL;
	if ((p = calloc(1, sizeof(*p))) == NULL || !init_sync(p)) {
		free(p);
		err_nomem(err, "state");
		return NULL;
	}
	p->base.driver = &store_place_driver;
	p->base.look_only = o->look_only;
	buf_init(&p->sending, PLACE_STORE_MAX);
	if (open_stores(p, o, err) && begin(p, o, err))
		return &p->base;
	place_free(&p->base);
	return NULL;
}
