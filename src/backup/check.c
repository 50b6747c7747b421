#include "base/err.h"
#include "job/job.h"
#include "spaceferry.h"

int
spaceferry_check(const struct spaceferry_options *options,
    struct spaceferry_summary *summary)
{
	struct job job;
	struct err err;
	bool ok;

	ok = job_open(&job, options, "check", summary, &err) &&
	    err_set(&err, ERR_UNSUPPORTED, "check is not there yet");
	return job_close(&job, ok, &err);
}
