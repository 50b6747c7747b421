#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "state/place_store.h"

struct store_reader {
	struct place_reader base;
	char *name;
	unsigned generation, n;	/* as at the beginning */
	unsigned next;		/* segment to get */
	struct buf segment;
	size_t at;		/* in it */
};

struct store_writer {
	struct place_writer base;
	struct place_store_entry *entry;
	unsigned generation;
	unsigned number;	/* of the segment in tail */
	struct buf first;	/* held back: its putting is the commit */
	struct buf tail;
	uint64_t *sizes;
	size_t cap;
	bool finished;
};

/* --- reading --- */

struct place_reader *
place_store_reader_new(struct place *place, const char *name, struct err *err)
{
	struct place_store *p = (struct place_store *)place;
	struct place_store_entry *e;
	struct store_reader *r;

	if ((e = place_store_entry(p, name, err)) == NULL)
		return NULL;
	if ((r = calloc(1, sizeof(*r))) == NULL ||
	    (r->name = strdup(name)) == NULL) {
		free(r);
		err_nomem(err, name);
		return NULL;
	}
	r->base.place = place;
	buf_init(&r->segment, PLACE_STORE_MAX);
	pthread_mutex_lock(&p->lock);
	r->generation = e->generation;
	r->n = e->generation == 0 ? 0 : e->n;
	pthread_mutex_unlock(&p->lock);
	return &r->base;
}

bool
place_store_reader_read(struct place_reader *base, void *data, size_t size,
    size_t *got, struct err *err)
{
	struct store_reader *r = (struct store_reader *)base;
	struct place_store *p = (struct place_store *)base->place;
	char key[PLACE_STORE_KEY_MAX], etag[STORE_ETAG_MAX];
	size_t left;
	bool ok;

	*got = 0;
	while (r->at == r->segment.len && r->next < r->n) {
		buf_reset(&r->segment);
		r->at = 0;
		place_store_key(key, r->name, r->generation, r->next++);
		pthread_mutex_lock(&p->io);
		ok = place_store_get(p, key, &r->segment, etag, err);
		pthread_mutex_unlock(&p->io);
		if (!ok)
			return false;
	}
	left = r->segment.len - r->at;
	if (left == 0)
		return true;
	*got = left < size ? left : size;
	memcpy(data, r->segment.data + r->at, *got);
	r->at += *got;
	return true;
}

void
place_store_reader_free(struct place_reader *base)
{
	struct store_reader *r = (struct store_reader *)base;

	buf_free(&r->segment);
	free(r->name);
	free(r);
}

/* --- replacing --- */

struct place_writer *
place_store_writer_new(struct place *place, const char *name, struct err *err)
{
	struct place_store *p = (struct place_store *)place;
	struct place_store_entry *e;
	struct store_writer *w;

	if ((e = place_store_entry(p, name, err)) == NULL)
		return NULL;
	if ((w = calloc(1, sizeof(*w))) == NULL) {
		err_nomem(err, name);
		return NULL;
	}
	w->base.place = place;
	w->entry = e;
	buf_init(&w->first, PLACE_STORE_MAX);
	buf_init(&w->tail, PLACE_STORE_MAX);
	pthread_mutex_lock(&p->lock);
	w->generation = ++e->highest;
	pthread_mutex_unlock(&p->lock);
	return &w->base;
}

static bool
put_segment(struct store_writer *w, unsigned number, const struct buf *data,
    struct err *err)
{
	struct place_store *p = (struct place_store *)w->base.place;
	struct place_store_object o = { .data = data };
	bool ok;

	place_store_key(o.key, w->entry->name, w->generation, number);
	pthread_mutex_lock(&p->io);
	ok = place_store_put(p, &o, err);
	pthread_mutex_unlock(&p->io);
	return ok;
}

/* Ends the segment in tail. */
static bool
seal(struct store_writer *w, struct err *err)
{
	uint64_t *sizes;

	if (w->number >= w->cap) {
		w->cap = w->cap == 0 ? 8 : 2 * w->cap;
		sizes = reallocarray(w->sizes, w->cap, sizeof(*sizes));
		if (sizes == NULL)
			return err_nomem(err, w->entry->name);
		w->sizes = sizes;
	}
	w->sizes[w->number] = w->tail.len;
	if (w->number == 0) {
		if (!buf_append(&w->first, w->tail.data, w->tail.len))
			return err_nomem(err, w->entry->name);
	} else if (!put_segment(w, w->number, &w->tail, err)) {
		return false;
	}
	w->number++;
	buf_reset(&w->tail);
	return true;
}

bool
place_store_writer_write(struct place_writer *base, const void *data,
    size_t len, struct err *err)
{
	struct store_writer *w = (struct store_writer *)base;

	if (w->tail.len > 0 && w->tail.len + len > PLACE_STORE_SEGMENT &&
	    !seal(w, err))
		return false;
	return buf_append(&w->tail, data, len) ||
	    err_nomem(err, w->entry->name);
}

/* The entry tells of the new generation from now on. */
static void
commit(struct store_writer *w)
{
	struct place_store *p = (struct place_store *)w->base.place;
	struct place_store_entry *e = w->entry;
	unsigned old, n;
	struct err ignored;

	pthread_mutex_lock(&p->lock);
	old = e->generation;
	n = e->n;
	free(e->sizes);
	e->sizes = w->sizes;
	e->cap = w->cap;
	e->n = w->number;
	e->generation = w->generation;
	w->sizes = NULL;
	w->finished = true;
	pthread_mutex_unlock(&p->lock);
	if (old == 0)
		return;
	pthread_mutex_lock(&p->io);
	if (!place_store_drop(p, e->name, old, n, &ignored))
		log_debug("%s", ignored.message);
	pthread_mutex_unlock(&p->io);
}

bool
place_store_writer_finish(struct place_writer *base, struct err *err)
{
	struct store_writer *w = (struct store_writer *)base;

	if ((w->tail.len > 0 || w->number == 0) && !seal(w, err))
		return false;
	if (!put_segment(w, 0, &w->first, err))
		return false;
	commit(w);
	return true;
}

void
place_store_writer_free(struct place_writer *base)
{
	struct store_writer *w = (struct store_writer *)base;
	struct place_store *p = (struct place_store *)base->place;
	char key[PLACE_STORE_KEY_MAX];
	struct err ignored;
	unsigned i;

	pthread_mutex_lock(&p->io);
	for (i = 1; !w->finished && i < w->number; i++) {
		place_store_key(key, w->entry->name, w->generation, i);
		if (lease_held(p->lease, NULL))
			(void)store_delete(p->session, key, &ignored);
	}
	pthread_mutex_unlock(&p->io);
	buf_free(&w->first);
	buf_free(&w->tail);
	free(w->sizes);
	free(w);
}
