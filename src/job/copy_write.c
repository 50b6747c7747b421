#include <string.h>

#include "base/cancel.h"
#include "bson/docdigest.h"
#include "job/copy_internal.h"
#include "mongo/sink.h"

#define CODE_VALIDATION 121

/* One writer: a session, and a sink for the collection it wrote last. */
struct writer {
	struct copy_run *run;
	struct mongo_session *session;
	struct mongo_sink *sink;
	struct part *part;	/* of the batch that is being written */
	struct tally refused;	/* of that batch */
	bool failed;		/* the quarantine could not take one */
	struct err err;
};

static const char *
reason_of(const struct writer *w, const struct mongo_refusal *r)
{

	if (r->code == CODE_VALIDATION)
		return "validation";
	if (!r->unique)
		return "refused";
	/* The source held both under the same unique index: only rewriting can
	 * have made them equal. */
	return match_rules_count(w->run->c->job->rules) > 0 ?
	    "rewrite_collision" : "unique_index";
}

static void
on_refused(void *arg, const struct mongo_refusal *r)
{
	struct writer *w = arg;
	struct tally t = { 1, r->len, docdigest(r->doc, r->len) };
	struct copy_refusal refusal = {
		.part = w->part, .doc = r->doc, .len = r->len,
		.reason = reason_of(w, r), .message = r->message,
	};

	tally_add(&w->refused, &t);
	if (!w->failed && !copy_quarantine(w->run, &refusal, &w->err))
		w->failed = true;
}

static enum mongo_on_conflict
conflict_mode(const struct copy *c)
{

	/* What stands in a namespace of ours is ours from an interrupted run. */
	if (c->ours)
		return MONGO_CONFLICT_REPLACE;
	switch (c->job->options->on_conflict) {
	case SPACEFERRY_SKIP:
		return MONGO_CONFLICT_KEEP;
	case SPACEFERRY_REPLACE:
		return MONGO_CONFLICT_REPLACE;
	case SPACEFERRY_ABORT:
		break;
	}
	return MONGO_CONFLICT_REFUSE;
}

/* The sink for p's collection: the one at hand or a new one. */
static bool
change_sink(struct writer *w, struct part *p, struct err *err)
{
	struct copy *c = w->run->c;
	struct mongo_sink_options options = {
		.ns = p->move->write_ns,
		.on_conflict = conflict_mode(c),
		.timeseries = p->move->info->type == COLLECTION_TIMESERIES &&
		    !p->move->buckets,
		.in_order = p->move->info->capped,
		.patience_ms = c->job->patience_ms,
		.refused = on_refused,
		.arg = w,
	};

	if (w->part != NULL && w->part->move == p->move) {
		w->part = p;
		return true;
	}
	mongo_sink_free(w->sink);
	w->part = p;
	w->sink = mongo_sink_new(w->session, &options, err);
	return w->sink != NULL;
}

/* Where operations are slow, larger ones may be better: see stretch.h. */
static void
tell_time(struct copy_run *run, const struct batch *b, uint64_t began)
{
	size_t times = stretch_now(run->stretch);

	if (4 * b->docs.len > 3 * times * run->batch_bytes ||
	    4 * b->n > 3 * times * COPY_BATCH_DOCS)
		stretch_tell(run->stretch, b->docs.len, cancel_now() - began);
}

static bool
write_failed(const struct move *m, struct err *err)
{

	if (m->buckets && err->kind == ERR_DENIED)
		err_hint(err, "a time-series of an archive is written as its "
		    "buckets, which the roles readWrite and restore may; "
		    "--restart --exclude %s leaves it out", m->info->ns);
	return err_prefix(err, "target: %s", m->target_ns);
}

static bool
write_batch(struct writer *w, struct batch *b, struct err *err)
{
	struct mongo_written written;
	uint64_t began;
	bool ok;

	memset(&written, 0, sizeof(written));
	memset(&w->refused, 0, sizeof(w->refused));
	if (cancel_requested())
		return cancel_err(err);
	if (!change_sink(w, b->part, err))
		return false;
	atomic_store(&w->run->c->job->changed, true);
	began = cancel_now();
	ok = b->n == 0 || mongo_sink_write(w->sink, b->docs.data, b->docs.len,
	    b->n, &written, err);
	job_repeated_documents(w->run->c->job, written.equal + written.replaced,
	    written.there_bytes);
	if (!ok)
		return write_failed(w->part->move, err);
	tell_time(w->run, b, began);
	if (w->failed) {
		*err = w->err;
		return false;
	}
	pthread_mutex_lock(&w->run->c->data->lock);
	w->part->kept += written.kept;
	pthread_mutex_unlock(&w->run->c->data->lock);
	return true;
}

/* The batch is where it belongs: its tally is now expected of the target. */
static bool
acknowledge(struct writer *w, struct batch *b, struct err *err)
{
	struct part *p = b->part;

	pthread_mutex_lock(&w->run->c->data->lock);
	tally_add(&p->expected, &b->target);
	p->expected.count -= w->refused.count;
	p->expected.bytes -= w->refused.bytes;
	digest_subtract(&p->expected.digest, w->refused.digest);
	pthread_mutex_unlock(&w->run->c->data->lock);
	progress_item_add(p->move->progress, b->target.count,
	    b->target.bytes);
	return copy_part_progress(w->run, p, true, false, err);
}

bool
copy_write(void *arg, unsigned number, struct err *err)
{
	struct copy_run *run = arg;
	struct writer w = { .run = run };
	struct batch *b;
	bool ok = true;

	(void)number;
	if (run->c->write) {
		w.session = mongo_session_new(run->c->data->target.server, err);
		if (w.session == NULL)
			return err_prefix(err, "target");
	}
	while (ok && (b = queue_pop(run->rewritten)) != NULL) {
		if (run->c->write)
			ok = write_batch(&w, b, err);
		ok = ok && acknowledge(&w, b, err);
		batch_free(b);
	}
	mongo_sink_free(w.sink);
	mongo_session_free(w.session);
	return ok;
}
