#include <stdlib.h>
#include <string.h>

#include "base/cancel.h"
#include "bson/doc.h"
#include "job/delta_internal.h"
#include "job/drill_name.h"
#include "mongo/remove.h"

#define CODE_VALIDATION 121
#define BATCH_BYTES ((size_t)1024 * 1024)
#define BATCH_DOCS 1000
#define ID_TEXT_MAX 4096

/* One thread's: what it was told and has not written yet, of one collection. */
struct delta_writer {
	struct delta *delta;
	struct mongo_session *session;	/* made when there is something */
	struct mongo_session *source;	/* made when something is removed */
	struct mongo_sink *sink;
	struct move *move;
	struct buf inserts;
	struct buf changed;
	struct buf old;		/* what the target has in their places */
	struct buf removals;	/* {"_id": …} */
	size_t n, n_removals;
	bool replacing;		/* what is refused now was to replace another */
	bool failed;		/* the quarantine could not take one */
	struct err err;
};

struct delta_move *
delta_of(const struct delta *d, const struct move *m)
{

	return &d->moves[m - d->data->moves];
}

bool
delta_is_stream(const struct move *m)
{

	return m->stream;
}

/* --- what does not get in --- */

const char *
delta_reason(const struct delta *d, const struct mongo_refusal *r)
{

	if (r->code == CODE_VALIDATION)
		return "validation";
	if (!r->unique)
		return "refused";
	return match_rules_count(d->job->rules) > 0 ? "rewrite_collision" :
	    "unique_index";
}

static const char *
remedy(const struct delta *d, const char *reason)
{

	if (strcmp(reason, "too_large") != 0 &&
	    strcmp(reason, "validation") != 0 && !d->job->options->delete_extra)
		return "kept in the quarantine; if a document that only the "
		    "target has is in its way, --delete removes that";
	return "it is kept in the quarantine folder as raw BSON";
}

bool
delta_quarantine(struct delta *d, const struct delta_refusal *r,
    struct err *err)
{
	struct quarantined q = {
		.ns = r->move->info->ns, .doc = r->doc, .len = r->len,
		.reason = r->reason, .message = r->message,
	};
	struct buf id;
	bool ok = true;

	buf_init(&id, ID_TEXT_MAX);
	if (!doc_id_json(r->doc, r->len, &id) || (q.id = buf_str(&id)) == NULL)
		q.id = "null";
	pthread_mutex_lock(&d->data->lock);
	delta_of(d, r->move)->quarantined++;
	pthread_mutex_unlock(&d->data->lock);
	report_error(&d->job->report, r->reason, remedy(d, r->reason),
	    "%s _id %s: %s", q.ns, q.id, r->message);
	if (d->write)
		ok = quarantine_add(d->run->quarantine, &q, err);
	buf_free(&id);
	return ok;
}

bool
delta_too_large(void *arg, struct move *m, const uint8_t *doc, size_t len,
    struct err *err)
{
	struct delta *d = arg;
	struct delta_refusal refusal = {
		.move = m, .doc = doc, .len = len, .reason = "too_large",
		.message = "rewriting makes it larger than 16 MiB",
	};

	pthread_mutex_lock(&d->data->lock);
	delta_of(d, m)->left_out = true;
	pthread_mutex_unlock(&d->data->lock);
	return d->quiet || delta_quarantine(d, &refusal, err);
}

/* A unique index may let it in later, when all else is in its place. */
static bool
is_kept(const struct delta_writer *w, const struct mongo_refusal *r)
{
	struct delta_refused refused = {
		.move = w->move, .len = r->len, .replaces = w->replacing,
	};
	struct delta *d = w->delta;
	bool kept;

	if (!r->unique)
		return false;
	pthread_mutex_lock(&d->data->lock);
	kept = delta_pool_add(&d->pool, &refused, r->doc);
	if (!kept && !d->last)
		kept = delta_of(d, w->move)->again = true;
	pthread_mutex_unlock(&d->data->lock);
	return kept;
}

static void
on_refused(void *arg, const struct mongo_refusal *r)
{
	struct delta_writer *w = arg;
	struct delta_refusal refusal = {
		.move = w->move, .doc = r->doc, .len = r->len,
		.reason = delta_reason(w->delta, r), .message = r->message,
	};

	if (!is_kept(w, r) && !w->failed &&
	    !delta_quarantine(w->delta, &refusal, &w->err))
		w->failed = true;
}

