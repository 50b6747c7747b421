#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bson/doc.h"
#include "bson/docdigest.h"
#include "bson/ttl.h"
#include "job/drill.h"

#define ID_TEXT_MAX 4096
#define BUCKETS 8192		/* a power of two */
#define SLACK 65536		/* pairs: the sides may change meanwhile */
#define MOVE_FACTOR UINT64_C(0x9e3779b97f4a7c15) /* odd */

/* What a pair turns out to be when both sides are joined. */
enum verdict { SAME, MISSING, EXTRA, DIFFERENT };

/* A document of one side: who it is, what is in it. */
struct pair {
	struct digest id;	/* of move and _id */
	struct digest doc;
};

#define BYTES_PER_PAIR (sizeof(struct pair) + 1)

struct pairs {
	struct pair *v;
	uint8_t *verdicts;	/* one per pair */
	size_t n;
	size_t cap;
	size_t max;		/* of cap */
};

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
	struct pairs source;
	struct pairs target;
	bool *told;
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
reserve(struct pairs *p, uint64_t n, struct err *err)
{

	p->n = 0;
	p->cap = (size_t)(n + n / 8 + 64);
	p->max = p->cap + (size_t)n + SLACK;
	free(p->v);
	free(p->verdicts);
	p->v = malloc(p->cap * sizeof(*p->v));
	p->verdicts = malloc(p->cap);
	return (p->v != NULL && p->verdicts != NULL) ||
	    err_nomem(err, "pairs of hashes");
}

/* A side that is written to may have got more than was foreseen. */
static bool
grow(struct pairs *p)
{
	size_t cap = 2 * p->cap < p->max ? 2 * p->cap : p->max;
	struct pair *v;
	uint8_t *verdicts;

	if (cap == p->cap)
		return false;
	if ((v = realloc(p->v, cap * sizeof(*v))) == NULL)
		return false;
	p->v = v;
	if ((verdicts = realloc(p->verdicts, cap)) == NULL)
		return false;
	p->verdicts = verdicts;
	p->cap = cap;
	return true;
}

