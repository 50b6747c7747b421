#include <string.h>

#include "cli/command.h"
#include "cli/options.h"

#define EVERY_LEAST_MS ((uint64_t)1000)

bool
command_is_snapshot(const char *end)
{

	return end != NULL && strncmp(end, "snapshot:", 9) == 0;
}

static bool
check_repo(const struct options *o, struct err *err)
{

	if (o->job.repo != NULL)
		return true;
	err_set(err, ERR_USAGE, "--repo is missing");
	return err_hint(err, "give it, or set SPACEFERRY_REPO");
}

bool
command_for_files(const struct options *o)
{
	const struct spaceferry_options *job = &o->job;

	return job->n_files > 0 &&
	    ((job->to == NULL && command_is_snapshot(job->from)) ||
	    (job->from == NULL && command_is_snapshot(job->to)));
}

bool
command_check_snapshot(const struct options *o, enum command_bit bit,
    struct err *err)
{
	const struct spaceferry_options *job = &o->job;

	if (!command_is_snapshot(job->from) && !command_is_snapshot(job->to))
		return true;
	if (bit == COMMAND_MIGRATE) {
		err_set(err, ERR_USAGE, "migrate takes no snapshot");
		return err_hint(err, "spaceferry restore brings one back, backup "
		    "makes one");
	}
	if ((bit == COMMAND_EXPORT || bit == COMMAND_IMPORT) &&
	    command_is_snapshot(job->to)) {
		err_set(err, ERR_USAGE, "%s writes no snapshot",
		    bit == COMMAND_EXPORT ? "export" : "import");
		return err_hint(err, "spaceferry backup makes one");
	}
	return check_repo(o, err);
}

bool
command_set_snapshot(struct options *o, enum command_bit bit, struct err *err)
{

	/* What is removed is named on the command line. */
	if (o->job.from == NULL || (command_is_snapshot(o->job.from) &&
	    (bit != COMMAND_PRUNE || options_is_flag(o, "from"))))
		return true;
	if (options_is_flag(o, "from") && bit == COMMAND_PRUNE) {
		err_set(err, ERR_USAGE, "--from: prune removes a snapshot");
		return err_hint(err, "--from snapshot:ID, or none to go by the "
		    "--keep options");
	}
	if (options_is_flag(o, "from")) {
		err_set(err, ERR_USAGE, "--from: restore reads a snapshot");
		return err_hint(err, "--from snapshot:ID, or none for the latest "
		    "one; migrate moves between two ends");
	}
	o->job.from = NULL;
	return true;
}

static bool
is_http(const char *url)
{
	const char *rest = strncmp(url, "https://", 8) == 0 ? url + 8 :
	    strncmp(url, "http://", 7) == 0 ? url + 7 : "";

	return rest[0] != '\0' && rest[0] != '/';
}

static bool
keeps(uint32_t n)
{

	return n > 0 && n != SPACEFERRY_KEEP_NONE;
}

/* A policy that would remove the backup that was just made. */
static bool
check_keep(const struct spaceferry_keep *k, struct err *err)
{

	if ((k->last == 0 && k->hourly == 0 && k->daily == 0 &&
	    k->weekly == 0 && k->monthly == 0 && k->yearly == 0) ||
	    keeps(k->last) || keeps(k->hourly) || keeps(k->daily) ||
	    keeps(k->weekly) || keeps(k->monthly) || keeps(k->yearly) ||
	    k->within_ms > 0)
		return true;
	err_set(err, ERR_USAGE, "these --keep options keep nothing, not even the "
	    "backup that is to be made");
	return err_hint(err, "--keep-last 1 keeps the newest one; prune "
	    "--keep-last 0 removes all of them");
}

bool
command_check_backup(const struct options *o, struct err *err)
{
	const struct spaceferry_options *job = &o->job;

	if (!check_repo(o, err))
		return false;
	if (job->from == NULL && job->n_files == 0) {
		err_set(err, ERR_USAGE, "nothing to back up: neither --from nor "
		    "--files is given");
		return err_hint(err, "give one or both, or set SPACEFERRY_FROM");
	}
	if (command_is_snapshot(job->from)) {
		err_set(err, ERR_USAGE, "--from: a snapshot is a backup already");
		return err_hint(err, "give the database that it was made of");
	}
	if (job->ping != NULL && !is_http(job->ping)) {
		err_set(err, ERR_USAGE, "--ping: that is no URL that begins with "
		    "https:// or http://");
		return err_hint(err, "as https://hc-ping.com/UUID");
	}
	if (o->every_ms > 0 && o->every_ms < EVERY_LEAST_MS) {
		err_set(err, ERR_USAGE, "--every: less than a second");
		return err_hint(err, "as 6h, or 30m");
	}
	if (o->every_ms > 0 && job->dry_run) {
		err_set(err, ERR_USAGE, "--dry-run shows one run: --every "
		    "contradicts it");
		return err_hint(err, "leave one of them out");
	}
	return check_keep(&job->keep, err);
}

/* What a scratch place makes meaningless. */
static bool
check_drill(const struct spaceferry_options *job, struct err *err)
{
	const char *other = job->drop ? "--drop" :
	    job->on_conflict != SPACEFERRY_ABORT ? "--on-conflict" :
	    job->dry_run ? "--dry-run" : NULL;

	if (other != NULL) {
		err_set(err, ERR_USAGE, "--drill touches nothing that is there: "
		    "%s contradicts it", other);
		return err_hint(err, "leave one of them out");
	}
	if (job->to != NULL)
		return true;
	err_set(err, ERR_USAGE, "--drill needs --to: a MongoDB to try it on");
	return err_hint(err, "give it, or set SPACEFERRY_TO; databases of its own "
	    "are made there, and removed");
}

bool
command_check_restore(const struct options *o, struct err *err)
{
	const struct spaceferry_options *job = &o->job;

	if (!check_repo(o, err))
		return false;
	if (job->drill)
		return check_drill(job, err);
	if (job->to == NULL && job->n_files == 0) {
		err_set(err, ERR_USAGE, "restore to where? neither --to nor "
		    "--files is given");
		return err_hint(err, "--to for the documents, --files for the "
		    "files, or set SPACEFERRY_TO");
	}
	if (command_is_snapshot(job->to)) {
		err_set(err, ERR_USAGE, "--to: a snapshot is where restore reads "
		    "from");
		return err_hint(err, "--from snapshot:ID --to URI");
	}
	return command_check_modes(o, err);
}

bool
command_check_snapshots(const struct options *o, struct err *err)
{

	return check_repo(o, err);
}

bool
command_check_check(const struct options *o, struct err *err)
{

	if (o->job.read_data && o->job.read_data_percent > 0) {
		err_set(err, ERR_USAGE, "--read-data reads everything: "
		    "--read-data-subset contradicts it");
		return err_hint(err, "leave one of them out");
	}
	return check_repo(o, err);
}

bool
command_check_prune(const struct options *o, struct err *err)
{
	const struct spaceferry_keep *k = &o->job.keep;

	if (o->job.from != NULL && (keeps(k->last) || k->hourly > 0 ||
	    k->daily > 0 || k->weekly > 0 || k->monthly > 0 || k->yearly > 0 ||
	    k->within_ms > 0)) {
		err_set(err, ERR_USAGE, "--from removes one snapshot: a policy "
		    "contradicts it");
		return err_hint(err, "leave one of them out");
	}
	return check_repo(o, err);
}