bool
delta_may_remove(struct delta *d, uint64_t n, struct err *err)
{
	uint64_t most;
	bool may;

	if (!job_max_delete(d->job, &most) || n == 0)
		return true;
	pthread_mutex_lock(&d->data->lock);
	may = d->promised + n <= most;
	if (may)
		d->promised += n;
	pthread_mutex_unlock(&d->data->lock);
	if (may)
		return true;
	err_set(err, ERR_CONFLICT, "more documents are only on the target than "
	    "when they were counted, and more than --max-delete %llu allows to "
	    "remove", (unsigned long long)most);
	return err_hint(err, "see who writes to the target; the same command "
	    "counts again");
}

/* --- writing --- */

static bool
open_sink(struct delta_writer *w, struct move *m, struct err *err)
{
	struct delta *d = w->delta;
	struct mongo_sink_options options = {
		.ns = m->write_ns,
		.on_conflict = MONGO_CONFLICT_REPLACE,
		.patience_ms = d->job->patience_ms,
		.refused = on_refused,
		.arg = w,
	};

	if (w->session == NULL && (w->session = mongo_session_new(
	    d->data->target.server, err)) == NULL)
		return err_prefix(err, "target");
	mongo_sink_free(w->sink);
	w->move = m;
	w->sink = mongo_sink_new(w->session, &options, err);
	return w->sink != NULL;
}

/* The source is asked whether what it had is there still. */
static bool
guard(struct delta_writer *w, struct err *err)
{
	struct data *d = w->delta->data;

	if (d->source.kind == END_MONGO && w->source == NULL &&
	    (w->source = mongo_session_new(d->source.server, err)) == NULL)
		return err_prefix(err, "source");
	return delta_guard_source(d, w->source, w->move, err);
}

static bool
remove_some(struct delta_writer *w, struct delta_move *more, struct err *err)
{
	struct mongo_ids ids = {
		w->move->write_ns, w->removals.data, w->removals.len,
	};

	if (w->n_removals == 0)
		return true;
	if (!guard(w, err))
		return false;
	/* What is taken away comes back. */
	if (w->delta->taking)
		return mongo_remove(w->session, &ids, &more->taken, err);
	return delta_may_remove(w->delta, w->n_removals, err) &&
	    mongo_remove(w->session, &ids, &more->deleted, err);
}

static bool
write_documents(struct delta_writer *w, struct mongo_written *written,
    struct err *err)
{
	struct mongo_replacements both = {
		w->changed.data, w->changed.len, w->old.data, w->old.len,
	};

	if (!pace_wait(w->delta->pace, w->inserts.len + w->changed.len))
		return cancel_err(err);
	w->replacing = true;
	if (!mongo_sink_replace(w->sink, &both, written, err))
		return false;
	w->replacing = false;
	if (!mongo_sink_write(w->sink, w->inserts.data, w->inserts.len, 0,
	    written, err))
		return false;
	if (w->failed)
		*err = w->err;
	return !w->failed;
}

static void
count(struct delta *d, const struct move *m, const struct delta_move *more,
    uint64_t bytes)
{
	struct delta_move *of = delta_of(d, m);

	pthread_mutex_lock(&d->data->lock);
	of->inserted += more->inserted;
	of->replaced += more->replaced;
	of->deleted += more->deleted;
	of->taken += more->taken;
	d->bytes += bytes;
	pthread_mutex_unlock(&d->data->lock);
}

static bool
flush(struct delta_writer *w, struct err *err)
{
	struct mongo_written written = { 0 };
	struct delta_move more = { 0 };
	bool ok;

	if (w->n == 0)
		return true;
	if (cancel_requested())
		return cancel_err(err);
	atomic_store(&w->delta->job->changed, true);
	ok = remove_some(w, &more, err) &&
	    write_documents(w, &written, err);
	more.inserted = written.inserted;
	more.replaced = written.replaced;
	count(w->delta, w->move, &more, ok ?
	    w->inserts.len + w->changed.len : 0);
	w->n = w->n_removals = 0;
	buf_reset(&w->inserts);
	buf_reset(&w->changed);
	buf_reset(&w->old);
	buf_reset(&w->removals);
	return ok || err_prefix(err, "target: %s", w->move->target_ns);
}

/* --- what drill tells --- */

enum act { NOTHING, INSERT, REPLACE, REMOVE };

static enum act
act_of(const struct delta *d, const struct drill_found *f)
{
	struct drill_judgement j = drill_judge(d->job, f);

	if (j.counter == &f->move->missing)
		return INSERT;
	if (j.counter == &f->move->different)
		return REPLACE;
	/* One that is due is the server's to remove. */
	return j.counter == &f->move->extra ? REMOVE : NOTHING;
}

