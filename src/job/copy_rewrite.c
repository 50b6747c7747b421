#include <stdlib.h>
#include <string.h>

#include "bson/rewrite.h"
#include "job/copy_internal.h"
#include "job/transform.h"

/* The largest document that a server takes, with its own overhead. */
#define DOC_MAX ((size_t)16 * 1024 * 1024 + 16 * 1024)

struct worker {
	struct copy_run *run;
	struct transform **transforms; /* one per move, made when first met */
};

static struct transform *
transform_of(struct worker *w, struct move *m, struct err *err)
{
	size_t i = (size_t)(m - w->run->c->data->moves);
	struct transform_options options = {
		.job = w->run->c->job,
		.move = m,
		.links = w->run->c->links,
		.samples = !w->run->c->write,
	};

	if (w->transforms[i] == NULL)
		w->transforms[i] = transform_new(&options, err);
	return w->transforms[i];
}

/* The digest and size of documents that stay as they are. */
static bool
tally_batch(struct transform *t, struct batch *b, struct err *err)
{
	const uint8_t *doc;
	size_t at = 0, len;

	while ((doc = batch_next(b, &at, &len)) != NULL) {
		if (!transform_tally(t, doc, len, &b->target, err))
			return false;
	}
	return true;
}

/* A batch on its way into its new bytes. */
struct rewriting {
	struct transform *transform;
	struct batch *batch;
	struct buf out;
	size_t n;		/* documents in out */
	struct rewrite_counts *counts;
};

static bool
rewrite_one(struct worker *w, struct rewriting *r, const uint8_t *doc,
    size_t len, struct err *err)
{
	struct batch *b = r->batch;
	struct copy_refusal refusal = {
		.part = b->part, .doc = doc, .len = len,
		.reason = "too_large",
		.message = "rewriting makes it larger than 16 MiB",
	};
	const uint8_t *new;
	size_t new_len;

	switch (transform_document(r->transform, doc, len, &new, &new_len,
	    r->counts, err)) {
	case TRANSFORM_TOO_LARGE:
		return copy_quarantine(w->run, &refusal, err);
	case TRANSFORM_FAILED:
		return false;
	case TRANSFORM_OK:
		break;
	}
	if (!transform_tally(r->transform, new, new_len, &b->target, err))
		return false;
	if (!buf_append(&r->out, new, new_len))
		return err_nomem(err, "rewritten batch");
	r->n++;
	return true;
}

static bool
rewrite_batch(struct worker *w, struct transform *t, struct batch *b,
    struct rewrite_counts *counts, struct err *err)
{
	struct rewriting r = { .transform = t, .batch = b, .counts = counts };
	const uint8_t *doc;
	size_t at = 0, len;
	struct buf old;

	if (!transform_may_change(t, b->docs.data, b->docs.len))
		return tally_batch(t, b, err);
	/* A rewrite may make every document larger; none passes 16 MiB. */
	buf_init(&r.out, b->n * DOC_MAX);
	buf_reserve(&r.out, b->docs.len + b->docs.len / 8);
	while ((doc = batch_next(b, &at, &len)) != NULL) {
		if (!rewrite_one(w, &r, doc, len, err)) {
			buf_free(&r.out);
			return false;
		}
	}
	old = b->docs;
	b->docs = r.out;
	b->n = r.n;
	buf_free(&old);
	if (b->docs.cap > b->charged) {
		credit_take_now(b->credit, b->docs.cap - b->charged);
		b->charged = b->docs.cap;
	}
	return true;
}

static bool
handle_batch(struct worker *w, struct batch *b, struct err *err)
{
	struct part *p = b->part;
	struct rewrite_counts counts;
	struct transform *t;

	memset(&counts, 0, sizeof(counts));
	if ((t = transform_of(w, p->move, err)) == NULL ||
	    !rewrite_batch(w, t, b, &counts, err))
		return false;
	pthread_mutex_lock(&w->run->c->data->lock);
	rewrite_counts_add(&p->counts, &counts);
	pthread_mutex_unlock(&w->run->c->data->lock);
	return true;
}

bool
copy_rewrite(void *arg, unsigned number, struct err *err)
{
	struct copy_run *run = arg;
	size_t i, n_moves = run->c->data->n_moves;
	struct worker w = { .run = run };
	struct batch *b;
	bool ok = true;

	(void)number;
	w.transforms = calloc(n_moves, sizeof(struct transform *));
	if (w.transforms == NULL)
		return err_nomem(err, "rewriters");
	while (ok && (b = queue_pop(run->read)) != NULL) {
		ok = handle_batch(&w, b, err);
		if (ok && !queue_push(run->rewritten, b, b->docs.len))
			ok = err_set(err, ERR_CANCELLED, "rewriting: stopped");
		if (!ok)
			batch_free(b);
	}
	for (i = 0; i < n_moves; i++)
		transform_free(w.transforms[i]);
	free(w.transforms);
	return ok;
}
