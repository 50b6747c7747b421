/*
 * --users-and-roles: the users and roles of the chosen databases, moved after
 * the data with their passwords as they are, or written into an archive before
 * it.
 *
 * Order: accounts_check() before anything is changed, accounts_move() after
 * the data, or accounts_export() before it and accounts_compare() once the
 * archive is read back; verify calls accounts_compare() alone.  Each does
 * nothing unless the option was given.
 */
#ifndef JOB_ACCOUNTS_H
#define JOB_ACCOUNTS_H

#include <stdbool.h>

#include "base/err.h"
#include "job/archive_out.h"
#include "job/job.h"
#include "job/move.h"
#include "state/journal.h"

/* Reads both sides and says no where it cannot be done: with a file of
 * documents, where less than a whole database gets another name, from stdin
 * other than into a MongoDB (ERR_USAGE), without the right on either side
 * (ERR_DENIED), under --on-conflict abort where the target has a user or role
 * already (ERR_CONFLICT; from stdin: any at all).  journal: NULL in a dry
 * run. */
bool accounts_check(struct data *d, struct job *job, struct journal *journal,
    struct err *err);

/* Writes them and looks whether they are there. */
bool accounts_move(struct data *d, struct job *job, struct journal *journal,
    struct err *err);

/* Puts them into an archive that archive_head_write() began, and where nothing
 * was written yet. */
bool accounts_export(struct data *d, struct job *job, struct archive_out *out,
    struct err *err);

/* Reports each that is missing or different on the target. */
bool accounts_compare(struct data *d, struct job *job, struct err *err);

#endif
