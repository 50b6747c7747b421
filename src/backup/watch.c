#include "backup/watch.h"

bool
backup_watch_begin(struct job *job, struct err *err)
{

	(void)job;
	(void)err;
	return true;
}

int
backup_watch_end(const struct spaceferry_options *options, int status,
    struct spaceferry_summary *summary)
{

	(void)options;
	(void)summary;
	return status;
}
