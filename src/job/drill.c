#include <stdlib.h>
#include <string.h>

#include "bson/docdigest.h"
#include "job/drill.h"
#include "job/drill_held.h"
#include "job/drill_name.h"
#include "job/drill_pairs.h"

#define BUCKETS 8192		/* a power of two */
#define MOVE_FACTOR UINT64_C(0x9e3779b97f4a7c15) /* odd */

/* Documents of both sides whose _id hashes alike. */
struct bucket {
	uint64_t source;	/* how many */
	uint64_t target;
	struct digest balance;	/* of the source less those of the target */
};

struct drilling {
	const struct drill *d;
	struct bucket *buckets;
	bool *wanted;		/* buckets of this round */
	struct drill_pairs source;
	struct drill_pairs target;
	struct drill_held held;	/* if the teller wants both documents */
	bool more;		/* not all of them could be held */
	struct drill_result *result;
};

/* Who a document is, across all collections that are compared. */
static struct digest
identity(const struct drilling *g, const struct move *m, const uint8_t *doc,
    size_t len)
{
	struct digest id = docdigest_id(doc, len);

	id.high ^= (uint64_t)(m - g->d->data->moves) * MOVE_FACTOR;
	return id;
}

static size_t
bucket_of(struct digest id)
{

	return (size_t)(id.low & (BUCKETS - 1));
}

/* --- the first pass: sums --- */

static bool
sum_source(void *arg, const struct move *m, const uint8_t *doc, size_t len,
    const struct tally *t, struct err *err)
{
	struct drilling *g = arg;
	struct bucket *b = &g->buckets[bucket_of(identity(g, m, doc, len))];

	(void)err;
	b->source++;
	digest_add(&b->balance, t->digest);
	return true;
}

static bool
sum_target(void *arg, const struct move *m, const uint8_t *doc, size_t len,
    const struct tally *t, struct err *err)
{
	struct drilling *g = arg;
	struct bucket *b = &g->buckets[bucket_of(identity(g, m, doc, len))];

	(void)err;
	b->target++;
	digest_subtract(&b->balance, t->digest);
	return true;
}

static bool
bucket_differs(const struct bucket *b)
{
	struct digest zero = { 0, 0 };

	return b->source != b->target || !digest_equal(b->balance, zero);
}

/* --- pairs --- */

static bool
add_pair(struct drilling *g, struct drill_pairs *p, const struct move *m,
    const uint8_t *doc, size_t len, const struct tally *t, struct err *err)
{
	struct digest id = identity(g, m, doc, len);

	if (!g->wanted[bucket_of(id)])
		return true;
	if (!drill_pairs_add(p, id, t->digest))
		return err_set(err, ERR_CHANGED, "%s is written to while it is "
		    "compared", m->target_ns);
	return true;
}

static bool
add_source(void *arg, const struct move *m, const uint8_t *doc, size_t len,
    const struct tally *t, struct err *err)
{
	struct drilling *g = arg;

	return add_pair(g, &g->source, m, doc, len, t, err);
}

static bool
add_target(void *arg, const struct move *m, const uint8_t *doc, size_t len,
    const struct tally *t, struct err *err)
{
	struct drilling *g = arg;

	return add_pair(g, &g->target, m, doc, len, t, err);
}

/* --- telling --- */

static bool
tell(struct drilling *g, const struct drill_found *f, struct err *err)
{
	const struct drill *d = g->d;

	g->result->told = true;
	if (d->teller != NULL)
		return d->teller->found(d->teller->arg, f, err);
	drill_name(d->job, d->data, f);
	return true;
}

static struct drill_found
found(const struct drilling *g, const struct move *m,
    enum drill_verdict verdict)
{

	return (struct drill_found){
		.move = &g->d->data->moves[m - g->d->data->moves],
		.verdict = verdict,
	};
}

static bool
tell_source(void *arg, const struct move *m, const uint8_t *doc, size_t len,
    const struct tally *t, struct err *err)
{
	struct drilling *g = arg;
	struct digest id = identity(g, m, doc, len);
	struct drill_pair *p = drill_pairs_take(&g->source, id, t->digest);
	struct drill_found f;

	if (p == NULL || p->told || p->verdict == DRILL_SAME)
		return true;
	if (p->verdict == DRILL_DIFFERENT && g->d->teller != NULL &&
	    g->d->teller->both) {
		switch (drill_hold(&g->held, id, doc, len)) {
		case DRILL_HELD:
			p->told = true;
			return true;
		case DRILL_FULL:
			g->more = true;
			return true;
		case DRILL_NOMEM:
			return err_nomem(err, "documents that differ");
		}
	}
	p->told = true;
	f = found(g, m, (enum drill_verdict)p->verdict);
	f.source = doc;
	f.source_len = len;
	return tell(g, &f, err);
}

