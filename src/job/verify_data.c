#include <stdlib.h>
#include <string.h>

#include "flow/pipeline.h"
#include "job/drill.h"
#include "job/drill_part.h"
#include "job/part.h"
#include "job/side.h"
#include "job/verify_data.h"
#include "job/verify_whole.h"

#define READER_BYTES ((size_t)8 * 1024 * 1024)

struct verify_run {
	struct verify_data *v;
	struct part **parts;
	size_t n_parts;
	atomic_size_t next;
};

/* One thread of verification: a session for each side. */
struct verifier {
	struct verify_run *run;
	struct verify_data v;	/* with the teller of this thread */
	struct mongo_session *source;
	struct mongo_session *target;
	struct transform *transform;
	const struct move *move; /* that transform is for */
};

static bool
follow_move(struct verifier *w, const struct move *m, struct err *err)
{
	struct transform_options options = {
		.job = w->run->v->job,
		.move = m,
		.links = w->run->v->links,
	};

	if (w->move == m)
		return true;
	transform_free(w->transform);
	w->move = m;
	w->transform = transform_new(&options, err);
	return w->transform != NULL;
}

/* Tells of a document that cannot arrive. */
struct too_large {
	const struct verify_data *v;
	struct move *move;
};

static bool
on_too_large(void *arg, const uint8_t *doc, size_t len, struct err *err)
{
	struct too_large *t = arg;

	return t->v->too_large(t->v->too_large_arg, t->move, doc, len, err);
}

static bool
read_source(struct verifier *w, struct part *p, struct err *err)
{
	struct verify_data *v = &w->v;
	struct moment_read at = {
		.moment = v->data->moment, .session = w->source,
		.move = p->move,
	};
	struct too_large large = { v, p->move };
	struct side side = {
		.job = v->job, .data = v->data, .session = w->source,
		.transform = w->transform, .is_source = true, .at = &at,
		.too_large = v->too_large != NULL ? on_too_large : NULL,
		.too_large_arg = &large,
	};
	struct rewrite_counts counts;
	struct tally sum;
	bool ok;

	if (!moment_begin(&at, err))
		return false;
	do {
		memset(&counts, 0, sizeof(counts));
		memset(&sum, 0, sizeof(sum));
		at.anew = false;
		ok = side_read(&side, p, &counts, &sum, NULL, NULL, err);
	} while (!ok && at.anew);
	if (ok) {
		p->at = at.at;
		pthread_mutex_lock(&v->data->lock);
		p->expected = sum;
		p->counts = counts;
		pthread_mutex_unlock(&v->data->lock);
	}
	return ok;
}

static bool
verify_part(struct verifier *w, struct part *p, struct err *err)
{
	struct verify_data *v = &w->v;
	struct side side = {
		.job = v->job, .data = v->data, .session = w->target,
		.transform = w->transform,
	};

	if (!follow_move(w, p->move, err))
		return false;
	side.transform = w->transform;
	/* What an earlier run moved at a known time is held against what it
	 * recorded; what it read as it was then, against the source now. */
	if ((v->read_source || (p->resumed && p->at.seconds == 0)) &&
	    !read_source(w, p, err))
		return false;
	memset(&p->actual, 0, sizeof(p->actual));
	if (!side_read(&side, p, NULL, &p->actual, NULL, NULL, err))
		return false;
	progress_item_add(p->move->progress, p->actual.count,
	    p->actual.bytes);
	p->differs = !tally_equal(&p->expected, &p->actual);
	if (!p->differs)
		return true;
	if (v->journal != NULL && !journal_part_reopen(v->journal,
	    p->move->target_ns, p->number, err))
		return false;
	return drill_part(v, p, w->source, w->target, err);
}

static bool
verify_worker(void *arg, unsigned number, struct err *err)
{
	struct verify_run *run = arg;
	struct verifier w = { .run = run, .v = *run->v };
	bool ok = false;
	size_t i;

	if (w.v.teller_each)
		w.v.teller += number;
	w.source = mongo_session_new(run->v->data->source.server, err);
	if (w.source == NULL)
		goto out;
	w.target = mongo_session_new(run->v->data->target.server, err);
	if (w.target == NULL)
		goto out;
	ok = true;
	while (ok && (i = atomic_fetch_add(&run->next, 1)) < run->n_parts)
		ok = verify_part(&w, run->parts[i], err);
out:
	transform_free(w.transform);
	mongo_session_free(w.source);
	mongo_session_free(w.target);
	return ok;
}

