#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bson/doc.h"
#include "bson/docdigest.h"
#include "bson/ttl.h"
#include "job/drill.h"
#include "job/side.h"

/* A partition has at most 64k documents; a stream, which is one partition
 * whatever its size, is held to this many. */
#define PAIRS_MAX ((size_t)4 * 1024 * 1024)
#define ID_TEXT_MAX 4096

/* A document of one side: who it is, what is in it. */
struct pair {
	struct digest id;
	struct digest doc;
};

struct pairs {
	struct pair *v;
	size_t n;
	size_t cap;
};

/* What a pair turns out to be when both sides are joined. */
enum verdict { SAME, MISSING, EXTRA, DIFFERENT };

struct drill {
	struct verify_data *v;
	struct part *part;
	struct pairs source;
	struct pairs target;
	enum verdict *source_verdicts; /* one per pair of that side */
	enum verdict *target_verdicts;
};

static bool
add_pair(void *arg, const uint8_t *doc, size_t len, const struct tally *t,
    struct err *err)
{
	struct pairs *p = arg;
	struct pair *grown;

	if (p->n == p->cap) {
		size_t cap = p->cap == 0 ? 4096 : p->cap * 2;

		if (p->cap >= PAIRS_MAX)
			return err_set(err, ERR_TOO_LARGE, "more than %zu "
			    "documents in one partition that differs",
			    PAIRS_MAX);
		grown = realloc(p->v, cap * sizeof(*grown));
		if (grown == NULL)
			return err_nomem(err, "pairs of hashes");
		p->v = grown;
		p->cap = cap;
	}
	p->v[p->n].id = docdigest_id(doc, len);
	p->v[p->n].doc = t->digest;
	p->n++;
	return true;
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

/* A side may be empty: all of it expired. */
static void
sort_pairs(struct pairs *side)
{

	if (side->n > 0)
		qsort(side->v, side->n, sizeof(*side->v), compare_pairs);
}

/* Joins the sorted sides. */
static void
join(struct drill *d)
{
	size_t i = 0, j = 0;

	while (i < d->source.n || j < d->target.n) {
		int c = i == d->source.n ? 1 : j == d->target.n ? -1 :
		    compare_digests(d->source.v[i].id, d->target.v[j].id);

		if (c < 0) {
			d->source_verdicts[i++] = MISSING;
		} else if (c > 0) {
			d->target_verdicts[j++] = EXTRA;
		} else {
			enum verdict v = digest_equal(d->source.v[i].doc,
			    d->target.v[j].doc) ? SAME : DIFFERENT;

			d->source_verdicts[i++] = v;
			d->target_verdicts[j++] = v;
		}
	}
}

static enum verdict
verdict_of(const struct pairs *side, const enum verdict *verdicts,
    struct digest id, struct digest doc)
{
	struct pair key = { id, doc }, *found;

