#include <string.h>

#include "base/cancel.h"
#include "job/copy_internal.h"
#include "job/moment.h"
#include "job/target.h"

#define DOC_MAX ((size_t)16 * 1024 * 1024 + 16 * 1024)

/* What the next batch will probably need: its size, or two average documents
 * where those are large. */
static size_t
foreseen(size_t bytes, const struct collection_info *info)
{
	uint64_t average = info->count > 0 ? info->bytes / info->count : 0;

	return 2 * average > bytes ? (size_t)(2 * average) : bytes;
}

/* Charges what the batch holds beyond what was foreseen. */
static void
settle(struct batch *b)
{

	if (b->docs.cap > b->charged) {
		credit_take_now(b->credit, b->docs.cap - b->charged);
		b->charged = b->docs.cap;
	}
}

enum filled { FILLED, LAST, FAILED };

/* One partition's cursor and the time it reads at. */
struct reader {
	struct mongo_cursor *cursor;
	struct moment_read at;
};

/* Reads documents until the batch is full or the partition ends. */
static enum filled
fill(struct copy_run *run, struct reader *r, struct batch *b, struct err *err)
{
	size_t times = stretch_now(run->stretch), len;
	const uint8_t *doc;

	while (b->docs.len < times * run->batch_bytes &&
	    b->n < times * COPY_BATCH_DOCS) {
		if (cancel_requested()) {
			cancel_err(err);
			return FAILED;
		}
		switch (mongo_cursor_next(r->cursor, &doc, &len, err)) {
		case MONGO_END:
			return LAST;
		case MONGO_FAILED:
			if (moment_mend(&r->at, r->cursor, err))
				continue;
			return FAILED;
		case MONGO_DOC:
			break;
		}
		r->at.losses = 0;
		/* A large one waits for nobody: it is in memory already. */
		if (!batch_add(b, doc, len)) {
			err_nomem(err, "batch");
			return FAILED;
		}
	}
	return FILLED;
}

bool
copy_hand_on(struct copy_run *run, struct part *p, struct batch *b,
    struct err *err)
{

	if (!pace_wait(run->pace, b->docs.len)) {
		batch_free(b);
		return cancel_err(err);
	}
	if (b->n == 0) {
		batch_free(b);
		return true;
	}
	settle(b);
	b->part = p;
	pthread_mutex_lock(&run->c->data->lock);
	p->pending++;
	pthread_mutex_unlock(&run->c->data->lock);
	if (queue_push(run->read, b, b->docs.len))
		return true;
	batch_free(b);
	return err_set(err, ERR_CANCELLED, "reading: stopped");
}

struct batch *
copy_batch_new(struct copy_run *run, const struct collection_info *info,
    struct err *err)
{
	size_t bytes = stretch_now(run->stretch) * run->batch_bytes;
	size_t need = foreseen(bytes, info);
	struct batch *b;

	if (!credit_take(run->credit, need)) {
		err_set(err, ERR_CANCELLED, "reading: stopped");
		return NULL;
	}
	b = batch_new(bytes + DOC_MAX, run->credit, need);
	if (b == NULL) {
		credit_give(run->credit, need);
		err_nomem(err, "batch");
		return NULL;
	}
	/* One allocation instead of a ladder of doublings. */
	buf_reserve(&b->docs, bytes);
	return b;
}

static bool
read_batches(struct copy_run *run, struct part *p, struct reader *r,
    struct err *err)
{
	enum filled filled;
	struct batch *b;

	do {
		if ((b = copy_batch_new(run, p->move->info, err)) == NULL)
			return false;
		filled = fill(run, r, b, err);
		if (filled == FAILED) {
			batch_free(b);
			return false;
		}
		if (!copy_hand_on(run, p, b, err))
			return false;
	} while (filled != LAST);
	p->at = r->at.at;
	return copy_part_progress(run, p, false, true, err);
}

/* Waits until all that was read of p is acknowledged. */
static bool
drain(struct copy_run *run, struct part *p, struct err *err)
{
	size_t pending;

	for (;;) {
		pthread_mutex_lock(&run->c->data->lock);
		pending = p->pending;
		pthread_mutex_unlock(&run->c->data->lock);
		if (pending == 0)
			return true;
		if (!cancel_sleep(20))
			return cancel_err(err);
		/* Granted unless another stage has failed. */
		if (!credit_take(run->credit, 1))
			return err_set(err, ERR_CANCELLED, "reading: stopped");
		credit_give(run->credit, 1);
	}
}

/* A stream whose time is gone begins again with nothing on the target. */
static bool
start_over(struct copy_run *run, struct part *p, struct err *err)
{
	struct data *d = run->c->data;

	if (!drain(run, p, err) || (run->c->write &&
	    !target_remake(d, p->move, err)))
		return false;
	if (run->c->quarantine != NULL && p->quarantined > 0 &&
	    !quarantine_forget(run->c->quarantine, p->move->info->ns, err))
		return false;
	pthread_mutex_lock(&d->lock);
	memset(&p->expected, 0, sizeof(p->expected));
	memset(&p->counts, 0, sizeof(p->counts));
	memset(&p->quarantined_tally, 0, sizeof(p->quarantined_tally));
	p->quarantined = 0;
	p->kept = 0;
	pthread_mutex_unlock(&d->lock);
	return true;
}

static bool
read_part(struct copy_run *run, struct mongo_session *session, struct part *p,
    struct err *err)
{
	struct mongo_read read = {
		.ns = p->move->read_ns,
		.info = p->move->info,
		.range = p->move->stream ? NULL : &p->range,
		.filter = run->c->data->query.data != NULL ?
		    &run->c->data->query : NULL,
		.batch_bytes = run->batch_bytes,
		.patience_ms = run->c->job->patience_ms,
	};
	struct reader r = { .at = {
		.moment = run->c->data->moment, .session = session,
		.move = p->move,
	} };
	bool ok;

	if (!moment_begin(&r.at, err))
		return false;
	do {
		if (r.at.anew && !start_over(run, p, err))
			return false;
		r.at.anew = false;
		read.at = moment_at(&r.at);
		r.cursor = mongo_cursor_new(session, &read, err);
		if (r.cursor == NULL)
			return false;
		ok = read_batches(run, p, &r, err);
		mongo_cursor_free(r.cursor);
	} while (!ok && r.at.anew);
	if (!ok && err->kind != ERR_CANCELLED)
		err_prefix(err, "source: %s", p->move->info->ns);
	return ok;
}

bool
copy_read(void *arg, unsigned worker, struct err *err)
{
	struct copy_run *run = arg;
	struct mongo_session *session;
	bool ok = true;
	size_t i;

	(void)worker;
	session = mongo_session_new(run->c->data->source.server, err);
	if (session == NULL)
		return err_prefix(err, "source");
	while (ok && (i = atomic_fetch_add(&run->next, 1)) < run->n_todo)
		ok = copy_gate(run, run->todo[i]->move, err) &&
		    read_part(run, session, run->todo[i], err);
	mongo_session_free(session);
	return ok;
}
