#include <stdlib.h>
#include <string.h>

#include "base/cancel.h"
#include "base/log.h"
#include "bson/doc.h"
#include "job/delta_internal.h"
#include "mongo/remove.h"
#include "mongo/source.h"

#define FETCH_MAX ((size_t)64 * 1024 * 1024)

void
delta_pool_init(struct delta_pool *p, size_t max)
{

	memset(p, 0, sizeof(*p));
	p->max = max;
	/* One document always fits. */
	buf_init(&p->docs, max + REWRITE_DOC_MAX + 65536);
}

void
delta_pool_free(struct delta_pool *p)
{

	buf_free(&p->docs);
	free(p->v);
}

bool
delta_pool_add(struct delta_pool *p, const struct delta_refused *r,
    const uint8_t *doc)
{
	struct delta_refused *grown;
	size_t cap = p->cap > 0 ? 2 * p->cap : 64;

	if (p->n > 0 && p->docs.len + r->len > p->max)
		return false;
	if (p->n == p->cap) {
		grown = realloc(p->v, cap * sizeof(*grown));
		if (grown == NULL)
			return false;
		p->v = grown;
		p->cap = cap;
	}
	p->v[p->n] = *r;
	p->v[p->n].at = p->docs.len;
	if (!buf_append(&p->docs, doc, r->len))
		return false;
	p->n++;
	return true;
}

/* The pool's documents of one collection, on their way. */
struct settling {
	struct delta *delta;
	struct mongo_session *session;
	struct move *move;
	struct buf ids;
	struct buf docs;
	struct buf old;		/* what was in their places */
	struct buf back;	/* those of refused ones */
	bool final;		/* what is refused now is quarantined */
	bool failed;
	struct err err;
};

/* What the target has in the place of doc, if anything. */
static bool
fetch_old(struct settling *s, const uint8_t *doc, size_t len, struct buf *out,
    struct err *err)
{
	struct rawdoc id;
	struct buf raw;
	bool found = false, ok;

	buf_reset(out);
	buf_init(&raw, len + 16);
	ok = doc_id(doc, len, &raw);
	if (!ok)
		err_nomem(err, "document");
	id.data = raw.data;
	id.len = raw.len;
	ok = ok && mongo_fetch(s->session, s->move->write_ns, &id, out, &found,
	    err);
	if (!found)
		buf_reset(out);
	buf_free(&raw);
	return ok;
}

/* Copies one of the pool, and what is in its place. */
static bool
gather_one(struct settling *s, struct delta_refused *r, struct buf *old,
    struct err *err)
{
	const uint8_t *doc = s->delta->pool.docs.data + r->at;

	r->doc_at = s->docs.len;
	r->old_at = s->old.len;
	r->old_len = 0;
	r->refused = false;
	if (!buf_append(&s->docs, doc, r->len))
		return err_nomem(err, "refused documents");
	if (!fetch_old(s, doc, r->len, old, err))
		return false;
	if (old->len == 0)
		return true;
	r->replaces = true;
	if (!doc_id(old->data, old->len, &s->ids))
		return err_nomem(err, "refused documents");
	if (buf_append(&s->old, old->data, old->len))
		r->old_len = old->len;
	else
		log_debug("%s: a document is too large to be put back",
		    s->move->target_ns);
	return true;
}

static bool
gather(struct settling *s, struct err *err)
{
	struct delta_pool *p = &s->delta->pool;
	struct buf old;
	bool ok = true;
	size_t i;

	buf_init(&old, FETCH_MAX);
	for (i = 0; ok && i < p->n; i++) {
		if (p->v[i].move == s->move)
			ok = gather_one(s, &p->v[i], &old, err);
	}
	buf_free(&old);
	return ok;
}

/* Marks a refused one, and has what was in its place put back. */
static void
mark_refused(struct settling *s, const uint8_t *doc)
{
	struct delta_pool *p = &s->delta->pool;
	size_t i, at = (size_t)(doc - s->docs.data);

	for (i = 0; i < p->n; i++) {
		struct delta_refused *r = &p->v[i];

		if (r->move != s->move || r->doc_at != at)
			continue;
		r->refused = true;
		buf_append(&s->back, s->old.data + r->old_at, r->old_len);
	}
}

