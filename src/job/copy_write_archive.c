#include <stdatomic.h>

#include "base/cancel.h"
#include "job/copy_internal.h"

/* The batch is in the archive: its tally is expected of it. */
static bool
acknowledge(struct copy_run *run, struct batch *b, struct err *err)
{
	struct part *p = b->part;

	pthread_mutex_lock(&run->c->data->lock);
	tally_add(&p->expected, &b->target);
	pthread_mutex_unlock(&run->c->data->lock);
	progress_item_add(p->move->progress, b->target.count,
	    b->target.bytes);
	return copy_part_progress(run, p, true, false, err);
}

/* The gate of the readers. */
#define POLL_MS 2

bool
copy_is_whole(const struct move *m)
{
	size_t i;

	for (i = 0; i < m->n_parts; i++) {
		if (!m->parts[i].done)
			return false;
	}
	return true;
}

static bool
may_begin(struct copy_run *run, const struct move *m)
{
	struct data *d = run->c->data;
	size_t i, n = 0, at = (size_t)(m - d->moves);
	bool may;

	pthread_mutex_lock(&d->lock);
	for (i = 0; i < d->n_moves; i++)
		n += run->begun[i] && !copy_is_whole(&d->moves[i]);
	if (n < COPY_OPEN_MAX)
		run->begun[at] = true;
	may = run->begun[at];
	pthread_mutex_unlock(&d->lock);
	return may;
}

/* Partitions are handed out in the order of their collections, so those before
 * are being read by somebody, and there is an end to wait for. */
bool
copy_gate(struct copy_run *run, const struct move *m, struct err *err)
{

	if (run->c->out == NULL)
		return true;
	while (!may_begin(run, m)) {
		if (!cancel_sleep(POLL_MS))
			return cancel_err(err);
		/* Granted unless another stage has failed. */
		if (!credit_take(run->credit, 1))
			return err_set(err, ERR_CANCELLED, "reading: stopped");
		credit_give(run->credit, 1);
	}
	return true;
}

/* A collection that has become whole since its last batch was written is ended
 * before another begins. */
static bool
end_whole(struct copy_run *run, struct err *err)
{
	struct data *d = run->c->data;
	bool whole;
	size_t i;

	for (i = 0; i < d->n_moves; i++) {
		if (!archive_out_is_open(run->c->out, i))
			continue;
		pthread_mutex_lock(&d->lock);
		whole = copy_is_whole(&d->moves[i]);
		pthread_mutex_unlock(&d->lock);
		if (whole && !archive_out_end(run->c->out, i, err))
			return false;
	}
	return true;
}

static bool
write_batch(struct copy_run *run, struct batch *b, struct err *err)
{
	const struct part *p = b->part;
	const struct move *m = p->move;
	size_t i = (size_t)(m - run->c->data->moves);

	if (cancel_requested())
		return cancel_err(err);
	if (run->c->data->target.place.stream)
		atomic_store(&run->c->job->changed, true);
	if (!archive_out_is_open(run->c->out, i) && !end_whole(run, err))
		return err_prefix(err, "target");
	if (b->n > 0 && !archive_out_write(run->c->out, i, b->docs.data,
	    b->docs.len, err))
		return err_prefix(err, "target");
	return acknowledge(run, b, err);
}

bool
copy_write_archive(void *arg, unsigned worker, struct err *err)
{
	struct copy_run *run = arg;
	struct batch *b;
	bool ok = true;

	(void)worker;
	while (ok && (b = queue_pop(run->rewritten)) != NULL) {
		ok = write_batch(run, b, err);
		batch_free(b);
	}
	return ok;
}
