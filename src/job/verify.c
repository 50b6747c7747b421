#include "job/moment.h"
#include "job/accounts.h"
#include "job/part.h"
#include "job/plan.h"
#include "job/run.h"
#include "job/target.h"
#include "job/verify_data.h"

static bool
verify_data(struct run *r, struct err *err)
{
	struct verify_data v = {
		.job = &r->job, .data = &r->data, .links = r->links,
		.read_source = true,
	};
	size_t i;

	r->data.moment = moment_new(&r->data, &r->job, NULL, err);
	if (r->data.moment == NULL)
		return false;
	plan_comparison(&r->data);
	for (i = 0; i < r->data.n_moves; i++) {
		if (!part_make_all(&r->data.moves[i], &r->data, NULL, err))
			return false;
	}
	return verify_data_run(&v, err) &&
	    target_compare(&r->data, &r->job, err) &&
	    accounts_compare(&r->data, &r->job, err);
}

static bool
verify(struct run *r, struct err *err)
{

	r->began = true;
	if (r->has_data && !verify_data(r, err))
		return false;
	return !r->has_files || (run_find_manifests(r, err) &&
	    files_verify(&r->files, err));
}

int
spaceferry_verify(const struct spaceferry_options *options,
    struct spaceferry_summary *summary)
{
	struct run r;
	struct err err;
	bool ok;

	err_clear(&err);
	ok = run_open(&r, options, "verify", summary, &err) &&
	    verify(&r, &err);
	return run_close(&r, ok, &err);
}
