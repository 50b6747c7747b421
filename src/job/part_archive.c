#include <string.h>

#include "job/part.h"

#define ORDINAL_BYTES 8

/* In the journal a partition of an archive is its two ordinals, little-endian,
 * where others have their bounds. */
static void
put_ordinal(uint64_t n, uint8_t out[ORDINAL_BYTES])
{
	size_t i;

	for (i = 0; i < ORDINAL_BYTES; i++)
		out[i] = (uint8_t)(n >> (8 * i));
}

static bool
get_ordinal(const struct rawdoc *raw, uint64_t *n)
{
	size_t i;

	*n = 0;
	if (raw->len != ORDINAL_BYTES)
		return false;
	for (i = 0; i < ORDINAL_BYTES; i++)
		*n |= (uint64_t)raw->data[i] << (8 * i);
	return true;
}

static bool
add(struct move *m, uint64_t first, uint64_t end, struct journal *journal,
    struct err *err)
{
	uint8_t low[ORDINAL_BYTES], high[ORDINAL_BYTES];
	struct mongo_range range = {
		{ low, sizeof(low) }, { high, sizeof(high) },
	};
	struct part *p;

	put_ordinal(first, low);
	put_ordinal(end, high);
	if ((p = part_add(m, &range, journal, err)) == NULL)
		return false;
	p->first = first;
	p->end = end;
	return true;
}

/* What an earlier run noted.  Another archive has another fingerprint, but
 * nobody knows what comes out of a pipe: all of that is read again. */
static bool
take_noted(struct move *m, const struct data *d, struct err *err)
{
	size_t i;

	for (i = 0; i < m->n_parts; i++) {
		struct part *p = &m->parts[i];

		if (!get_ordinal(&p->range.low, &p->first) ||
		    !get_ordinal(&p->range.high, &p->end))
			return err_set(err, ERR_DAMAGED, "the journal's "
			    "partitions of %s are not an archive's",
			    m->target_ns);
		if (d->source.place.stream)
			part_reset(p);
	}
	return true;
}

bool
part_make_archive(struct move *m, struct data *d, struct journal *journal,
    struct err *err)
{
	const struct archive_seen *seen = NULL;
	uint64_t first = 0;
	size_t i;

	if (journal != NULL && journal_has_parts(journal, m->target_ns))
		return part_load(m, journal, err) && take_noted(m, d, err);
	if (d->source.scan != NULL && !m->stream)
		seen = archive_scan_find(d->source.scan, m->info->ns);
	if (seen == NULL && !add(m, 0, UINT64_MAX, journal, err))
		return false;
	for (i = 0; seen != NULL && i < seen->n_ends; i++) {
		if (!add(m, first, seen->ends[i], journal, err))
			return false;
		first = seen->ends[i];
	}
	return journal == NULL ||
	    journal_parts_complete(journal, m->target_ns, err);
}