static void
note_stream(struct delta *d, const struct drill_found *f, enum act act)
{
	struct delta_move *of = delta_of(d, f->move);

	pthread_mutex_lock(&d->data->lock);
	of->differs = true;
	of->deleted += act == REMOVE;
	pthread_mutex_unlock(&d->data->lock);
}

static bool
add(struct delta_writer *w, const struct drill_found *f, enum act act,
    struct err *err)
{
	bool ok = false;

	if (w->move != f->move &&
	    (!flush(w, err) || !open_sink(w, f->move, err)))
		return false;
	switch (act) {
	case NOTHING:
		return true;
	case INSERT:
		ok = buf_append(&w->inserts, f->source, f->source_len);
		break;
	case REPLACE:
		ok = buf_append(&w->changed, f->source, f->source_len) &&
		    buf_append(&w->old, f->target, f->target_len);
		break;
	case REMOVE:
		ok = doc_id(f->target, f->target_len, &w->removals);
		w->n_removals++;
		break;
	}
	if (!ok)
		return err_nomem(err, "documents that differ");
	if (++w->n < BATCH_DOCS && w->inserts.len + w->changed.len +
	    w->old.len + w->removals.len < BATCH_BYTES)
		return true;
	return flush(w, err);
}

/* Where all of a collection is gone through again, the first pass leaves the
 * rest of it alone, and one pass only makes room. */
static enum act
act_now(struct delta *d, const struct drill_found *f, enum act act)
{
	bool again;

	if (d->selected != NULL && !d->selected[f->move - d->data->moves])
		return NOTHING;
	if (act != INSERT && act != REPLACE)
		return d->taking ? NOTHING : act;
	if (d->taking)
		return act == REPLACE ? REMOVE : NOTHING;
	pthread_mutex_lock(&d->data->lock);
	again = delta_of(d, f->move)->again;
	pthread_mutex_unlock(&d->data->lock);
	return again && !d->last ? NOTHING : act;
}

static bool
found(void *arg, const struct drill_found *f, struct err *err)
{
	struct delta_writer *w = arg;
	struct delta *d = w->delta;
	enum act act = act_of(d, f);
	struct delta_move more = { .inserted = act == INSERT,
	    .replaced = act == REPLACE, .deleted = act == REMOVE };

	atomic_store(&d->told, true);
	if (act == NOTHING)
		return true;
	if (delta_is_stream(f->move)) {
		note_stream(d, f, act);
		return true;
	}
	if (act == REMOVE && (!d->job->options->delete_extra ||
	    delta_of(d, f->move)->left_out))
		return true;
	if (d->write)
		return add(w, f, act_now(d, f, act), err);
	count(d, f->move, &more, act == REMOVE ? 0 : f->source_len);
	return true;
}

/* --- */

bool
delta_writers_new(struct delta *d, struct err *err)
{
	unsigned i, n = verify_data_threads(d->job);

	d->writers = calloc(n, sizeof(*d->writers));
	d->tellers = calloc(n, sizeof(*d->tellers));
	if (d->writers == NULL || d->tellers == NULL)
		return err_nomem(err, "writers");
	d->n_writers = n;
	for (i = 0; i < n; i++) {
		struct delta_writer *w = &d->writers[i];
		size_t most = BATCH_BYTES + 4 * REWRITE_DOC_MAX;

		w->delta = d;
		buf_init(&w->inserts, most);
		buf_init(&w->changed, most);
		buf_init(&w->old, most);
		buf_init(&w->removals, most);
		d->tellers[i] = (struct drill_teller){
			.both = true, .later = true, .found = found, .arg = w,
		};
	}
	return true;
}

bool
delta_writers_flush(struct delta *d, struct err *err)
{
	unsigned i;

	for (i = 0; i < d->n_writers; i++) {
		if (!flush(&d->writers[i], err))
			return false;
	}
	return true;
}

void
delta_writers_free(struct delta *d)
{
	unsigned i;

	for (i = 0; i < d->n_writers; i++) {
		struct delta_writer *w = &d->writers[i];

		mongo_sink_free(w->sink);
		mongo_session_free(w->session);
		mongo_session_free(w->source);
		buf_free(&w->inserts);
		buf_free(&w->changed);
		buf_free(&w->old);
		buf_free(&w->removals);
	}
	free(d->writers);
	free(d->tellers);
}
