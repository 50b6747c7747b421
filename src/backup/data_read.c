#include <stdlib.h>
#include <string.h>

#include "backup/data_internal.h"
#include "base/cancel.h"
#include "bson/docrun.h"
#include "job/moment.h"

#define DOC_MAX ((size_t)16 * 1024 * 1024 + 16 * 1024)
#define RUNS_FIRST 16

struct reader {
	struct data_run *run;
	struct backup_part *part;
	struct mongo_cursor *cursor;
	struct moment_read at;
	struct docrun cut;
	struct batch *batch;	/* the run at hand; NULL: none */
};

void
data_item_free(void *arg)
{
	struct data_item *item = arg;

	if (item == NULL)
		return;
	batch_free(item->batch);
	free(item);
}

/* Room for one more run; where it stands is *index. */
static bool
add_run(struct data_run *run, struct backup_part *p, const struct batch *b,
    size_t *index, struct err *err)
{
	pthread_mutex_t *lock = &run->backup->data.lock;
	struct backup_run *grown = p->runs;
	bool ok = true;

	pthread_mutex_lock(lock);
	if (p->n_runs == 0 || (p->n_runs >= RUNS_FIRST &&
	    (p->n_runs & (p->n_runs - 1)) == 0)) {
		grown = realloc(p->runs, (p->n_runs == 0 ? RUNS_FIRST :
		    2 * p->n_runs) * sizeof(*grown));
		ok = grown != NULL;
	}
	if (ok) {
		p->runs = grown;
		*index = p->n_runs++;
		memset(&grown[*index], 0, sizeof(*grown));
		grown[*index].bytes = b->docs.len;
		grown[*index].documents = b->n;
	}
	pthread_mutex_unlock(lock);
	return ok || err_nomem(err, "runs");
}

bool
data_hand_on(struct data_run *run, struct backup_part *part, struct batch *b,
    struct err *err)
{
	struct data_item *item;

	if (b == NULL || b->n == 0) {
		batch_free(b);
		return true;
	}
	if (b->docs.cap > b->charged) {
		credit_take_now(b->credit, b->docs.cap - b->charged);
		b->charged = b->docs.cap;
	}
	if ((item = calloc(1, sizeof(*item))) == NULL) {
		batch_free(b);
		return err_nomem(err, "run");
	}
	item->part = part;
	item->epoch = part->epoch;
	item->batch = b;
	if (!add_run(run, part, b, &item->index, err)) {
		data_item_free(item);
		return false;
	}
	if (!pace_wait(run->pace, b->docs.len)) {
		data_item_free(item);
		return cancel_err(err);
	}
	if (queue_push(run->queue, item, b->docs.len))
		return true;
	data_item_free(item);
	return err_set(err, ERR_CANCELLED, "reading: stopped");
}

struct batch *
data_begin(struct data_run *run, struct err *err)
{
	struct batch *b;

	if (!credit_take(run->credit, DOCRUN_MAX)) {
		err_set(err, ERR_CANCELLED, "reading: stopped");
		return NULL;
	}
	b = batch_new(DOCRUN_MAX + DOC_MAX, run->credit, DOCRUN_MAX);
	if (b == NULL) {
		credit_give(run->credit, DOCRUN_MAX);
		err_nomem(err, "run");
		return NULL;
	}
	/* One allocation instead of a ladder of doublings. */
	buf_reserve(&b->docs, DOCRUN_MAX);
	return b;
}

/* The run at hand is whole. */
static bool
hand_on(struct reader *r, struct err *err)
{
	struct batch *b = r->batch;

	r->batch = NULL;
	return data_hand_on(r->run, r->part, b, err);
}

static bool
take(struct reader *r, const uint8_t *doc, size_t len, struct err *err)
{

	if (docrun_cuts(&r->cut, doc, len) && !hand_on(r, err))
		return false;
	if (r->batch == NULL && (r->batch = data_begin(r->run, err)) == NULL)
		return false;
	if (!batch_add(r->batch, doc, len))
		return err_nomem(err, "run");
	return true;
}

/* To the end of the partition. */
static bool
read_documents(struct reader *r, struct err *err)
{
	struct progress_item *progress = r->part->part->move->progress;
	const uint8_t *doc;
	size_t len;

	for (;;) {
		if (cancel_requested())
			return cancel_err(err);
		switch (mongo_cursor_next(r->cursor, &doc, &len, err)) {
		case MONGO_END:
			return hand_on(r, err);
		case MONGO_FAILED:
			if (moment_mend(&r->at, r->cursor, err))
				continue;
			return false;
		case MONGO_DOC:
			break;
		}
		r->at.losses = 0;
		if (!take(r, doc, len, err))
			return false;
		progress_item_add(progress, 1, len);
	}
}

/* What was read of the partition is void. */
static void
start_over(struct reader *r)
{
	pthread_mutex_t *lock = &r->run->backup->data.lock;

	batch_free(r->batch);
	r->batch = NULL;
	r->cut.len = 0;
	r->at.anew = false;
	pthread_mutex_lock(lock);
	r->part->epoch++;
	r->part->n_runs = 0;
	memset(&r->part->tally, 0, sizeof(r->part->tally));
	pthread_mutex_unlock(lock);
}

static bool
read_part(struct data_run *run, struct backup_part *part,
    struct mongo_session *session, struct err *err)
{
	struct move *m = part->part->move;
	struct mongo_read read = {
		.ns = m->read_ns,
		.info = m->info,
		.range = m->stream ? NULL : &part->part->range,
		.batch_bytes = run->reply_bytes,
		.patience_ms = run->backup->job->patience_ms,
	};
	struct reader r = {
		.run = run, .part = part, .cut = { .seed = run->seed },
		.at = { .moment = run->backup->data.moment,
		    .session = session, .move = m },
	};
	bool ok;

	if (!moment_begin(&r.at, err))
		return false;
	do {
		if (r.at.anew)
			start_over(&r);
		read.at = moment_at(&r.at);
		r.cursor = mongo_cursor_new(session, &read, err);
		if (r.cursor == NULL)
			return false;
		ok = read_documents(&r, err);
		mongo_cursor_free(r.cursor);
	} while (!ok && r.at.anew);
	batch_free(r.batch);
	part->part->at = r.at.at;
	if (!ok && err->kind != ERR_CANCELLED)
		err_prefix(err, "source: %s", m->info->ns);
	return ok;
}

bool
data_read(void *arg, unsigned worker, struct err *err)
{
	struct data_run *run = arg;
	struct backup_data *b = run->backup;
	struct mongo_session *session;
	bool ok = true;
	size_t i;

	(void)worker;
	if ((session = mongo_session_new(b->data.source.server, err)) == NULL)
		return err_prefix(err, "source");
	while (ok && (i = atomic_fetch_add(&run->next, 1)) < b->n_parts)
		ok = read_part(run, &b->parts[i], session, err);
	mongo_session_free(session);
	return ok;
}
