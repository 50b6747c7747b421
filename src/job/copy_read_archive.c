#include <stdlib.h>
#include <string.h>

#include "job/archive_side.h"
#include "job/archive_users.h"
#include "job/copy_internal.h"

#define BATCH_DOCS 2000
#define OPEN_MAX 4	/* batches that are filled at one time */

/* One collection of the archive.  Its documents come in the order of its
 * partitions, but those of other collections may come in between. */
struct feed {
	struct move *move;	/* NULL: not chosen, or not for this run */
	size_t part;		/* the partition at hand */
	uint64_t seen;		/* documents so far */
	struct batch *batch;	/* being filled; or NULL */
	uint64_t used;		/* when it was last added to */
};

struct feeder {
	struct copy_run *run;
	struct archive_in *in;
	struct feed *feeds;	/* by number in the archive */
	size_t n;
	size_t n_open;
	uint64_t clock;
};

static bool
hand_on(struct feeder *f, struct feed *feed, struct err *err)
{
	struct batch *b = feed->batch;

	if (b == NULL)
		return true;
	feed->batch = NULL;
	f->n_open--;
	return copy_hand_on(f->run, &feed->move->parts[feed->part], b, err);
}

/* Hands on the batch that was added to least recently, until at most most are
 * open: who waits for credit must not hold what others need. */
static bool
close_some(struct feeder *f, size_t most, struct err *err)
{
	struct feed *oldest;
	size_t i;

	while (f->n_open > most) {
		oldest = NULL;
		for (i = 0; i < f->n; i++) {
			if (f->feeds[i].batch != NULL && (oldest == NULL ||
			    f->feeds[i].used < oldest->used))
				oldest = &f->feeds[i];
		}
		if (!hand_on(f, oldest, err))
			return false;
	}
	return true;
}

static bool
open_batch(struct feeder *f, struct feed *feed, struct err *err)
{
	const struct collection_info *info = feed->move->info;
	uint64_t average = info->count > 0 ? info->bytes / info->count : 0;

	if (!close_some(f, 2 * average > f->run->batch_bytes ? 0 :
	    OPEN_MAX - 1, err))
		return false;
	feed->batch = copy_batch_new(f->run, info, err);
	f->n_open += feed->batch != NULL;
	return feed->batch != NULL;
}

/* The partition at hand has been read to its end. */
static bool
end_part(struct feeder *f, struct feed *feed, struct err *err)
{
	struct part *p = &feed->move->parts[feed->part];

	if (!hand_on(f, feed, err))
		return false;
	feed->part++;
	return p->resumed || copy_part_progress(f->run, p, false, true, err);
}

/* Of a pipe, which nobody has read before. */
static bool
take_accounts(struct feeder *f, const struct archive_item *item,
    struct err *err)
{
	struct copy *c = f->run->c;

	return !c->data->source.place.stream ||
	    !c->job->options->users_and_roles ||
	    archive_users_take(&c->data->source.accounts,
	    archive_in_collection(f->in, item->collection), item, err);
}

static bool
add(struct feeder *f, const struct archive_item *item, struct err *err)
{
	struct feed *feed = &f->feeds[item->collection];
	struct move *m = feed->move;
	uint64_t ordinal;

	if (m == NULL)
		return take_accounts(f, item, err);
	ordinal = feed->seen++;
	while (feed->part < m->n_parts && ordinal >= m->parts[feed->part].end) {
		if (!end_part(f, feed, err))
			return false;
	}
	if (feed->part == m->n_parts)
		return err_set(err, ERR_CHANGED, "%s holds more documents than "
		    "before", m->info->ns);
	if (m->parts[feed->part].resumed || item->left_out)
		return true;
	if (feed->batch == NULL && !open_batch(f, feed, err))
		return false;
	if (!batch_add(feed->batch, item->doc, item->len))
		return err_nomem(err, "batch");
	feed->used = ++f->clock;
	if (feed->batch->docs.len < f->run->batch_bytes &&
	    feed->batch->n < BATCH_DOCS)
		return true;
	return hand_on(f, feed, err);
}

