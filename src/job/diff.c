#include "job/accounts.h"
#include "job/diff_documents.h"
#include "job/differences.h"
#include "job/moment.h"
#include "job/part.h"
#include "job/plan.h"
#include "job/run.h"
#include "job/target.h"
#include "job/verify_data.h"

static bool
compare_documents(struct run *r, struct err *err)
{
	struct drill_teller teller = {
		.both = true, .found = diff_documents_found,
	};
	struct verify_data v = {
		.job = &r->job, .data = &r->data, .links = r->links,
		.read_source = true, .teller = &teller,
	};
	struct diff_documents *d;
	bool ok;

	if ((d = diff_documents_open(&r->job, &r->data, err)) == NULL)
		return false;
	teller.arg = d;
	ok = verify_data_run(&v, err);
	return diff_documents_close(d, ok, err);
}

static void
tell_metadata(struct differences *d, const struct move *m)
{
	size_t i;

	for (i = 0; i < m->n_metadata; i++) {
		const struct spaceferry_metadata *what = &m->metadata[i];
		struct spaceferry_difference line = {
			.kind = SPACEFERRY_METADATA,
			.ns = m->target_ns,
			.type = what->kind,
			.name = what->name,
			.source = what->source,
			.target = what->target,
		};

		differences_tell(d, &line);
	}
}

static bool
compare_data(struct run *r, struct err *err)
{
	size_t i;

	r->data.moment = moment_new(&r->data, &r->job, NULL, err);
	if (r->data.moment == NULL)
		return false;
	plan_comparison(&r->data);
	for (i = 0; i < r->data.n_moves; i++) {
		if (!part_make_all(&r->data.moves[i], &r->data, NULL, err))
			return false;
	}
	if (!compare_documents(r, err) ||
	    !target_compare(&r->data, &r->job, err))
		return false;
	for (i = 0; i < r->data.n_moves; i++)
		tell_metadata(r->job.differences, &r->data.moves[i]);
	target_note_others(&r->data, &r->job, "it is not compared");
	return accounts_compare(&r->data, &r->job, err);
}

static bool
compare(struct run *r, struct err *err)
{

	r->began = true;
	if (r->has_data && !compare_data(r, err))
		return false;
	return !r->has_files || (run_find_manifests(r, err) &&
	    files_verify(&r->files, err));
}

static void
tell_settled(struct run *r)
{
	uint64_t n = r->job.report.summary->settled;

	if (n > 0)
		report_note(&r->job.report, "settled", "",
		    "%llu documents differed while they were written to; looked "
		    "at again, both sides agree", (unsigned long long)n);
}

int
spaceferry_diff(const struct spaceferry_options *options,
    struct spaceferry_summary *summary)
{
	struct differences differences;
	struct run r;
	struct err err;
	bool ok;

	err_clear(&err);
	ok = run_open(&r, options, "diff", summary, &err);
	differences_init(&differences, &r.job);
	ok = ok && compare(&r, &err);
	tell_settled(&r);
	return run_close(&r, ok, &err);
}
