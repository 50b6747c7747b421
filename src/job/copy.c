#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "bson/doc.h"
#include "bson/docdigest.h"
#include "flow/pipeline.h"
#include "job/copy_internal.h"

#define BATCH_BYTES ((size_t)1024 * 1024)
#define QUEUE_ITEMS 64
#define ID_TEXT_MAX 4096

bool
copy_quarantine(struct copy_run *run, const struct copy_refusal *refusal,
    struct err *err)
{
	struct part *p = refusal->part;
	struct tally t = { 1, refusal->len,
	    docdigest(refusal->doc, refusal->len) };
	struct quarantined q = {
		.ns = p->move->info->ns,
		.doc = refusal->doc,
		.len = refusal->len,
		.reason = refusal->reason,
		.message = refusal->message,
	};
	struct buf id;
	bool ok = true;

	buf_init(&id, ID_TEXT_MAX);
	if (!doc_id_json(refusal->doc, refusal->len, &id) ||
	    (q.id = buf_str(&id)) == NULL)
		q.id = "null";
	pthread_mutex_lock(&run->c->data->lock);
	p->quarantined++;
	tally_add(&p->quarantined_tally, &t);
	pthread_mutex_unlock(&run->c->data->lock);
	report_error(&run->c->job->report, refusal->reason,
	    run->c->quarantine == NULL ? "" :
	    "it is kept in the quarantine folder as raw BSON",
	    "%s _id %s: %s", p->move->info->ns, q.id, refusal->message);
	if (run->c->quarantine != NULL)
		ok = quarantine_add(run->c->quarantine, &q, err);
	buf_free(&id);
	return ok;
}

bool
copy_part_progress(struct copy_run *run, struct part *p, bool batch_done,
    bool read_done, struct err *err)
{
	bool complete;

	pthread_mutex_lock(&run->c->data->lock);
	if (batch_done)
		p->pending--;
	if (read_done)
		p->read = true;
	complete = p->read && p->pending == 0 && !p->done;
	if (complete)
		p->done = true;
	pthread_mutex_unlock(&run->c->data->lock);
	if (!complete)
		return true;
	/* What was refused must be safe before the journal calls p done. */
	if (p->quarantined > 0 && run->c->quarantine != NULL &&
	    !quarantine_sync(run->c->quarantine, err))
		return false;
	return part_record_done(p, run->c->journal, err);
}

/* The partitions still to be done of the moves that are streams, or of the
 * others. */
static bool
list_todo(struct copy_run *run, struct err *err)
{
	struct data *d = run->c->data;
	size_t i, j, n = 0;

	for (i = 0; i < d->n_moves; i++)
		n += d->moves[i].n_parts;
	run->todo = calloc(n + 1, sizeof(struct part *));
	run->begun = calloc(d->n_moves + 1, sizeof(*run->begun));
	if (run->todo == NULL || run->begun == NULL)
		return err_nomem(err, "partitions");
	for (i = 0; i < d->n_moves; i++) {
		if (run->which != COPY_ALL &&
		    d->moves[i].stream != (run->which == COPY_STREAMS))
			continue;
		for (j = 0; j < d->moves[i].n_parts; j++) {
			if (!d->moves[i].parts[j].done)
				run->todo[run->n_todo++] = &d->moves[i].parts[j];
		}
	}
	return true;
}

static unsigned
at_least_one(unsigned n)
{

	return n > 0 ? n : 1;
}

static bool
build_stages(struct copy_run *run, struct pipeline *p, unsigned workers)
{
	bool from_archive = run->c->data->source.kind != END_MONGO;
	bool to_archive = run->c->out != NULL;
	struct pipeline_stage stages[] = {
		{ "reading", from_archive ? 1 : at_least_one(workers / 2),
		    from_archive ? copy_read_archive : copy_read, run,
		    run->read },
		{ "rewriting", at_least_one(workers / 2), copy_rewrite, run,
		    run->rewritten },
		{ "writing", to_archive ? 1 : workers,
		    to_archive ? copy_write_archive : copy_write, run, NULL },
	};
	size_t i;

	for (i = 0; i < sizeof(stages) / sizeof(stages[0]); i++) {
		if (!pipeline_add(p, &stages[i]))
			return false;
	}
	return pipeline_watch_credit(p, run->credit);
}

