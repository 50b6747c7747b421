/*
 * What happens around a backup: the commands of --before and --after, the pings
 * of --ping, the file of --metrics.  None of it during a dry run.
 *
 * Order, in the thread of the job:
 *
 *	ok = job_open(…) && backup_watch_begin(&job, &err) && …;
 *	status = job_close(&job, ok, &err);
 *	return backup_watch_end(options, status, summary);
 *
 * backup_watch_end() is called on every exit, also where begin was not reached:
 * --after may start what --before stopped.
 */
#ifndef BACKUP_WATCH_H
#define BACKUP_WATCH_H

#include <stdbool.h>

#include "base/err.h"
#include "job/job.h"
#include "spaceferry.h"

/* Tells --ping that a backup starts (one that fails is a note), then runs
 * --before and waits for it.  Before anything is read.  False with ERR_DENIED when
 * the command fails or outlasts the patience (then it is killed, with whatever it
 * started), ERR_CANCELLED. */
bool backup_watch_begin(struct job *job, struct err *err);

/* Writes --metrics, runs --after, tells --ping how it ended.  status: what
 * job_close() returned.  What goes wrong here is a note in *summary and in the
 * log.  A stop that was requested does not keep --after from running.  Returns
 * status. */
int backup_watch_end(const struct spaceferry_options *options, int status,
    struct spaceferry_summary *summary);

#endif
