#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include "job/archive_side.h"
#include "job/side.h"
#include "job/whole_side.h"

/* --- ranges of a MongoDB --- */

struct collector {
	struct whole_side *side;
	struct move *move;
	size_t cap;
};

static bool
copy_raw(struct rawdoc *to, const struct rawdoc *from)
{

	to->data = NULL;
	to->len = from->len;
	if (from->len == 0)
		return true;
	if ((to->data = malloc(from->len)) == NULL)
		return false;
	memcpy(to->data, from->data, from->len);
	return true;
}

static bool
collect(void *arg, const struct mongo_range *r, struct err *err)
{
	struct collector *c = arg;
	struct whole_side *s = c->side;
	struct part *p;

	if (s->n_parts == c->cap) {
		c->cap = c->cap > 0 ? 2 * c->cap : 64;
		p = realloc(s->own, c->cap * sizeof(*p));
		if (p == NULL)
			return err_nomem(err, "partitions");
		s->own = p;
	}
	p = &s->own[s->n_parts];
	memset(p, 0, sizeof(*p));
	p->move = c->move;
	s->n_parts++;
	return (copy_raw(&p->range.low, &r->low) &&
	    copy_raw(&p->range.high, &r->high)) ||
	    err_nomem(err, "partitions");
}

static bool
split_target(struct whole_side *s, struct err *err)
{
	struct data *d = s->v->data;
	struct collector c = { .side = s };
	const struct mongo_range whole = { 0 };
	size_t i;

	for (i = 0; i < d->n_moves; i++) {
		struct move *m = &d->moves[i];
		struct collection_info info = *m->info;
		struct mongo_split split = {
			.info = &info,
			.max_docs = PART_MAX_DOCS,
			.max_bytes = PART_MAX_BYTES,
			.range = collect,
			.arg = &c,
		};

		if (info.type == COLLECTION_VIEW)
			continue;
		c.move = m;
		snprintf(info.ns, sizeof(info.ns), "%s", m->write_ns);
		if (m->stream ? !collect(&c, &whole, err) :
		    !mongo_split(d->target.session, &split, err))
			return err_prefix(err, "target: %s", m->target_ns);
	}
	return true;
}

static bool
list_parts(struct whole_side *s, struct err *err)
{
	struct data *d = s->v->data;
	size_t i, j, n = s->n_parts;

	for (i = 0; s->is_source && i < d->n_moves; i++)
		n += d->moves[i].n_parts;
	if ((s->parts = calloc(n + 1, sizeof(struct part *))) == NULL)
		return err_nomem(err, "partitions");
	for (i = 0; i < s->n_parts; i++)
		s->parts[i] = &s->own[i];
	for (i = 0; s->is_source && i < d->n_moves; i++) {
		for (j = 0; j < d->moves[i].n_parts; j++)
			s->parts[s->n_parts++] = &d->moves[i].parts[j];
	}
	return true;
}

bool
whole_side_open(struct whole_side *s, struct verify_data *v, bool is_source,
    struct err *err)
{

	memset(s, 0, sizeof(*s));
	s->v = v;
	s->is_source = is_source;
	s->end = is_source ? &v->data->source : &v->data->target;
	if (s->end->kind != END_MONGO)
		return true;
	return (is_source || split_target(s, err)) && list_parts(s, err);
}

void
whole_side_close(struct whole_side *s)
{
	size_t i;

	for (i = 0; s->own != NULL && i < s->n_parts; i++)
		mongo_range_free(&s->own[i].range);
	free(s->own);
	free(s->parts);
}

/* --- reading one range --- */

/* Hands on what side_read() tells, with its collection. */
struct relay {
	const struct move *move;
	drill_fn *each;
	void *arg;
};

static bool
relay(void *arg, const uint8_t *doc, size_t len, const struct tally *t,
    struct err *err)
{
	struct relay *r = arg;

	return r->each(r->arg, r->move, doc, len, t, err);
}

/* A thread's own: one session, one transform. */
struct reader {
	struct whole_side *side;
	struct mongo_session *session;
	struct transform *transform;
	const struct move *move; /* that transform is for */
};

static bool
follow_move(struct reader *r, const struct move *m, struct err *err)
{
	struct transform_options options = {
		.job = r->side->v->job,
		.move = m,
		.links = r->side->v->links,
	};

	if (r->move == m)
		return true;
	transform_free(r->transform);
	r->move = m;
	r->transform = transform_new(&options, err);
	return r->transform != NULL;
}

static bool
open_reader(struct reader *r, struct err *err)
{

	r->session = mongo_session_new(r->side->end->server, err);
	return r->session != NULL || err_prefix(err, "%s",
	    r->side->end->role);
}

static void
close_reader(struct reader *r)
{

	transform_free(r->transform);
	mongo_session_free(r->session);
}

/* Reads p for its sum; the source at one time, begun here. */
static bool
sum_part(struct reader *r, struct part *p, struct err *err)
{
	struct verify_data *v = r->side->v;
	struct moment_read at = {
		.moment = v->data->moment, .session = r->session,
		.move = p->move,
	};
	struct side side = {
		.job = v->job, .data = v->data, .session = r->session,
		.is_source = r->side->is_source,
	};
	struct move *m = p->move;
	struct rewrite_counts counts;
	struct tally sum;
	bool ok;

	if (!follow_move(r, m, err))
		return false;
	side.transform = r->transform;
	if (side.is_source) {
		side.at = &at;
		if (!moment_begin(&at, err))
			return false;
	}
	do {
		memset(&counts, 0, sizeof(counts));
		memset(&sum, 0, sizeof(sum));
		at.anew = false;
		ok = side_read(&side, p, &counts, &sum, NULL, NULL, err);
	} while (!ok && at.anew);
	if (!ok)
		return false;
	p->at = at.at;
	pthread_mutex_lock(&v->data->lock);
	tally_add(side.is_source ? &m->source : &m->target, &sum);
	rewrite_counts_add(&m->rewritten, &counts);
	pthread_mutex_unlock(&v->data->lock);
	progress_item_add(m->progress, sum.count, sum.bytes);
	return true;
}

