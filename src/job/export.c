#include <string.h>

#include "base/log.h"
#include "job/accounts.h"
#include "job/archive_head.h"
#include "job/copy.h"
#include "job/drift.h"
#include "job/dump_sums.h"
#include "job/export.h"
#include "job/part.h"
#include "job/target.h"
#include "job/verify_data.h"

static bool
write_all(struct run *r, struct err *err)
{
	struct copy copy = {
		.job = &r->job,
		.data = &r->data,
		.quarantine = r->quarantine,
		.links = r->links,
		.write = true,
	};
	bool ok;

	copy.out = archive_head_write(&r->data,
	    r->job.options->users_and_roles, err);
	if (copy.out == NULL)
		return false;
	if (r->data.target.place.stream)
		atomic_store(&r->job.changed, true);
	ok = accounts_export(&r->data, &r->job, copy.out, err) &&
	    copy_run(&copy, err);
	if (ok && !archive_out_finish(copy.out, err))
		ok = err_prefix(err, "target");
	archive_out_free(copy.out);
	if (ok)
		atomic_store(&r->job.changed, true);
	return ok && drift_check(&r->data, &r->job, err);
}

/* What went to stdout cannot be read back: the summary shows what was sent. */
static void
believe(struct run *r)
{
	size_t i, j;

	for (i = 0; i < r->data.n_moves; i++) {
		struct move *m = &r->data.moves[i];

		memset(&m->target, 0, sizeof(m->target));
		for (j = 0; j < m->n_parts; j++)
			tally_add(&m->target, &m->parts[j].expected);
	}
	r->data.judged = true;
	report_note(&r->job.report, "not_read_back", "",
	    "what goes to stdout is not read back: its reader has to check "
	    "it (verify does, once it is a file)");
}

static bool
everything_is_there(const struct data *d)
{
	size_t i;

	for (i = 0; i < d->n_moves; i++) {
		const struct move *m = &d->moves[i];

		if (m->missing > 0 || m->different > 0 || m->extra > 0 ||
		    m->n_metadata > 0)
			return false;
	}
	return true;
}

static bool
read_back(struct run *r, struct err *err)
{
	struct strings all = { NULL, 0 };
	struct end_reading reading = {
		.dbs = &all, .progress = r->job.progress,
		.with_accounts = r->job.options->users_and_roles,
		.just_written = true,
	};
	struct verify_data v = { .job = &r->job, .data = &r->data };
	struct end *target = &r->data.target;

	target->write = false;
	if (!end_read_catalog(target, &reading, err) ||
	    !verify_data_run(&v, err) ||
	    !target_compare(&r->data, &r->job, err) ||
	    !accounts_compare(&r->data, &r->job, err))
		return false;
	if (target->place.kind != ARCHIVE_DUMP ||
	    !everything_is_there(&r->data))
		return true;
	return dump_sums_write(target->place.path, target->scan, err) ||
	    err_prefix(err, "target");
}

bool
export_data(struct run *r, struct err *err)
{
	size_t i;

	if (!accounts_check(&r->data, &r->job, NULL, err))
		return false;
	for (i = 0; i < r->data.n_moves; i++) {
		if (!part_make_all(&r->data.moves[i], &r->data, NULL, err))
			return false;
	}
	if (!write_all(r, err))
		return false;
	if (!r->data.target.place.stream)
		return read_back(r, err);
	believe(r);
	return true;
}