/* A batch that is written costs nine times its size (measured: the driver's
 * buffer doubles, then there is the message in one piece, and compressed). */
static unsigned
largest_stretch(const struct copy_run *run, size_t drivers)
{
	size_t copies = 9 * (size_t)run->c->job->workers;

	return at_least_one((unsigned)(drivers / copies / run->batch_bytes));
}

/* Three eighths of the memory for batches in flight; the rest is for the
 * copies that the driver makes of them on both sides. */
static bool
run_pipeline(struct copy *c, enum copy_which which, unsigned workers,
    struct err *err)
{
	struct copy_run run = { .c = c, .which = which };
	struct pipeline *p = NULL;
	size_t budget = c->job->memory / 8 * 3;
	bool ok = false;

	run.batch_bytes = budget / 16 < BATCH_BYTES ? budget / 16 : BATCH_BYTES;
	if (!list_todo(&run, err))
		goto out;
	if (run.n_todo == 0) {
		ok = true;
		goto out;
	}
	run.credit = credit_new(budget);
	run.stretch = stretch_new(largest_stretch(&run,
	    c->job->memory - budget));
	run.pace = pace_new(c->job->options->bandwidth);
	run.read = queue_new(QUEUE_ITEMS, budget / 2, batch_free);
	run.rewritten = queue_new(QUEUE_ITEMS, budget / 2, batch_free);
	p = pipeline_new();
	if (run.credit == NULL || run.stretch == NULL || run.pace == NULL ||
	    run.read == NULL || run.rewritten == NULL || p == NULL ||
	    !build_stages(&run, p, workers)) {
		err_nomem(err, "pipeline");
		goto out;
	}
	ok = pipeline_run(p, err);
out:
	pipeline_free(p);
	queue_free(run.rewritten);
	queue_free(run.read);
	pace_free(run.pace);
	stretch_free(run.stretch);
	credit_free(run.credit);
	free(run.begun);
	free(run.todo);
	return ok;
}

/* Sums the partitions' results into their move. */
static void
sum_up(struct move *m)
{
	size_t i;

	memset(&m->source, 0, sizeof(m->source));
	memset(&m->rewritten, 0, sizeof(m->rewritten));
	m->quarantined = 0;
	m->kept = 0;
	for (i = 0; i < m->n_parts; i++) {
		const struct part *p = &m->parts[i];

		tally_add(&m->source, &p->expected);
		tally_add(&m->source, &p->quarantined_tally);
		rewrite_counts_add(&m->rewritten, &p->counts);
		m->quarantined += p->quarantined;
		m->kept += p->kept;
	}
}

static void
begin_progress(struct copy *c)
{
	size_t i, j;

	for (i = 0; i < c->data->n_moves; i++) {
		struct move *m = &c->data->moves[i];

		if (m->info->type == COLLECTION_VIEW)
			continue;
		m->progress = progress_item_new(c->job->progress,
		    c->write ? "copy" : "read", m->target_ns);
		progress_item_total(m->progress, m->info->count,
		    m->info->bytes);
		for (j = 0; j < m->n_parts; j++) {
			if (m->parts[j].done)
				progress_item_add(m->progress,
				    m->parts[j].expected.count,
				    m->parts[j].expected.bytes);
		}
	}
}

static bool
any_stream(const struct data *d)
{
	size_t i;

	for (i = 0; i < d->n_moves; i++) {
		if (d->moves[i].stream)
			return true;
	}
	return false;
}

bool
copy_run(struct copy *c, struct err *err)
{
	bool ok;
	size_t i;

	begin_progress(c);
	/* What comes through a pipe comes once. */
	if (c->data->source.place.stream)
		ok = run_pipeline(c, COPY_ALL, any_stream(c->data) ? 1 :
		    c->job->workers, err);
	else
		ok = run_pipeline(c, COPY_RANGES, c->job->workers, err) &&
		    run_pipeline(c, COPY_STREAMS, 1, err);
	for (i = 0; i < c->data->n_moves; i++) {
		sum_up(&c->data->moves[i]);
		progress_item_finish(c->data->moves[i].progress);
	}
	return ok;
}
