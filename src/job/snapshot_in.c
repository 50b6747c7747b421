#include <stdlib.h>
#include <string.h>

#include "job/snapshot_in.h"

#define MEMORY_SHARE 4	/* of the job's memory, this part is fetched ahead */

struct snapshot_in {
	const struct snapshot_source *source;
	struct snapshot_fetch_range *ranges;
	struct mongo_server *server;	/* NULL: nothing is left out */
	const struct judge *judge;
	struct snapshot_fetch *fetch;	/* from the first document on */
	size_t collection;	/* at hand */
	size_t run;		/* the next of it */
	struct tally seen;	/* of it */
	struct snapshot_fetched fetched; /* the run at hand */
	size_t at;		/* in its bytes */
	size_t ordinal;		/* in its documents */
};

struct snapshot_in *
snapshot_in_open(const struct snapshot_source *source, struct err *err)
{
	struct snapshot_in *in;
	size_t i, n = snapshot_source_count(source);

	if ((in = calloc(1, sizeof(*in))) == NULL ||
	    (in->ranges = calloc(n + 1, sizeof(*in->ranges))) == NULL) {
		free(in);
		err_nomem(err, "snapshot");
		return NULL;
	}
	in->source = source;
	for (i = 0; i < n; i++)
		in->ranges[i].wanted = true;
	return in;
}

void
snapshot_in_free(struct snapshot_in *in)
{

	if (in == NULL)
		return;
	snapshot_fetch_free(in->fetch);
	free(in->ranges);
	free(in);
}

void
snapshot_in_choose(struct snapshot_in *in, struct archive_choice *choices)
{
	size_t i, n = snapshot_source_count(in->source);

	for (i = 0; i < n; i++) {
		const struct snapshot_collection *c;
		struct snapshot_fetch_range *r = &in->ranges[i];
		uint64_t first = 0;

		c = snapshot_source_collection(in->source, i);
		r->wanted = choices[i].wanted;
		for (r->first = 0; r->first < c->n_runs && first +
		    c->runs[r->first].documents <= choices[i].first;
		    r->first++)
			first += c->runs[r->first].documents;
		choices[i].first = first;
	}
}

void
snapshot_in_judge(struct snapshot_in *in, struct mongo_server *server,
    const struct judge *judge)
{

	in->server = server;
	in->judge = judge;
}

static bool
begin(struct snapshot_in *in, struct err *err)
{
	struct snapshot_fetch_options options = {
		.source = in->source,
		.ranges = in->ranges,
		.server = in->server,
		.judge = in->judge,
		.memory = snapshot_source_job(in->source)->memory /
		    MEMORY_SHARE,
		.threads = ARCHIVE_IN_THREADS,
	};

	in->fetch = snapshot_fetch_new(&options, err);
	return in->fetch != NULL;
}

static bool
next_run(struct snapshot_in *in, struct err *err)
{
	bool fetched;

	if (!snapshot_fetch_next(in->fetch, &in->fetched, &fetched, err))
		return false;
	if (!fetched || in->fetched.collection != in->collection ||
	    in->fetched.run != in->run)
		return err_set(err, ERR_INTERNAL, "runs out of order");
	in->run++;
	in->at = 0;
	in->ordinal = 0;
	tally_add(&in->seen, &in->fetched.tally);
	return true;
}

static bool
check_collection(const struct snapshot_in *in, struct err *err)
{
	const struct snapshot_collection *c;

	c = snapshot_source_collection(in->source, in->collection);
	return in->ranges[in->collection].first > 0 ||
	    tally_equal(&in->seen, &c->tally) ||
	    err_set(err, ERR_DAMAGED, "%s: its documents are not those that "
	    "%s says: the digests differ", c->ns,
	    snapshot_source_name(in->source));
}

static void
take(struct snapshot_in *in, struct archive_item *item)
{
	const uint8_t *doc = in->fetched.data + in->at;

	item->collection = in->collection;
	item->doc = doc;
	item->len = doc[0] | (size_t)doc[1] << 8 | (size_t)doc[2] << 16 |
	    (size_t)doc[3] << 24;
	item->left_out = in->fetched.left_out != NULL &&
	    in->fetched.left_out[in->ordinal];
	in->at += item->len;
	in->ordinal++;
}

enum archive_next
snapshot_in_next(struct snapshot_in *in, struct archive_item *item,
    struct err *err)
{

	if (in->fetch == NULL && !begin(in, err))
		return ARCHIVE_FAILED;
	for (;; in->collection++) {
		const struct snapshot_fetch_range *r =
		    &in->ranges[in->collection];

		if (in->collection == snapshot_source_count(in->source))
			return ARCHIVE_END;
		if (!r->wanted)
			continue;
		if (in->run < r->first)
			in->run = r->first;
		if (in->at == in->fetched.len && in->run <
		    snapshot_source_collection(in->source, in->collection)->
		    n_runs && !next_run(in, err))
			return ARCHIVE_FAILED;
		if (in->at < in->fetched.len) {
			take(in, item);
			return ARCHIVE_DOC;
		}
		if (!check_collection(in, err))
			return ARCHIVE_FAILED;
		item->collection = in->collection++;
		in->run = 0;
		memset(&in->seen, 0, sizeof(in->seen));
		return ARCHIVE_COLLECTION_END;
	}
}
