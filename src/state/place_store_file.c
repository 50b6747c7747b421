#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "state/place_store.h"

/* What is kept of the buffer that is being sent. */
#define SENDING_KEPT ((size_t)4 << 20)

struct store_file {
	struct place_file base;
	struct place_store_entry *entry;
};

/* --- sending --- */

/* The next append begins a new segment.  The caller holds lock; all of tail is
 * in the store. */
static void
seal(struct place_store *p, struct place_store_entry *e)
{

	p->held -= e->tail.len;
	buf_free(&e->tail);
	e->number++;
	e->stored = false;
	e->etag[0] = '\0';
}

/* Takes over what is to be sent.  False when there is nothing.  The caller
 * holds io and lock. */
static bool
take(struct place_store *p, struct place_store_entry *e,
    struct place_store_object *o)
{

	if (!e->open || !e->dirty)
		return false;
	buf_reset(&p->sending);
	if (!buf_append(&p->sending, e->tail.data, e->tail.len)) {
		err_nomem(&p->failed, e->name);
		return false;
	}
	place_store_key(o->key, e->name, e->generation, e->number);
	o->replaces = e->stored;
	memcpy(o->etag, e->etag, STORE_ETAG_MAX);
	e->dirty = false;
	return true;
}

bool
place_store_send(struct place_store *p, struct place_store_entry *e,
    bool durable, struct err *err)
{
	struct place_store_object o = { .data = &p->sending };
	bool any, ok = true;
	struct err why;

	pthread_mutex_lock(&p->io);
	pthread_mutex_lock(&p->lock);
	any = p->failed.kind == ERR_NONE && take(p, e, &o);
	pthread_mutex_unlock(&p->lock);
	if (any)
		ok = place_store_put(p, &o, &why);
	pthread_mutex_lock(&p->lock);
	if (any && ok) {
		e->stored = true;
		memcpy(e->etag, o.etag, STORE_ETAG_MAX);
		if (!place_store_note(e, e->number, p->sending.len))
			err_nomem(&p->failed, e->name);
		if (!e->dirty && (p->held > PLACE_STORE_HELD || e->tail.len >=
		    (durable ? PLACE_STORE_SMALL : PLACE_STORE_SEGMENT)))
			seal(p, e);
	} else if (any) {
		e->dirty = true;
		p->failed = why;
	}
	ok = p->failed.kind == ERR_NONE;
	if (!ok && err != NULL)
		*err = p->failed;
	pthread_mutex_unlock(&p->lock);
	if (p->sending.cap > SENDING_KEPT)
		buf_free(&p->sending);
	pthread_mutex_unlock(&p->io);
	return ok;
}

/* Entry number i, which lives as long as the place; NULL behind the last. */
static struct place_store_entry *
entry_at(struct place_store *p, size_t i)
{
	struct place_store_entry *e;

	pthread_mutex_lock(&p->lock);
	e = i < p->n ? p->entries[i] : NULL;
	pthread_mutex_unlock(&p->lock);
	return e;
}

static void *
send_now_and_then(void *arg)
{
	struct place_store *p = arg;
	struct place_store_entry *e;
	struct timespec until;
	struct err err;
	bool stop, ok = true;
	size_t i;

	for (;;) {
		pthread_mutex_lock(&p->lock);
		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_sec += PLACE_SEND_MS / 1000;
		while (!p->stop && pthread_cond_timedwait(&p->wake, &p->lock,
		    &until) == 0)
			continue;
		stop = p->stop;
		pthread_mutex_unlock(&p->lock);
		if (stop)
			break;
		for (i = 0; ok && (e = entry_at(p, i)) != NULL; i++)
			ok = place_store_send(p, e, false, &err);
		if (!ok) {
			log_debug("%s", err.message);
			break;
		}
	}
	return NULL;
}

bool
place_store_start(struct place_store *p, struct err *err)
{

	p->running = pthread_create(&p->thread, NULL, send_now_and_then,
	    p) == 0;
	return p->running || err_nomem(err, "state");
}

void
place_store_stop(struct place_store *p)
{

	if (!p->running)
		return;
	pthread_mutex_lock(&p->lock);
	p->stop = true;
	pthread_cond_signal(&p->wake);
	pthread_mutex_unlock(&p->lock);
	pthread_join(p->thread, NULL);
	p->running = false;
}

/* --- appending --- */

