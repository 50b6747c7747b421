#include <stdlib.h>
#include <string.h>

#include "job/archive_side.h"
#include "job/transform.h"

struct reading {
	const struct archive_side *side;
	struct archive_in *in;
	size_t *move_of;	/* by number in the archive; n_moves: none */
	struct transform **transforms; /* by move, made when first met */
	struct rewrite_counts *counts; /* by move */
	drill_fn *each;
	void *arg;
};

size_t
archive_side_find(const struct data *d, bool is_source,
    const struct archive_collection *c)
{
	char ns[MONGO_NS_MAX];
	struct err ignored;
	size_t i;

	if (c->special || !archive_scan_ns(c, ns, &ignored))
		return d->n_moves;
	for (i = 0; i < d->n_moves; i++) {
		const struct move *m = &d->moves[i];

		if (strcmp(is_source ? m->info->ns : m->target_ns, ns) == 0)
			break;
	}
	return i;
}

static struct transform *
transform_of(struct reading *r, size_t i, struct err *err)
{
	struct transform_options options = {
		.job = r->side->job,
		.move = &r->side->data->moves[i],
		.links = r->side->links,
	};

	if (r->transforms[i] == NULL)
		r->transforms[i] = transform_new(&options, err);
	return r->transforms[i];
}

static bool
take(void *arg, const struct archive_item *item, struct err *err)
{
	struct reading *r = arg;
	const struct data *d = r->side->data;
	size_t i = r->move_of[item->collection], len = item->len;
	const uint8_t *doc = item->doc;
	struct tally one = { 0 };
	struct transform *t;

	if (i == d->n_moves || item->left_out ||
	    (r->side->selected != NULL && !r->side->selected[i]))
		return true;
	if ((t = transform_of(r, i, err)) == NULL)
		return false;
	if (r->side->is_source) {
		switch (transform_document(t, item->doc, item->len, &doc, &len,
		    &r->counts[i], err)) {
		case TRANSFORM_TOO_LARGE:
			if (!job_compares(r->side->job))
				return r->side->too_large == NULL ||
				    r->side->too_large(r->side->too_large_arg,
				    &r->side->data->moves[i], item->doc,
				    item->len, err);
			break;
		case TRANSFORM_FAILED:
			return false;
		case TRANSFORM_OK:
			break;
		}
	}
	return transform_compared(t, &doc, &len, &one, err) &&
	    r->each(r->arg, &d->moves[i], doc, len, &one, err);
}

static bool
prepare(struct reading *r, struct err *err)
{
	const struct data *d = r->side->data;
	const struct end *e = r->side->is_source ? &d->source : &d->target;
	struct archive_choice *choices;
	size_t i, n;

	if ((r->in = archive_in_open(&e->place, err)) == NULL)
		return false;
	n = archive_in_count(r->in);
	r->move_of = calloc(n + 1, sizeof(*r->move_of));
	r->transforms = calloc(d->n_moves + 1, sizeof(*r->transforms));
	r->counts = calloc(d->n_moves + 1, sizeof(*r->counts));
	choices = calloc(n + 1, sizeof(*choices));
	if (r->move_of == NULL || r->transforms == NULL || r->counts == NULL ||
	    choices == NULL) {
		free(choices);
		return err_nomem(err, "archive");
	}
	for (i = 0; i < n; i++) {
		size_t at = archive_side_find(d, r->side->is_source,
		    archive_in_collection(r->in, i));

		r->move_of[i] = at;
		choices[i].wanted = at < d->n_moves &&
		    (r->side->selected == NULL || r->side->selected[at]);
	}
	archive_in_choose(r->in, choices);
	free(choices);
	if (r->side->is_source)
		data_ask(d, r->in);
	return true;
}

bool
archive_side_read(const struct archive_side *side, drill_fn *each, void *arg,
    struct err *err)
{
	struct reading r = { .side = side, .each = each, .arg = arg };
	size_t i, n = side->data->n_moves;
	bool ok;

	ok = prepare(&r, err) && archive_in_all(r.in, take, &r, err);
	for (i = 0; ok && side->counts != NULL && i < n; i++)
		rewrite_counts_add(&side->counts[i], &r.counts[i]);
	for (i = 0; r.transforms != NULL && i < n; i++)
		transform_free(r.transforms[i]);
	free(r.transforms);
	free(r.counts);
	free(r.move_of);
	archive_in_free(r.in);
	return ok || err_prefix(err, "%s",
	    side->is_source ? "source" : "target");
}
