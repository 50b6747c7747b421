#include "backup/data_internal.h"
#include "bson/docdigest.h"

static struct tally
sum(const struct batch *b)
{
	struct tally all = { 0 };
	const uint8_t *doc;
	size_t at = 0, len;

	while ((doc = batch_next(b, &at, &len)) != NULL) {
		struct tally one = { 1, len, docdigest(doc, len) };

		tally_add(&all, &one);
	}
	return all;
}

static bool
store(struct data_run *run, struct repo_session *s,
    const struct data_item *item, struct err *err)
{
	struct backup_part *p = item->part;
	pthread_mutex_t *lock = &run->backup->data.lock;
	const struct batch *b = item->batch;
	struct tally tally = sum(b);
	struct repo_blob blob = { .stored = 0 };
	bool fresh;

	if (s != NULL && (!repo_put(s, b->docs.data, b->docs.len, &blob, &fresh,
	    err) || !repo_note_progress(s, false, err)))
		return false;
	pthread_mutex_lock(lock);
	if (p->epoch == item->epoch) {
		p->runs[item->index].blob = blob;
		p->runs[item->index].stored = true;
		tally_add(&p->tally, &tally);
	}
	pthread_mutex_unlock(lock);
	return true;
}

bool
data_store(void *arg, unsigned worker, struct err *err)
{
	struct data_run *run = arg;
	struct repo_session *s = NULL;
	struct data_item *item;
	bool ok = true;

	(void)worker;
	if (run->backup->repo != NULL &&
	    (s = repo_session_new(run->backup->repo, err)) == NULL)
		return false;
	while (ok && (item = queue_pop(run->queue)) != NULL) {
		ok = store(run, s, item, err);
		data_item_free(item);
	}
	repo_session_free(s);
	return ok;
}
