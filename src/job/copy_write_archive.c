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

static bool
is_whole(const struct copy_run *run, const struct move *m)
{
	bool whole = true;
	size_t i;

	pthread_mutex_lock(&run->c->data->lock);
	for (i = 0; i < m->n_parts && whole; i++)
		whole = m->parts[i].done;
	pthread_mutex_unlock(&run->c->data->lock);
	return whole;
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
	if (b->n > 0 && !archive_out_write(run->c->out, i, b->docs.data,
	    b->docs.len, err))
		return err_prefix(err, "target");
	if (!acknowledge(run, b, err))
		return false;
	return !is_whole(run, m) || archive_out_end(run->c->out, i, err) ||
	    err_prefix(err, "target");
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