static bool
tell_target(void *arg, const struct move *m, const uint8_t *doc, size_t len,
    const struct tally *t, struct err *err)
{
	struct drilling *g = arg;
	struct digest id = identity(g, m, doc, len);
	struct drill_pair *p = drill_pairs_take(&g->target, id, t->digest);
	struct drill_found f;

	if (p == NULL || p->told || p->verdict == DRILL_SAME)
		return true;
	f = found(g, m, (enum drill_verdict)p->verdict);
	/* A different one is told with the source's, if that is wanted. */
	if (p->verdict == DRILL_DIFFERENT &&
	    !drill_held_take(&g->held, id, &f.source, &f.source_len))
		return true;
	p->told = true;
	f.target = doc;
	f.target_len = len;
	return tell(g, &f, err);
}

/* --- rounds --- */

static bool
read_both(struct drilling *g, drill_fn *source, drill_fn *target,
    struct err *err)
{
	const struct drill *d = g->d;

	return d->source.read(d->source.arg, source, g, err) &&
	    d->target.read(d->target.arg, target, g, err);
}

/* Tells until nothing is left that could not be held. */
static bool
tell_round(struct drilling *g, struct err *err)
{

	do {
		g->more = false;
		drill_pairs_rewind(&g->source);
		drill_pairs_rewind(&g->target);
		if (!read_both(g, tell_source, tell_target, err))
			return false;
		g->result->unsettled += drill_held_reset(&g->held);
	} while (g->more);
	g->result->unsettled += drill_pairs_untold(&g->source, true) +
	    drill_pairs_untold(&g->target, false);
	return true;
}

/* Compares the wanted buckets, which hold so many documents. */
static bool
run_round(struct drilling *g, uint64_t source, uint64_t target,
    struct err *err)
{

	if (!drill_pairs_reserve(&g->source, source) ||
	    !drill_pairs_reserve(&g->target, target))
		return err_nomem(err, "pairs of hashes");
	if (!read_both(g, add_source, add_target, err))
		return false;
	drill_pairs_join(&g->source, &g->target);
	return tell_round(g, err);
}

/* Half of the memory is for documents where they are held. */
static uint64_t
pairs_that_fit(const struct drill *d)
{
	bool both = d->teller != NULL && d->teller->both;

	return d->memory / (both ? 2 : 1) / sizeof(struct drill_pair);
}

static bool
run_all_rounds(struct drilling *g, struct err *err)
{
	uint64_t fit = pairs_that_fit(g->d), source = 0, target = 0;
	size_t i;

	g->buckets = calloc(BUCKETS, sizeof(*g->buckets));
	if (g->buckets == NULL)
		return err_nomem(err, "verification");
	if (!read_both(g, sum_source, sum_target, err))
		return false;
	for (i = 0; i < BUCKETS; i++) {
		const struct bucket *b = &g->buckets[i];

		if (!bucket_differs(b))
			continue;
		if (source + target > 0 &&
		    source + target + b->source + b->target > fit) {
			if (!run_round(g, source, target, err))
				return false;
			memset(g->wanted, 0, BUCKETS * sizeof(*g->wanted));
			source = target = 0;
		}
		g->wanted[i] = true;
		source += b->source;
		target += b->target;
	}
	return source + target == 0 || run_round(g, source, target, err);
}

bool
drill_run(const struct drill *d, struct drill_result *result, struct err *err)
{
	struct drilling g = { .d = d, .result = result };
	bool ok;

	memset(result, 0, sizeof(*result));
	drill_held_init(&g.held, d->memory / 2);
	g.wanted = calloc(BUCKETS, sizeof(*g.wanted));
	if (g.wanted == NULL)
		return err_nomem(err, "verification");
	if (d->source.count + d->target.count <= pairs_that_fit(d)) {
		memset(g.wanted, true, BUCKETS * sizeof(*g.wanted));
		ok = run_round(&g, d->source.count, d->target.count, err);
	} else {
		ok = run_all_rounds(&g, err);
	}
	free(g.wanted);
	free(g.buckets);
	drill_pairs_free(&g.source);
	drill_pairs_free(&g.target);
	drill_held_free(&g.held);
	return ok;
}
