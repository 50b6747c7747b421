#include <stdio.h>
#include <string.h>

#include "job/copy.h"
#include "job/delta_internal.h"
#include "job/part.h"
#include "job/target.h"
#include "mongo/source.h"

/* In the journal: a collection that this migration fills, so that one cut short
 * may be dropped and begun anew. */
#define FACT "delta-stream:"
#define FACT_MAX (MONGO_NS_MAX + 32)
#define FILLING "filling"
#define WHOLE "whole"

static void
fact_name(const struct move *m, char out[FACT_MAX])
{

	snprintf(out, FACT_MAX, FACT "%s", m->target_ns);
}

static bool
is_being_filled(const struct delta *d, const struct move *m)
{
	char name[FACT_MAX];
	const char *value;

	if (d->run->journal == NULL)
		return false;
	fact_name(m, name);
	value = journal_get(d->run->journal, name);
	return value != NULL && strcmp(value, FILLING) == 0;
}

/* Whether what the target has of m may go: nothing, or what this migration put
 * there, or --delete says so. */
static bool
may_replace(const struct delta *d, const struct move *m, bool *may,
    struct err *err)
{
	bool any;

	*may = true;
	if (d->job->options->delete_extra || is_being_filled(d, m))
		return true;
	if (catalog_find(d->data->target.catalog, m->target_ns) == NULL)
		return true;
	if (!mongo_any(d->data->target.session, m->target_ns, &any, err))
		return err_prefix(err, "target: %s", m->target_ns);
	*may = !any;
	return true;
}

/* Counts what m would take, or names it. */
static bool
count_one(struct delta *d, struct move *m, struct err *err)
{
	struct delta_move *of = delta_of(d, m);
	bool may;

	if (!may_replace(d, m, &may, err))
		return false;
	if (may) {
		of->inserted = m->source.count;
		d->bytes += m->source.bytes;
		return true;
	}
	of->differs = false;
	of->deleted = 0;
	if (d->quiet)
		return true;
	report_error(&d->job->report, "stream", "--delete lets it be replaced "
	    "whole, --exclude leaves it out", "%s differs, and a %s cannot be "
	    "brought up to date document by document", m->target_ns,
	    m->info->capped ? "capped collection" : "time-series");
	return true;
}

bool
delta_streams_count(struct delta *d, struct err *err)
{
	size_t i;

	for (i = 0; i < d->data->n_moves; i++) {
		if (d->moves[i].differs &&
		    !count_one(d, &d->data->moves[i], err))
			return false;
	}
	return true;
}

/* Drops what is there of m and has copy do it anew. */
static bool
empty_one(struct delta *d, struct move *m, struct err *err)
{
	char name[FACT_MAX];

	fact_name(m, name);
	if (!delta_guard_source(d->data, d->data->source.session, m, err) ||
	    !delta_may_remove(d, delta_of(d, m)->deleted, err) ||
	    !journal_put(d->run->journal, name, FILLING, err))
		return false;
	atomic_store(&d->job->changed, true);
	if (m->info->expires && !mongo_may(d->data->target.session,
	    m->target_ns, "collMod", &m->expiry_later, err))
		return err_prefix(err, "target");
	return target_remake(d->data, m, err);
}

/* Partitions that need no copying are done; the streams' are not. */
static void
mark_parts(struct delta *d)
{
	struct data *data = d->data;
	size_t i, j;

	for (i = 0; i < data->n_moves; i++) {
		for (j = 0; j < data->moves[i].n_parts; j++) {
			struct part *p = &data->moves[i].parts[j];

			if (d->moves[i].differs)
				part_reset(p);
			p->read = false;
			p->done = !d->moves[i].differs;
		}
	}
}

/* What they were is known by now: copy sums only what it read. */
static bool
copy_streams(struct delta *d, struct err *err)
{
	struct copy copy = {
		.job = d->job, .data = d->data,
		.quarantine = d->run->quarantine,
		.write = true, .ours = true,
	};

	mark_parts(d);
	return copy_run(&copy, err);
}

bool
delta_streams_move(struct delta *d, struct err *err)
{
	char name[FACT_MAX];
	size_t i, n = 0;

	if (!delta_streams_count(d, err))
		return false;
	for (i = 0; i < d->data->n_moves; i++) {
		if (!d->moves[i].differs)
			continue;
		n++;
		if (!empty_one(d, &d->data->moves[i], err))
			return false;
	}
	if (n == 0)
		return true;
	if (!copy_streams(d, err))
		return false;
	for (i = 0; i < d->data->n_moves; i++) {
		fact_name(&d->data->moves[i], name);
		if (d->moves[i].differs && !journal_put(d->run->journal, name,
		    WHOLE, err))
			return false;
	}
	return true;
}
