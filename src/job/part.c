#include <stdlib.h>
#include <string.h>

#include "job/part.h"
#include "job/target.h"

/* The order of journal_part.counters. */
enum {
	C_DOCUMENTS, C_VALUES, C_KEYS, C_IDS, C_BINARY, C_REGEX, C_NO_RULE,
	C_DBREFS, C_QUARANTINED, C_KEPT, C_QUARANTINED_BYTES, C_CLUSTER_TIME,
	C_COUNTERS
};

_Static_assert(C_COUNTERS <= sizeof(((struct journal_part *)0)->counters) /
    sizeof(uint64_t), "the journal holds every counter");

static bool
copy_raw(struct rawdoc *to, const uint8_t *data, size_t len)
{

	to->data = NULL;
	to->len = 0;
	if (len == 0)
		return true;
	if ((to->data = malloc(len)) == NULL)
		return false;
	memcpy(to->data, data, len);
	to->len = len;
	return true;
}

/* Adds an empty partition behind the others. */
static struct part *
grow(struct move *m)
{
	struct part *grown, *p;

	grown = realloc(m->parts, (m->n_parts + 1) * sizeof(*grown));
	if (grown == NULL)
		return NULL;
	m->parts = grown;
	p = &grown[m->n_parts];
	memset(p, 0, sizeof(*p));
	p->move = m;
	p->number = m->n_parts++;
	return p;
}

static bool
set_range(struct part *p, const struct rawdoc *low, const struct rawdoc *high)
{

	return copy_raw(&p->range.low, low->data, low->len) &&
	    copy_raw(&p->range.high, high->data, high->len);
}

struct collector {
	struct move *move;
	struct journal *journal;
};

struct part *
part_add(struct move *m, const struct mongo_range *r, struct journal *journal,
    struct err *err)
{
	struct journal_part j = {
		.low = r->low.data, .low_len = r->low.len,
		.high = r->high.data, .high_len = r->high.len,
	};
	struct part *p;

	if ((p = grow(m)) == NULL || !set_range(p, &r->low, &r->high)) {
		err_nomem(err, "partitions");
		return NULL;
	}
	if (journal != NULL && !journal_add_part(journal, m->target_ns, &j,
	    err))
		return NULL;
	return p;
}

static bool
collect(void *arg, const struct mongo_range *r, struct err *err)
{
	struct collector *c = arg;

	return part_add(c->move, r, c->journal, err) != NULL;
}

void
part_reset(struct part *p)
{

	p->done = false;
	p->resumed = false;
	memset(&p->expected, 0, sizeof(p->expected));
	memset(&p->counts, 0, sizeof(p->counts));
	memset(&p->quarantined_tally, 0, sizeof(p->quarantined_tally));
	p->quarantined = 0;
	p->kept = 0;
}

static void
unpack_counters(struct part *p, const struct journal_part *j)
{

	p->counts.documents = j->counters[C_DOCUMENTS];
	p->counts.values = j->counters[C_VALUES];
	p->counts.keys = j->counters[C_KEYS];
	p->counts.ids = j->counters[C_IDS];
	p->counts.binary = j->counters[C_BINARY];
	p->counts.regex = j->counters[C_REGEX];
	p->counts.no_rule = j->counters[C_NO_RULE];
	p->counts.dbrefs = j->counters[C_DBREFS];
	p->quarantined = j->counters[C_QUARANTINED];
	p->quarantined_tally.count = p->quarantined;
	p->quarantined_tally.bytes = j->counters[C_QUARANTINED_BYTES];
	p->kept = j->counters[C_KEPT];
	p->at.seconds = (uint32_t)(j->counters[C_CLUSTER_TIME] >> 32);
	p->at.increment = (uint32_t)j->counters[C_CLUSTER_TIME];
}

bool
part_load(struct move *m, struct journal *journal, struct err *err)
{
	size_t i, n = journal_count_parts(journal, m->target_ns);

	for (i = 0; i < n; i++) {
		struct journal_part j;
		struct rawdoc low, high;
		struct part *p;

		if (!journal_get_part(journal, m->target_ns, i, &j))
			return err_set(err, ERR_INTERNAL,
			    "journal lost partition %zu of %s", i,
			    m->target_ns);
		low.data = (uint8_t *)(uintptr_t)j.low;
		low.len = j.low_len;
		high.data = (uint8_t *)(uintptr_t)j.high;
		high.len = j.high_len;
		if ((p = grow(m)) == NULL || !set_range(p, &low, &high))
			return err_nomem(err, "partitions");
		/* What was refused is tried again: the cause may be gone. */
		p->done = j.done && j.counters[C_QUARANTINED] == 0;
		p->resumed = p->done;
		if (p->done) {
			p->expected = j.tally;
			unpack_counters(p, &j);
		}
	}
	return true;
}

bool
part_make_all(struct move *m, struct data *d, struct journal *journal,
    struct err *err)
{
	struct collector c = { .move = m, .journal = journal };
	struct mongo_split split = {
		.info = m->info,
		.max_docs = PART_MAX_DOCS,
		.max_bytes = PART_MAX_BYTES,
		.range = collect,
		.arg = &c,
	};
	const struct mongo_range whole = { 0 };

	if (m->info->type == COLLECTION_VIEW)
		return true;
	m->replaced = journal != NULL && target_is_outdated(m, journal);
	if (m->replaced && !journal_forget_parts(journal, m->target_ns, err))
		return false;
	if (d->source.kind != END_MONGO)
		return part_make_archive(m, d, journal, err);
	if (journal != NULL && journal_has_parts(journal, m->target_ns))
		return part_load(m, journal, err);
	if (m->stream ? !collect(&c, &whole, err) :
	    !mongo_split(d->source.session, &split, err))
		return err_prefix(err, "source: %s", m->info->ns);
	return journal == NULL ||
	    journal_parts_complete(journal, m->target_ns, err);
}

void
part_free_all(struct move *m)
{
	size_t i;

	for (i = 0; i < m->n_parts; i++)
		mongo_range_free(&m->parts[i].range);
	free(m->parts);
	m->parts = NULL;
	m->n_parts = 0;
}

bool
part_record_done(struct part *p, struct journal *journal, struct err *err)
{
	struct journal_part j = {
		.done = true,
		.tally = p->expected,
		.counters = {
			[C_DOCUMENTS] = p->counts.documents,
			[C_VALUES] = p->counts.values,
			[C_KEYS] = p->counts.keys,
			[C_IDS] = p->counts.ids,
			[C_BINARY] = p->counts.binary,
			[C_REGEX] = p->counts.regex,
			[C_NO_RULE] = p->counts.no_rule,
			[C_DBREFS] = p->counts.dbrefs,
			[C_QUARANTINED] = p->quarantined,
			[C_QUARANTINED_BYTES] = p->quarantined_tally.bytes,
			[C_KEPT] = p->kept,
			[C_CLUSTER_TIME] = (uint64_t)p->at.seconds << 32 |
			    p->at.increment,
		},
	};

	return journal == NULL || journal_part_done(journal,
	    p->move->target_ns, p->number, &j, err);
}
