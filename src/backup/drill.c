#include "backup/drill.h"
#include "job/job.h"

int
drill_restore(const struct spaceferry_options *options,
    struct spaceferry_summary *summary)
{
	struct job job;
	struct err err;
	bool ok;

	ok = job_open(&job, options, "restore", summary, &err) &&
	    err_set(&err, ERR_UNSUPPORTED, "--drill is not there yet");
	return job_close(&job, ok, &err);
}
