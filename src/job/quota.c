#include "job/part.h"
#include "job/quota.h"

#define MIB (1024.0 * 1024)
#define M0_BYTES ((uint64_t)512 * 1024 * 1024)
#define FLEX_BYTES ((uint64_t)5 * 1024 * 1024 * 1024)

struct sizes {
	uint64_t documents;
	uint64_t indexes;
	uint64_t arrived;	/* of documents */
};

static struct sizes
add_up(const struct data *d)
{
	struct sizes s = { 0, 0, 0 };
	size_t i, j;

	for (i = 0; i < d->n_moves; i++) {
		const struct move *m = &d->moves[i];

		s.documents += m->info->bytes;
		s.indexes += m->info->index_bytes;
		for (j = 0; j < m->n_parts; j++)
			s.arrived += m->parts[j].expected.bytes;
	}
	return s;
}

bool
quota_check(const struct data *d, struct job *job, struct err *err)
{
	struct sizes s = add_up(d);

	if (s.documents + s.indexes > FLEX_BYTES && d->query.data == NULL) {
		err_set(err, ERR_TOO_LARGE, "target: it does not fit: the "
		    "source holds %.0f MB of documents and %.0f MB of indexes; "
		    "Flex of Atlas holds 5 GB of both together, M0 512 MB",
		    (double)s.documents / MIB, (double)s.indexes / MIB);
		return err_hint(err, "choose a larger tier, or leave some out "
		    "with --exclude or --query");
	}
	if (s.documents + s.indexes > M0_BYTES)
		report_note(&job->report, "quota", "choose a larger tier, or "
		    "leave some out with --exclude or --query",
		    "the source holds %.0f MB of documents and %.0f MB of "
		    "indexes; M0 of Atlas holds 512 MB of both together",
		    (double)s.documents / MIB, (double)s.indexes / MIB);
	return true;
}

bool
quota_explain(const struct data *d, struct err *err)
{
	struct sizes s = add_up(d);

	if (err->kind != ERR_QUOTA)
		return false;
	return err_hint(err, "%.1f MB of documents and %.1f MB of indexes are to "
	    "be moved, %.1f MB of documents are there.  Delete something there "
	    "or choose a larger tier (Atlas looks again every 20 minutes or "
	    "so); the same command then resumes.  Or move less, with --exclude "
	    "or --query and --restart --drop",
	    (double)s.documents / MIB, (double)s.indexes / MIB,
	    (double)s.arrived / MIB);
}

bool
quota_explain_delta(struct err *err)
{

	if (err->kind != ERR_QUOTA)
		return false;
	return err_hint(err, "documents that were just being replaced may be "
	    "missing there: the old ones are gone, the new ones are not let in. "
	    "Delete something else there, or choose a larger tier (Atlas looks "
	    "again every 20 minutes or so); the same command then brings them "
	    "back, and the rest");
}