/* --- sums --- */

static bool
sum_mongo(struct whole_side *s, struct err *err)
{
	struct reader r = { .side = s };
	bool ok;
	size_t i;

	ok = open_reader(&r, err);
	while (ok && (i = atomic_fetch_add(&s->next, 1)) < s->n_parts)
		ok = sum_part(&r, s->parts[i], err);
	close_reader(&r);
	return ok;
}

static bool
add_up(void *arg, const struct move *of, const uint8_t *doc, size_t len,
    const struct tally *t, struct err *err)
{
	struct tally *sums = arg;

	(void)doc;
	(void)len;
	(void)err;
	(void)of;
	tally_add(sums, t);
	return true;
}

/* Only one thread touches a side of an archive, but readers of the other side
 * share the lock. */
struct sums {
	struct data *data;
	struct tally *v;	/* by move */
};

static bool
add_document(void *arg, const struct move *of, const uint8_t *doc, size_t len,
    const struct tally *t, struct err *err)
{
	struct sums *s = arg;

	progress_item_add(of->progress, t->count, t->bytes);
	return add_up(&s->v[of - s->data->moves], of, doc, len, t, err);
}

static bool
sum_by_reading(struct whole_side *s, struct err *err)
{
	struct data *d = s->v->data;
	struct archive_side side = {
		.job = s->v->job, .data = d, .is_source = s->is_source,
		.links = s->is_source ? s->v->links : NULL,
		.too_large = s->v->too_large,
		.too_large_arg = s->v->too_large_arg,
	};
	struct sums sums = { .data = d };
	bool ok = false;
	size_t i;

	sums.v = calloc(d->n_moves + 1, sizeof(*sums.v));
	side.counts = calloc(d->n_moves + 1, sizeof(*side.counts));
	if (sums.v == NULL || side.counts == NULL)
		err_nomem(err, "sums");
	else
		ok = archive_side_read(&side, add_document, &sums, err);
	for (i = 0; ok && i < d->n_moves; i++) {
		pthread_mutex_lock(&d->lock);
		*(s->is_source ? &d->moves[i].source : &d->moves[i].target) =
		    sums.v[i];
		if (s->is_source)
			d->moves[i].rewritten = side.counts[i];
		pthread_mutex_unlock(&d->lock);
	}
	free(sums.v);
	free(side.counts);
	return ok;
}

/* It was summed when it was opened, whole. */
static bool
take_sums(struct whole_side *s)
{
	struct data *d = s->v->data;
	const struct archive_seen *seen;
	size_t i;

	for (i = 0; i < d->n_moves; i++) {
		struct move *m = &d->moves[i];

		seen = archive_scan_find(d->target.scan, m->target_ns);
		if (seen == NULL)
			continue;
		m->target = seen->tally;
		progress_item_add(m->progress, seen->tally.count,
		    seen->tally.bytes);
	}
	return true;
}

unsigned
whole_side_threads(const struct whole_side *s)
{
	unsigned n = s->v->job->workers / 2;

	return s->end->kind == END_MONGO && n > 0 ? n : 1;
}

bool
whole_side_sum(void *arg, unsigned worker, struct err *err)
{
	struct whole_side *s = arg;

	(void)worker;
	if (s->end->kind == END_MONGO)
		return sum_mongo(s, err);
	return s->is_source || s->v->job->ignore.n > 0 ?
	    sum_by_reading(s, err) : take_sums(s);
}

/* --- document by document --- */

static bool
read_mongo(struct whole_side *s, drill_fn *each, void *arg, struct err *err)
{
	struct reader r = { .side = s };
	struct relay to = { .each = each, .arg = arg };
	struct side side = {
		.job = s->v->job, .data = s->v->data,
		.is_source = s->is_source,
	};
	struct moment_read at = { .moment = s->v->data->moment,
	    .fixed = true };
	struct tally unused;
	bool ok;
	size_t i;

	ok = open_reader(&r, err);
	side.session = r.session;
	side.at = s->is_source ? &at : NULL;
	at.session = r.session;
	for (i = 0; ok && i < s->n_parts; i++) {
		struct part *p = s->parts[i];

		if (!s->selected[p->move - s->v->data->moves])
			continue;
		if (s->now)
			p->at.seconds = 0;
		at.move = p->move;
		at.at = p->at;
		to.move = p->move;
		memset(&unused, 0, sizeof(unused));
		ok = follow_move(&r, p->move, err);
		side.transform = r.transform;
		ok = ok && side_read(&side, p, NULL, &unused, relay, &to, err);
		s->anew = at.anew;
	}
	close_reader(&r);
	return ok;
}

bool
whole_side_read(void *arg, drill_fn *each, void *each_arg, struct err *err)
{
	struct whole_side *s = arg;
	struct archive_side side = {
		.job = s->v->job, .data = s->v->data,
		.is_source = s->is_source, .selected = s->selected,
	};

	return s->end->kind == END_MONGO ?
	    read_mongo(s, each, each_arg, err) :
	    archive_side_read(&side, each, each_arg, err);
}
