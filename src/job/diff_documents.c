#include <stdlib.h>
#include <string.h>

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

static bool
tell(struct diff_documents *d, const struct drill_found *f, struct err *err)
{
	struct drill_judgement j = drill_judge(d->job, f);

	drill_count(d->data, &j);
	if (!j.is_error)
		return true;
	return diff_line(d->job->differences, f, err);
}

/* The document as it is by now on both sides, if it may have changed. */
static bool
tell_now(struct diff_documents *d, struct drill_found *f, struct err *err)
{

	if (!diff_again_look(d->again, f, err))
		return false;
	if (f->verdict != DRILL_SAME)
		return tell(d, f, err);
	d->settled++;
	return true;
}

static bool
tell_batch(struct diff_documents *d, struct err *err)
{
	bool ok = true, written;
	size_t i;

	if (d->n == 0)
		return true;
	written = d->again != NULL && diff_again_needed(d->again);
	for (i = 0; ok && i < d->n; i++) {
		const struct waiting *w = &d->v[i];
		struct drill_found f = {
			.move = w->move,
			.verdict = w->verdict,
			.source_len = w->source_len,
			.target_len = w->target_len,
		};

		if (w->source_len > 0)
			f.source = d->bytes.data + w->source;
		if (w->target_len > 0)
			f.target = d->bytes.data + w->target;
		ok = written && diff_again_may(w->move) ?
		    tell_now(d, &f, err) : tell(d, &f, err);
	}
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
