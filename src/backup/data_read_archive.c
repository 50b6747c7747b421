#include <stdlib.h>

#include "backup/data_internal.h"
#include "bson/docrun.h"
#include "job/archive_side.h"

#define OPEN_MAX 8	/* runs that are filled at one time */

/* One collection of the archive; documents of others may come in between. */
struct feed {
	struct backup_part *part; /* NULL: not chosen */
	struct docrun cut;
	struct batch *batch;	/* the run at hand; NULL: none */
	uint64_t used;		/* when it was last added to */
};

struct feeder {
	struct data_run *run;
	struct archive_in *in;
	struct feed *feeds;	/* by number in the archive */
	size_t n;
	size_t n_open, open_max;
	uint64_t clock;
};

static bool
hand_on(struct feeder *f, struct feed *feed, struct err *err)
{
	struct batch *b = feed->batch;

	f->n_open -= b != NULL;
	feed->batch = NULL;
	return data_hand_on(f->run, feed->part, b, err);
}

/* Who waits for credit must not hold all there is: the run that was added to
 * least recently ends early. */
static bool
close_some(struct feeder *f, struct err *err)
{
	struct feed *oldest;
	size_t i;

	while (f->n_open >= f->open_max) {
		oldest = NULL;
		for (i = 0; i < f->n; i++) {
			if (f->feeds[i].batch != NULL && (oldest == NULL ||
			    f->feeds[i].used < oldest->used))
				oldest = &f->feeds[i];
		}
		oldest->cut.len = 0;
		if (!hand_on(f, oldest, err))
			return false;
	}
	return true;
}

static bool
add(struct feeder *f, const struct archive_item *item, struct err *err)
{
	struct feed *feed = &f->feeds[item->collection];

	if (feed->part == NULL)
		return true;
	if (docrun_cuts(&feed->cut, item->doc, item->len) &&
	    !hand_on(f, feed, err))
		return false;
	if (feed->batch == NULL) {
		if (!close_some(f, err) ||
		    (feed->batch = data_begin(f->run, err)) == NULL)
			return false;
		f->n_open++;
	}
	if (!batch_add(feed->batch, item->doc, item->len))
		return err_nomem(err, "run");
	feed->used = ++f->clock;
	progress_item_add(feed->part->part->move->progress, 1, item->len);
	/* A large document is alone anyway, and holds more than was foreseen. */
	return feed->batch->docs.len <= DOCRUN_MAX || hand_on(f, feed, err);
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
			if (!hand_on(f, &f->feeds[item.collection], err))
				return false;
			break;
		case ARCHIVE_END:
			for (i = 0; i < f->n; i++) {
				if (!hand_on(f, &f->feeds[i], err))
					return false;
			}
			return true;
		case ARCHIVE_FAILED:
			return false;
		}
	}
}

static bool
prepare(struct feeder *f, struct err *err)
{
	struct backup_data *b = f->run->backup;
	struct end *source = &b->data.source;
	size_t i, j, at;

	/* What comes through a pipe comes once. */
	f->in = source->place.stream ? source->in :
	    archive_in_open(&source->place, err);
	if (source->place.stream)
		source->in = NULL;
	if (f->in == NULL)
		return false;
	f->n = archive_in_count(f->in);
	if ((f->feeds = calloc(f->n + 1, sizeof(*f->feeds))) == NULL)
		return err_nomem(err, "archive");
	for (i = 0; i < f->n; i++) {
		f->feeds[i].cut.seed = f->run->seed;
		at = archive_side_find(&b->data, true,
		    archive_in_collection(f->in, i));
		for (j = 0; at < b->data.n_moves && j < b->n_parts; j++) {
			if (b->parts[j].part->move == &b->data.moves[at])
				f->feeds[i].part = &b->parts[j];
		}
	}
	f->open_max = f->run->budget / DOCRUN_MAX / 2;
	if (f->open_max > OPEN_MAX)
		f->open_max = OPEN_MAX;
	if (f->open_max == 0)
		f->open_max = 1;
	return true;
}

bool
data_read_archive(void *arg, unsigned worker, struct err *err)
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