static bool
is_wanted(const struct verify_data *v, const struct part *p)
{

	return (!v->only_differing || p->differs) && (v->selected == NULL ||
	    v->selected[p->move - v->data->moves]);
}

static bool
list_parts(struct verify_run *run, struct err *err)
{
	struct data *d = run->v->data;
	size_t i, j, n = 0;

	for (i = 0; i < d->n_moves; i++)
		n += d->moves[i].n_parts;
	if ((run->parts = calloc(n + 1, sizeof(struct part *))) == NULL)
		return err_nomem(err, "partitions");
	for (i = 0; i < d->n_moves; i++) {
		for (j = 0; j < d->moves[i].n_parts; j++) {
			if (is_wanted(run->v, &d->moves[i].parts[j]))
				run->parts[run->n_parts++] =
				    &d->moves[i].parts[j];
		}
	}
	return true;
}

/* What is known of the partitions that are to be compared. */
static struct tally
foreseen(const struct verify_data *v, const struct move *m)
{
	struct tally t = m->source;
	size_t i;

	if (v->read_source) {
		t.count = m->info->count;
		t.bytes = m->info->bytes;
	} else if (v->only_differing) {
		memset(&t, 0, sizeof(t));
		for (i = 0; i < m->n_parts; i++) {
			if (is_wanted(v, &m->parts[i]))
				tally_add(&t, &m->parts[i].expected);
		}
	}
	return t;
}

static void
begin_progress(struct verify_data *v)
{
	struct tally t;
	size_t i, j;

	for (i = 0; i < v->data->n_moves; i++) {
		struct move *m = &v->data->moves[i];

		for (j = 0; j < m->n_parts && !is_wanted(v, &m->parts[j]); j++)
			continue;
		if (j == m->n_parts)
			continue;
		t = foreseen(v, m);
		m->progress = progress_item_new(v->job->progress,
		    verify_data_phase(v), m->target_ns);
		progress_item_total(m->progress, t.count, t.bytes);
	}
}

/* Indexes may be built meanwhile, and what failed there asks for the counts. */
static void
sum_up(struct data *d, struct move *m)
{
	size_t i;

	pthread_mutex_lock(&d->lock);
	memset(&m->source, 0, sizeof(m->source));
	memset(&m->target, 0, sizeof(m->target));
	memset(&m->rewritten, 0, sizeof(m->rewritten));
	for (i = 0; i < m->n_parts; i++) {
		tally_add(&m->source, &m->parts[i].expected);
		tally_add(&m->source, &m->parts[i].quarantined_tally);
		tally_add(&m->target, &m->parts[i].actual);
		rewrite_counts_add(&m->rewritten, &m->parts[i].counts);
	}
	pthread_mutex_unlock(&d->lock);
	progress_item_finish(m->progress);
}

/* As many as workers: over a long link each waits for its own round trips, and
 * costs nothing meanwhile.  Each holds a reply of either side, twice. */
unsigned
verify_data_threads(const struct job *job)
{
	size_t fit = job->memory / READER_BYTES;

	return fit < 1 ? 1 : fit < job->workers ? (unsigned)fit : job->workers;
}

const char *
verify_data_phase(const struct verify_data *v)
{

	return v->phase != NULL ? v->phase : "verify";
}

bool
verify_data_run(struct verify_data *v, struct err *err)
{
	struct verify_run run = { .v = v };
	struct pipeline_stage stage = {
		.name = "verifying",
		.threads = verify_data_threads(v->job),
		.run = verify_worker,
		.arg = &run,
	};
	struct pipeline *p = NULL;
	bool ok = false;
	size_t i;

	if (v->data->source.kind != END_MONGO ||
	    v->data->target.kind != END_MONGO)
		return verify_whole_run(v, err);
	if (!list_parts(&run, err))
		return false;
	begin_progress(v);
	if ((p = pipeline_new()) == NULL || !pipeline_add(p, &stage)) {
		err_nomem(err, "verification");
		goto out;
	}
	ok = pipeline_run(p, err);
	for (i = 0; i < v->data->n_moves; i++)
		sum_up(v->data, &v->data->moves[i]);
out:
	pipeline_free(p);
	free(run.parts);
	return ok;
}
