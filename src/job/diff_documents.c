#include <stdlib.h>
#include <string.h>

#include "base/cancel.h"
#include "bson/doc.h"
#include "job/diff_again.h"
#include "job/diff_documents.h"
#include "job/diff_line.h"
#include "job/differences.h"
#include "job/drill_name.h"

#define BATCH_BYTES ((size_t)4 * 1024 * 1024)
#define BATCH_DOCS 512

/* One that waits; its documents are in the batch's bytes. */
struct waiting {
	struct move *move;
	enum drill_verdict verdict;
	size_t source, source_len, target, target_len;
};

struct diff_documents {
	struct job *job;
	struct data *data;
	pthread_mutex_t lock;
	struct diff_again *again;	/* NULL: neither side can be asked */
	struct waiting v[BATCH_DOCS];
	size_t n;
	struct drill_found found[BATCH_DOCS];	/* of one collection */
	bool same[BATCH_DOCS];
	struct diff_seen seen[BATCH_DOCS];	/* those that are not */
	struct buf bytes;
	uint64_t settled;
};

struct diff_documents *
diff_documents_open(struct job *job, struct data *data, struct err *err)
{
	struct diff_documents *d;

	if ((d = calloc(1, sizeof(*d))) == NULL ||
	    pthread_mutex_init(&d->lock, NULL) != 0) {
		free(d);
		err_nomem(err, "differences");
		return NULL;
	}
	d->job = job;
	d->data = data;
	/* A document may be larger than a batch. */
	buf_init(&d->bytes, BATCH_BYTES + 4 * REWRITE_DOC_MAX);
	if (!diff_again_open(&d->again, job, data, err)) {
		diff_documents_close(d, false, NULL);
		return NULL;
	}
	return d;
}

/* It differed when it was paired, and was the same when it was read again. */
static bool
is_settled(const struct drill_found *f)
{

	return f->verdict == DRILL_SAME || (f->verdict == DRILL_DIFFERENT &&
	    doc_same(f->source, f->source_len, f->target, f->target_len));
}

static bool
tell(struct diff_documents *d, const struct drill_found *f, struct err *err)
{
	struct drill_judgement j;

	if (is_settled(f)) {
		d->settled++;
		return true;
	}
	j = drill_judge(d->job, f);
	drill_count(d->data, &j);
	if (!j.is_error)
		return true;
	return diff_line(d->job->differences, f, err);
}

/* Looks at those that may have changed once, and waits for all of them. */
static bool
glance(struct diff_documents *d, size_t n, struct err *err)
{
	bool any = false;
	size_t i;

	for (i = 0; i < n; i++) {
		if (d->same[i])
			continue;
		any = true;
		if (!diff_again_glance(d->again, &d->found[i], &d->seen[i],
		    err))
			return false;
	}
	return !any || cancel_sleep(DIFF_AGAIN_PAUSE_MS) || cancel_err(err);
}

/* Takes those that wait of the first one's collection, and leaves the others. */
static size_t
take_collection(struct diff_documents *d)
{
	struct move *m = d->v[0].move;
	size_t i, n = 0, left = 0;

	for (i = 0; i < d->n; i++) {
		const struct waiting *w = &d->v[i];

		if (w->move != m) {
			d->v[left++] = *w;
			continue;
		}
		d->found[n++] = (struct drill_found){
			.move = m,
			.verdict = w->verdict,
			.source = w->source_len > 0 ?
			    d->bytes.data + w->source : NULL,
			.source_len = w->source_len,
			.target = w->target_len > 0 ?
			    d->bytes.data + w->target : NULL,
			.target_len = w->target_len,
		};
	}
	d->n = left;
	return n;
}

static bool
tell_collection(struct diff_documents *d, bool written, struct err *err)
{
	size_t i, n = take_collection(d);
	bool again = written && diff_again_may(d->found[0].move);

	if (again && (!diff_again_same(d->again, d->found, n, d->same, err) ||
	    !glance(d, n, err)))
		return false;
	for (i = 0; i < n; i++) {
		struct drill_found *f = &d->found[i];

		if ((again && !d->same[i] && !diff_again_look(d->again, f,
		    &d->seen[i], err)) || !tell(d, f, err))
			return false;
	}
	return true;
}

static bool
tell_batch(struct diff_documents *d, struct err *err)
{
	bool ok = true, written;

	if (d->n == 0)
		return true;
	written = d->again != NULL && diff_again_needed(d->again);
	while (ok && d->n > 0)
		ok = tell_collection(d, written, err);
	d->n = 0;
	buf_reset(&d->bytes);
	return ok;
}

static bool
add(struct diff_documents *d, const struct drill_found *f, struct err *err)
{
	struct waiting *w = &d->v[d->n];

	*w = (struct waiting){
		.move = f->move, .verdict = f->verdict,
		.source_len = f->source != NULL ? f->source_len : 0,
		.target_len = f->target != NULL ? f->target_len : 0,
	};
	w->source = d->bytes.len;
	w->target = w->source + w->source_len;
	if (!buf_append(&d->bytes, f->source, w->source_len) ||
	    !buf_append(&d->bytes, f->target, w->target_len))
		return err_nomem(err, "differences");
	d->n++;
	if (d->n < BATCH_DOCS && d->bytes.len < BATCH_BYTES)
		return true;
	return tell_batch(d, err);
}

bool
diff_documents_found(void *arg, const struct drill_found *f, struct err *err)
{
	struct diff_documents *d = arg;
	bool ok;

	pthread_mutex_lock(&d->lock);
	ok = add(d, f, err);
	pthread_mutex_unlock(&d->lock);
	return ok;
}

bool
diff_documents_close(struct diff_documents *d, bool ok, struct err *err)
{

	if (d == NULL)
		return ok;
	ok = ok && tell_batch(d, err);
	d->job->report.summary->settled = d->settled;
	diff_again_close(d->again);
	buf_free(&d->bytes);
	pthread_mutex_destroy(&d->lock);
	free(d);
	return ok;
}