/* All of the collection has been seen. */
static bool
end_collection(struct feeder *f, struct feed *feed, struct err *err)
{
	struct move *m = feed->move;

	if (m == NULL)
		return true;
	if (m->n_parts > 0 && m->parts[m->n_parts - 1].end != UINT64_MAX &&
	    feed->seen != m->parts[m->n_parts - 1].end)
		return err_set(err, ERR_CHANGED, "%s holds other documents "
		    "than before", m->info->ns);
	while (feed->part < m->n_parts) {
		if (!end_part(f, feed, err))
			return false;
	}
	return true;
}

static bool
read_all(struct feeder *f, struct err *err)
{
	struct archive_item item;
	size_t i;

	for (;;) {
		switch (archive_in_next(f->in, &item, err)) {
		case ARCHIVE_DOC:
			if (!add(f, &item, err))
				return false;
			break;
		case ARCHIVE_COLLECTION_END:
			if (!end_collection(f, &f->feeds[item.collection],
			    err))
				return false;
			break;
		case ARCHIVE_END:
			for (i = 0; i < f->n; i++) {
				if (!end_collection(f, &f->feeds[i], err))
					return false;
			}
			return true;
		case ARCHIVE_FAILED:
			return false;
		}
	}
}

static bool
is_for(const struct copy_run *run, const struct move *m)
{

	return m->n_parts > 0 && (run->which == COPY_ALL ||
	    m->stream == (run->which == COPY_STREAMS));
}

/* Only what is yet to be done is read, where that can be chosen. */
static bool
choose(struct feeder *f, struct err *err)
{
	struct archive_choice *choices;
	size_t i, k;

	if ((choices = calloc(f->n + 1, sizeof(*choices))) == NULL)
		return err_nomem(err, "archive");
	for (i = 0; i < f->n; i++) {
		const struct move *m = f->feeds[i].move;

		choices[i].wanted = m != NULL;
		for (k = 0; m != NULL && k < m->n_parts &&
		    m->parts[k].resumed && m->parts[k].end != UINT64_MAX; k++)
			choices[i].first = m->parts[k].end;
	}
	archive_in_choose(f->in, choices);
	for (i = 0; i < f->n; i++)
		f->feeds[i].seen = choices[i].first;
	free(choices);
	data_ask(f->run->c->data, f->in);
	return true;
}

static bool
prepare(struct feeder *f, struct err *err)
{
	struct data *d = f->run->c->data;
	size_t i, at;

	/* What comes through a pipe comes once. */
	if (d->source.place.stream) {
		f->in = d->source.in;
		d->source.in = NULL;
	} else {
		f->in = archive_in_open(&d->source.place, err);
	}
	if (f->in == NULL)
		return false;
	f->n = archive_in_count(f->in);
	if ((f->feeds = calloc(f->n + 1, sizeof(*f->feeds))) == NULL)
		return err_nomem(err, "archive");
	for (i = 0; i < f->n; i++) {
		at = archive_side_find(d, true,
		    archive_in_collection(f->in, i));
		if (at < d->n_moves && is_for(f->run, &d->moves[at]))
			f->feeds[i].move = &d->moves[at];
	}
	return choose(f, err);
}

bool
copy_read_archive(void *arg, unsigned worker, struct err *err)
{
	struct feeder f = { .run = arg };
	size_t i;
	bool ok;

	(void)worker;
	ok = prepare(&f, err) && read_all(&f, err);
	for (i = 0; f.feeds != NULL && i < f.n; i++)
		batch_free(f.feeds[i].batch);
	free(f.feeds);
	archive_in_free(f.in);
	if (!ok && err->kind != ERR_CANCELLED)
		err_prefix(err, "source");
	return ok;
}