static bool
add_pair(struct drilling *g, struct pairs *p, const struct move *m,
    const uint8_t *doc, size_t len, const struct tally *t, struct err *err)
{
	struct digest id = identity(g, m, doc, len);

	if (!g->wanted[bucket_of(id)])
		return true;
	if (p->n == p->cap && !grow(p))
		return err_set(err, ERR_CHANGED, "%s is written to while it is "
		    "compared", m->target_ns);
	p->v[p->n].id = id;
	p->v[p->n].doc = t->digest;
	p->n++;
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

static int
compare_digests(struct digest a, struct digest b)
{

	if (a.high != b.high)
		return a.high < b.high ? -1 : 1;
	return a.low == b.low ? 0 : a.low < b.low ? -1 : 1;
}

static int
compare_pairs(const void *a, const void *b)
{
	const struct pair *x = a, *y = b;
	int c = compare_digests(x->id, y->id);

	return c != 0 ? c : compare_digests(x->doc, y->doc);
}

/* Joins the sorted sides. */
static void
join(struct drilling *g)
{
	struct pairs *s = &g->source, *t = &g->target;
	size_t i = 0, j = 0;

	while (i < s->n || j < t->n) {
		int c = i == s->n ? 1 : j == t->n ? -1 :
		    compare_digests(s->v[i].id, t->v[j].id);

		if (c < 0) {
			s->verdicts[i++] = MISSING;
		} else if (c > 0) {
			t->verdicts[j++] = EXTRA;
		} else {
			enum verdict v = digest_equal(s->v[i].doc,
			    t->v[j].doc) ? SAME : DIFFERENT;

			s->verdicts[i++] = (uint8_t)v;
			t->verdicts[j++] = (uint8_t)v;
		}
	}
}

/* --- naming --- */

static enum verdict
verdict_of(const struct pairs *side, struct digest id, struct digest doc)
{
	struct pair key = { id, doc }, *found;

	found = bsearch(&key, side->v, side->n, sizeof(key), compare_pairs);
	return found != NULL ? (enum verdict)side->verdicts[found - side->v] :
	    SAME;
}

/* True for a document that a TTL index, or the expiry of the collection, may
 * remove on either side any time. */
static bool
is_due(const struct move *m, const uint8_t *doc, size_t len)
{
	const struct collection_info *info = m->info;
	const char *date = info->clustered ? "_id" : info->time_field;
	struct timespec now;
	size_t i;

	clock_gettime(CLOCK_REALTIME, &now);
	if (info->expires && date != NULL && ttl_field_is_due(doc, len, date,
	    ttl_seconds(info->options.data, info->options.len),
	    (int64_t)now.tv_sec * 1000))
		return true;
	for (i = 0; i < info->n_indexes; i++) {
		const struct rawdoc *spec = &info->indexes[i].spec;

		if (info->indexes[i].ttl && ttl_is_due(doc, len, spec->data,
		    spec->len, (int64_t)now.tv_sec * 1000))
			return true;
	}
	return false;
}

/* How the run's options judge what the join found. */
struct judgement {
	uint64_t *counter;	/* of the move */
	const char *kind;
	const char *words;
	bool is_error;
};

static struct judgement
judge(const struct drill *d, struct move *m, enum verdict verdict, bool due)
{
	enum spaceferry_on_conflict mode = d->job->options->on_conflict;

	if (verdict == DIFFERENT && mode == SPACEFERRY_SKIP)
		return (struct judgement){ &m->kept, "kept",
		    "was kept as it is on the target", false };
	if (verdict == DIFFERENT)
		return (struct judgement){ &m->different, "different",
		    "differs from the source", true };
	if (due)
		return (struct judgement){ &m->expired, "expired",
		    "is due for its TTL index and on one side only", false };
	if (verdict == MISSING)
		return (struct judgement){ &m->missing, "missing",
		    "is missing on the target", true };
	return (struct judgement){ &m->extra, "extra",
	    "is only on the target", mode == SPACEFERRY_ABORT };
}

static const char *
remedy(const struct job *job, enum verdict verdict)
{

	if (verdict == EXTRA && job->resumed)
		return "the interrupted run may have moved it before the source "
		    "deleted it: --restart --drop moves everything anew";
	if (verdict != EXTRA && job->writes)
		return "the same command moves it again";
	return "";
}

/* Counts and names one document that differs. */
static void
tell(struct drilling *g, const struct move *of, enum verdict verdict,
    const uint8_t *doc, size_t len)
{
	struct data *data = g->d->data;
	struct move *m = &data->moves[of - data->moves];
	struct judgement j = judge(g->d, m, verdict, verdict != DIFFERENT &&
	    is_due(m, doc, len));
	struct report *report = &g->d->job->report;
	const char *text = NULL;
	struct buf id;

	*g->told = true;
	if (j.counter != NULL) {
		pthread_mutex_lock(&data->lock);
		(*j.counter)++;
		pthread_mutex_unlock(&data->lock);
	}
	buf_init(&id, ID_TEXT_MAX);
	if (doc_id_json(doc, len, &id))
		text = buf_str(&id);
	if (text == NULL)
		text = "(too long to show)";
	if (j.is_error)
		report_error(report, j.kind, remedy(g->d->job, verdict),
		    "%s _id %s %s", m->target_ns, text, j.words);
	else
		report_note(report, j.kind, "", "%s _id %s %s", m->target_ns,
		    text, j.words);
	buf_free(&id);
}

static bool
name_source(void *arg, const struct move *m, const uint8_t *doc, size_t len,
    const struct tally *t, struct err *err)
{
	struct drilling *g = arg;
	enum verdict v;

	(void)err;
	v = verdict_of(&g->source, identity(g, m, doc, len), t->digest);
	if (v == MISSING || v == DIFFERENT)
		tell(g, m, v, doc, len);
	return true;
}

static bool
name_target(void *arg, const struct move *m, const uint8_t *doc, size_t len,
    const struct tally *t, struct err *err)
{
	struct drilling *g = arg;

	(void)err;
	if (verdict_of(&g->target, identity(g, m, doc, len), t->digest) ==
	    EXTRA)
		tell(g, m, EXTRA, doc, len);
	return true;
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

/* Compares the wanted buckets, which hold so many documents. */
static bool
run_round(struct drilling *g, uint64_t source, uint64_t target,
    struct err *err)
{

	if (!reserve(&g->source, source, err) ||
	    !reserve(&g->target, target, err) ||
	    !read_both(g, add_source, add_target, err))
		return false;
	qsort(g->source.v, g->source.n, sizeof(struct pair), compare_pairs);
	qsort(g->target.v, g->target.n, sizeof(struct pair), compare_pairs);
	join(g);
	return read_both(g, name_source, name_target, err);
}

static bool
run_all_rounds(struct drilling *g, struct err *err)
{
	uint64_t fit = g->d->memory / BYTES_PER_PAIR, source = 0, target = 0;
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
drill_run(const struct drill *d, bool *told, struct err *err)
{
	struct drilling g = { .d = d, .told = told };
	bool ok;

	*told = false;
	g.wanted = calloc(BUCKETS, sizeof(*g.wanted));
	if (g.wanted == NULL)
		return err_nomem(err, "verification");
	if ((d->source.count + d->target.count) * BYTES_PER_PAIR <= d->memory) {
		memset(g.wanted, true, BUCKETS * sizeof(*g.wanted));
		ok = run_round(&g, d->source.count, d->target.count, err);
	} else {
		ok = run_all_rounds(&g, err);
	}
	free(g.wanted);
	free(g.buckets);
	free(g.source.v);
	free(g.source.verdicts);
	free(g.target.v);
	free(g.target.verdicts);
	return ok;
}