/* Loads the last segment, as far as it is good.  Nobody else knows e yet. */
static bool
load_tail(struct place_store *p, struct place_store_entry *e, uint64_t good,
    struct err *err)
{
	char key[PLACE_STORE_KEY_MAX];
	uint64_t before = 0;
	unsigned i;
	bool ok;

	for (i = 0; i + 1 < e->n; i++)
		before += e->sizes[i];
	e->number = e->n - 1;
	if (good == before + e->sizes[e->number] &&
	    e->sizes[e->number] >= PLACE_STORE_SEGMENT) {
		e->number = e->n;
		return true;
	}
	if (good < before)
		return err_set(err, ERR_DAMAGED, "%s/%s: %llu bytes of it are "
		    "good, which ends before its last object", p->base.path,
		    e->name, (unsigned long long)good);
	place_store_key(key, e->name, e->generation, e->number);
	pthread_mutex_lock(&p->io);
	ok = place_store_get(p, key, &e->tail, e->etag, err);
	pthread_mutex_unlock(&p->io);
	e->stored = ok;
	if (ok && e->tail.len > good - before)
		buf_truncate(&e->tail, (size_t)(good - before));
	return ok;
}

struct place_file *
place_store_file_open(struct place *place, const char *name, uint64_t good,
    bool many, struct err *err)
{
	struct place_store *p = (struct place_store *)place;
	struct place_store_entry *e;
	struct store_file *f;
	bool ok = true;

	(void)many;
	if ((e = place_store_entry(p, name, err)) == NULL)
		return NULL;
	if ((f = calloc(1, sizeof(*f))) == NULL) {
		err_nomem(err, name);
		return NULL;
	}
	f->base.place = place;
	f->entry = e;
	buf_init(&e->tail, PLACE_STORE_MAX);
	e->etag[0] = '\0';
	e->stored = false;
	e->number = 0;
	e->dirty = false;
	if (e->n > 0)
		ok = load_tail(p, e, good, err);
	pthread_mutex_lock(&p->lock);
	if (ok && e->n == 0)
		e->generation = ++e->highest;
	if (ok) {
		e->size = good;
		e->open = true;
		p->held += e->tail.len;
	}
	pthread_mutex_unlock(&p->lock);
	if (ok)
		return &f->base;
	buf_free(&e->tail);
	free(f);
	return NULL;
}

/* Whether what follows had better begin a new segment. */
static bool
is_full(struct place_store *p, const struct place_store_entry *e, size_t len)
{
	bool full;

	pthread_mutex_lock(&p->lock);
	full = e->tail.len > 0 && e->tail.len + len > PLACE_STORE_SEGMENT;
	pthread_mutex_unlock(&p->lock);
	return full;
}

bool
place_store_file_append(struct place_file *base, const void *data, size_t len,
    struct err *err)
{
	struct store_file *f = (struct store_file *)base;
	struct place_store *p = (struct place_store *)base->place;
	struct place_store_entry *e = f->entry;
	bool full = is_full(p, e, len), ok = false;

	if (!lease_held(p->lease, err) ||
	    (full && !place_store_send(p, e, false, err)))
		return false;
	pthread_mutex_lock(&p->lock);
	if (full && e->tail.len > 0)
		seal(p, e);
	if (p->failed.kind != ERR_NONE) {
		if (err != NULL)
			*err = p->failed;
	} else if (!buf_append(&e->tail, data, len)) {
		err_nomem(err, e->name);
	} else {
		e->size += len;
		p->held += len;
		e->dirty = ok = true;
	}
	pthread_mutex_unlock(&p->lock);
	return ok;
}

bool
place_store_file_sync(struct place_file *base, struct err *err)
{
	struct store_file *f = (struct store_file *)base;

	return place_store_send((struct place_store *)base->place, f->entry,
	    true, err);
}

bool
place_store_file_due(struct place_file *f)
{

	(void)f;
	return false;
}

uint64_t
place_store_file_size(const struct place_file *f)
{

	return ((const struct store_file *)f)->entry->size;
}

void
place_store_file_free(struct place_file *base)
{
	struct store_file *f = (struct store_file *)base;
	struct place_store *p = (struct place_store *)base->place;
	struct place_store_entry *e = f->entry;
	struct err ignored;

	(void)place_store_send(p, e, false, &ignored);
	pthread_mutex_lock(&p->lock);
	p->held -= e->tail.len;
	buf_free(&e->tail);
	e->open = e->dirty = false;
	pthread_mutex_unlock(&p->lock);
	free(f);
}
