#include "cli/command.h"
#include "cli/options.h"

static bool
check_repo(const struct options *o, struct err *err)
{

	if (o->job.repo != NULL)
		return true;
	err_set(err, ERR_USAGE, "--repo is missing");
	return err_hint(err, "give it, or set SPACEFERRY_REPO");
}

bool
command_check_backup(const struct options *o, struct err *err)
{

	return check_repo(o, err);
}

bool
command_check_restore(const struct options *o, struct err *err)
{

	return check_repo(o, err);
}

bool
command_check_snapshots(const struct options *o, struct err *err)
{

	return check_repo(o, err);
}

bool
command_check_check(const struct options *o, struct err *err)
{

	return check_repo(o, err);
}

bool
command_check_prune(const struct options *o, struct err *err)
{

	return check_repo(o, err);
}