static void
on_refused(void *arg, const struct mongo_refusal *r)
{
	struct settling *s = arg;
	struct delta *d = s->delta;
	struct delta_refusal refusal = {
		.move = s->move, .doc = r->doc, .len = r->len,
		.reason = delta_reason(d, r), .message = r->message,
	};

	mark_refused(s, r->doc);
	if ((!r->unique || s->final) && !s->failed &&
	    !delta_quarantine(d, &refusal, &s->err))
		s->failed = true;
}

static void
on_not_put_back(void *arg, const struct mongo_refusal *r)
{
	struct settling *s = arg;

	log_warning("%s: a document that could not be replaced could not be "
	    "put back either: %s", s->move->target_ns, r->message);
}

static bool
insert(struct settling *s, const struct buf *docs,
    void (*refused)(void *arg, const struct mongo_refusal *r),
    struct mongo_written *written, struct err *err)
{
	struct mongo_sink_options options = {
		.ns = s->move->write_ns,
		.on_conflict = MONGO_CONFLICT_REPLACE,
		.patience_ms = s->delta->job->patience_ms,
		.refused = refused,
		.arg = s,
	};
	struct mongo_sink *sink;
	bool ok;

	if (docs->len == 0)
		return true;
	if ((sink = mongo_sink_new(s->session, &options, err)) == NULL)
		return false;
	ok = mongo_sink_write(sink, docs->data, docs->len, 0, written, err);
	mongo_sink_free(sink);
	return ok;
}

static void
count(struct settling *s)
{
	struct delta_move *of = delta_of(s->delta, s->move);
	struct delta_pool *p = &s->delta->pool;
	size_t i;

	pthread_mutex_lock(&s->delta->data->lock);
	for (i = 0; i < p->n; i++) {
		const struct delta_refused *r = &p->v[i];

		if (r->move != s->move || r->refused)
			continue;
		of->replaced += r->replaces;
		of->inserted += !r->replaces;
	}
	pthread_mutex_unlock(&s->delta->data->lock);
}

static bool
exchange(struct settling *s, struct err *err)
{
	struct mongo_written unused = { 0 };
	struct mongo_ids ids = { s->move->write_ns, NULL, 0 };
	uint64_t taken = 0;

	if (!gather(s, err))
		return false;
	ids.docs = s->ids.data;
	ids.len = s->ids.len;
	if (!mongo_remove(s->session, &ids, &taken, err) ||
	    !insert(s, &s->docs, on_refused, &unused, err) ||
	    !insert(s, &s->back, on_not_put_back, &unused, err))
		return false;
	count(s);
	if (s->failed)
		*err = s->err;
	return !s->failed;
}

static bool
settle_move(struct delta *d, struct move *m, struct err *err)
{
	struct settling s = { .delta = d, .move = m,
	    .session = d->data->target.session,
	    .final = d->last || !delta_of(d, m)->again };
	const size_t most = 2 * d->pool.docs.len + 4 * REWRITE_DOC_MAX;
	bool ok;

	buf_init(&s.ids, most);
	buf_init(&s.docs, most);
	buf_init(&s.old, most);
	buf_init(&s.back, most);
	ok = exchange(&s, err);
	buf_free(&s.ids);
	buf_free(&s.docs);
	buf_free(&s.old);
	buf_free(&s.back);
	return ok || err_prefix(err, "target: %s", m->target_ns);
}

bool
delta_pool_settle(struct delta *d, struct err *err)
{
	struct delta_pool *p = &d->pool;
	bool ok = true;
	size_t i, j;

	for (i = 0; ok && i < d->data->n_moves; i++) {
		struct move *m = &d->data->moves[i];

		for (j = 0; j < p->n && p->v[j].move != m; j++)
			continue;
		if (j < p->n)
			ok = settle_move(d, m, err);
	}
	p->n = 0;
	buf_reset(&p->docs);
	return ok;
}