	found = bsearch(&key, side->v, side->n, sizeof(key), compare_pairs);
	return found != NULL ? verdicts[found - side->v] : SAME;
}

/* True for a document that a TTL index, or the expiry of the collection, may
 * remove on either side any time. */
static bool
is_due(const struct drill *d, const uint8_t *doc, size_t len)
{
	const struct collection_info *info = d->part->move->info;
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
judge(const struct drill *d, enum verdict verdict, bool due)
{
	struct move *m = d->part->move;
	enum spaceferry_on_conflict mode =
	    d->v->job->options->on_conflict;

	if (verdict == DIFFERENT && mode == SPACEFERRY_SKIP)
		return (struct judgement){ d->v->read_source ? &m->kept : NULL,
		    "kept", "was kept as it is on the target", false };
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

/* Counts and names one document that differs. */
static void
tell(struct drill *d, enum verdict verdict, const uint8_t *doc, size_t len)
{
	struct judgement j = judge(d, verdict, verdict != DIFFERENT &&
	    is_due(d, doc, len));
	struct report *report = &d->v->job->report;
	const char *ns = d->part->move->target_ns;
	const char *text = NULL, *hint = "";
	struct buf id;

	if (j.counter != NULL) {
		pthread_mutex_lock(&d->v->data->lock);
		(*j.counter)++;
		pthread_mutex_unlock(&d->v->data->lock);
	}
	buf_init(&id, ID_TEXT_MAX);
	if (doc_id_json(doc, len, &id))
		text = buf_str(&id);
	if (text == NULL)
		text = "(too long to show)";
	if (verdict == EXTRA && d->v->job->resumed)
		hint = "the interrupted run may have moved it before the source "
		    "deleted it: --restart --drop moves everything anew";
	if (j.is_error)
		report_error(report, j.kind, hint, "%s _id %s %s", ns, text,
		    j.words);
	else
		report_note(report, j.kind, "", "%s _id %s %s", ns, text,
		    j.words);
	buf_free(&id);
}

static bool
name_source(void *arg, const uint8_t *doc, size_t len, const struct tally *t,
    struct err *err)
{
	struct drill *d = arg;
	enum verdict v;

	(void)err;
	v = verdict_of(&d->source, d->source_verdicts, docdigest_id(doc, len),
	    t->digest);
	if (v == MISSING || v == DIFFERENT)
		tell(d, v, doc, len);
	return true;
}

static bool
name_target(void *arg, const uint8_t *doc, size_t len, const struct tally *t,
    struct err *err)
{
	struct drill *d = arg;

	(void)err;
	if (verdict_of(&d->target, d->target_verdicts, docdigest_id(doc, len),
	    t->digest) == EXTRA)
		tell(d, EXTRA, doc, len);
	return true;
}

/* Reads both sides into pairs (naming false) or to name what differs. */
static bool
read_sides(struct drill *d, struct side *source, struct side *target,
    bool naming, struct err *err)
{
	struct tally on_source, on_target;

	memset(&on_source, 0, sizeof(on_source));
	memset(&on_target, 0, sizeof(on_target));
	if (!side_read(source, d->part, NULL, &on_source,
	    naming ? name_source : add_pair,
	    naming ? (void *)d : (void *)&d->source, err) ||
	    !side_read(target, d->part, NULL, &on_target,
	    naming ? name_target : add_pair,
	    naming ? (void *)d : (void *)&d->target, err))
		return false;
	d->part->expected = on_source;
	d->part->actual = on_target;
	return true;
}

/* The source is read at the time that was moved, both times; where that time
 * is gone, as it is now, which may differ for that reason alone. */
static bool
read_pairs(struct drill *d, struct side *source, struct side *target,
    struct err *err)
{

	while (!read_sides(d, source, target, false, err)) {
		if (!source->at->anew)
			return false;
		source->at->anew = false;
		d->source.n = 0;
		d->target.n = 0;
	}
	return true;
}

static bool
drill(struct drill *d, struct side *source, struct side *target,
    struct err *err)
{

	if (!read_pairs(d, source, target, err))
		return false;
	sort_pairs(&d->source);
	sort_pairs(&d->target);
	d->source_verdicts = calloc(d->source.n + 1,
	    sizeof(*d->source_verdicts));
	d->target_verdicts = calloc(d->target.n + 1,
	    sizeof(*d->target_verdicts));
	if (d->source_verdicts == NULL || d->target_verdicts == NULL)
		return err_nomem(err, "verification");
	join(d);
	return read_sides(d, source, target, true, err);
}

/* Says so when the source was not read at the time that was moved. */
static void
tell_of_time(struct drill *d, const struct moment_read *at)
{

	if (d->part->at.seconds != 0 && at->at.seconds == 0)
		report_note(&d->v->job->report, "verified_now", "what differs "
		    "may have changed on the source since it was read",
		    "%s: the source's history is gone; what differs was looked "
		    "up as it is now", d->part->move->target_ns);
}

bool
drill_part(struct verify_data *v, struct part *p, struct mongo_session *source,
    struct mongo_session *target, struct err *err)
{
	struct drill d = { .v = v, .part = p };
	struct moment_read at = { .moment = v->data->moment,
	    .session = source, .move = p->move, .fixed = true, .at = p->at };
	struct side on_source = { .job = v->job, .data = v->data,
	    .session = source, .is_source = true, .at = &at };
	struct side on_target = { .job = v->job, .data = v->data,
	    .session = target };
	struct transform_options options = { .job = v->job, .move = p->move };
	struct transform *t;
	bool ok;

	if ((t = transform_new(&options, err)) == NULL)
		return false;
	on_source.transform = t;
	on_target.transform = t;
	ok = drill(&d, &on_source, &on_target, err);
	tell_of_time(&d, &at);
	transform_free(t);
	free(d.source.v);
	free(d.target.v);
	free(d.source_verdicts);
	free(d.target_verdicts);
	return ok;
}
