#include <stdlib.h>
#include <string.h>

#include "flow/pipeline.h"
#include "job/drill.h"
#include "job/drill_name.h"
#include "job/part.h"
#include "job/verify_whole.h"
#include "job/whole_side.h"

struct whole {
	struct verify_data *v;
	struct whole_side source;
	struct whole_side target;
	bool *differs;		/* one per move */
};

static void
begin_progress(struct verify_data *v)
{
	size_t i;

	for (i = 0; i < v->data->n_moves; i++) {
		struct move *m = &v->data->moves[i];
		unsigned times = v->read_source ? 2 : 1;
		uint64_t n, bytes;

		if (m->info->type == COLLECTION_VIEW)
			continue;
		n = v->read_source ? m->info->count : m->source.count;
		bytes = v->read_source ? m->info->bytes : m->source.bytes;
		m->progress = progress_item_new(v->job->progress,
		    verify_data_phase(v), m->target_ns);
		progress_item_total(m->progress, times * n, times * bytes);
	}
}

/* What must be on the target: of a run that copied, without what was refused;
 * else the source itself, which is yet to be read. */
static void
begin_sums(struct verify_data *v)
{
	size_t i, j;

	pthread_mutex_lock(&v->data->lock);
	for (i = 0; i < v->data->n_moves; i++) {
		struct move *m = &v->data->moves[i];

		memset(&m->target, 0, sizeof(m->target));
		memset(&m->source, 0, sizeof(m->source));
		if (v->read_source)
			memset(&m->rewritten, 0, sizeof(m->rewritten));
		for (j = 0; !v->read_source && j < m->n_parts; j++)
			tally_add(&m->source, &m->parts[j].expected);
	}
	pthread_mutex_unlock(&v->data->lock);
}

static bool
sum_both(struct whole *w, struct err *err)
{
	struct pipeline_stage stages[] = {
		{ "reading the target", whole_side_threads(&w->target),
		    whole_side_sum, &w->target, NULL },
		{ "reading the source", whole_side_threads(&w->source),
		    whole_side_sum, &w->source, NULL },
	};
	struct pipeline *p;
	bool ok;

	if ((p = pipeline_new()) == NULL)
		return err_nomem(err, "verification");
	ok = pipeline_add(p, &stages[0]) &&
	    (!w->v->read_source || pipeline_add(p, &stages[1]));
	ok = ok ? pipeline_run(p, err) : err_nomem(err, "verification");
	pipeline_free(p);
	return ok;
}

/* Marks the moves whose sums differ; their partitions are done anew by the next
 * run. */
static bool
find_differences(struct whole *w, size_t *n, struct err *err)
{
	struct data *d = w->v->data;
	size_t i, j;

	*n = 0;
	for (i = 0; i < d->n_moves; i++) {
		struct move *m = &d->moves[i];

		progress_item_finish(m->progress);
		if (m->info->type == COLLECTION_VIEW ||
		    tally_equal(&m->source, &m->target))
			continue;
		w->differs[i] = true;
		(*n)++;
		for (j = 0; w->v->journal != NULL && j < m->n_parts; j++) {
			if (!journal_part_reopen(w->v->journal, m->target_ns,
			    j, err))
				return false;
		}
	}
	return true;
}

/* What came through a pipe is gone: only the sums can be told. */
static void
tell_sums(struct whole *w)
{
	struct data *d = w->v->data;
	size_t i;

	for (i = 0; i < d->n_moves; i++) {
		struct move *m = &d->moves[i];

		if (!w->differs[i])
			continue;
		if (m->source.count > m->target.count)
			m->missing = m->source.count - m->target.count;
		else if (m->source.count < m->target.count)
			m->extra = m->target.count - m->source.count;
		else
			m->different = 1;
		report_error(&w->v->job->report, "different",
		    "import from a file: then every document is named",
		    "%s holds %llu documents, %llu came through the pipe; "
		    "their sums differ", m->target_ns,
		    (unsigned long long)m->target.count,
		    (unsigned long long)m->source.count);
	}
}

static bool
drill(struct whole *w, struct err *err)
{
	struct drill d = {
		.job = w->v->job,
		.data = w->v->data,
		.memory = w->v->job->memory / 8 * 3,
		.source = { whole_side_read, &w->source, 0 },
		.target = { whole_side_read, &w->target, 0 },
		.teller = w->v->teller,
	};
	struct drill_result result;
	struct move *first = NULL;
	bool ok;
	size_t i;

	for (i = 0; i < w->v->data->n_moves; i++) {
		if (!w->differs[i])
			continue;
		first = first != NULL ? first : &w->v->data->moves[i];
		d.source.count += w->v->data->moves[i].source.count;
		d.target.count += w->v->data->moves[i].target.count;
		/* Found and counted once more: they differ. */
		w->v->data->moves[i].kept = 0;
	}
	w->source.selected = w->differs;
	w->target.selected = w->differs;
	ok = drill_run(&d, &result, err);
	if (!ok && !result.told && w->source.anew) {
		w->source.now = true;
		report_note(&w->v->job->report, "verified_now", "what differs "
		    "may have changed on the source since it was read",
		    "the source's history is gone; what differs was looked up "
		    "as it is now");
		ok = drill_run(&d, &result, err);
	}
	if (d.teller == NULL || !d.teller->later)
		drill_unsettled(w->v->job, w->v->data, first,
		    result.unsettled);
	return ok;
}

/* The summary's source is what was read, refused documents too. */
static void
add_refused(struct data *d)
{
	size_t i, j;

	for (i = 0; i < d->n_moves; i++) {
		for (j = 0; j < d->moves[i].n_parts; j++)
			tally_add(&d->moves[i].source,
			    &d->moves[i].parts[j].quarantined_tally);
	}
}

static bool
verify(struct whole *w, struct err *err)
{
	struct data *d = w->v->data;
	size_t n;

	w->differs = calloc(d->n_moves + 1, sizeof(*w->differs));
	if (w->differs == NULL)
		return err_nomem(err, "verification");
	begin_progress(w->v);
	begin_sums(w->v);
	if (!whole_side_open(&w->target, w->v, false, err) ||
	    !whole_side_open(&w->source, w->v, true, err) ||
	    !sum_both(w, err) || !find_differences(w, &n, err))
		return false;
	if (n > 0 && d->source.place.stream)
		tell_sums(w);
	else if (n > 0 && !drill(w, err))
		return false;
	add_refused(d);
	return true;
}

bool
verify_whole_run(struct verify_data *v, struct err *err)
{
	struct whole w = { .v = v };
	bool ok;

	ok = verify(&w, err);
	whole_side_close(&w.source);
	whole_side_close(&w.target);
	free(w.differs);
	return ok;
}
