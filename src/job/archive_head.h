/*
 * What an archive says at its head: the collections of a plan as they are named
 * on the target, with options and indexes as mongodump writes them.
 */
#ifndef JOB_ARCHIVE_HEAD_H
#define JOB_ARCHIVE_HEAD_H

#include <stdbool.h>

#include "base/err.h"
#include "job/archive_out.h"
#include "job/move.h"

/* Begins writing d's target: collection i of the archive is move i.  accounts:
 * behind them are those of users and roles (archive_users_names), for each of
 * data_target_databases().  NULL with *err. */
struct archive_out *archive_head_write(const struct data *d, bool accounts,
    struct err *err);

/* Describes one move as archives do: c's strings and bytes are freed by
 * archive_head_forget(), also after false (memory). */
bool archive_head_describe(const struct move *m, struct archive_collection *c);
void archive_head_forget(struct archive_collection *c);

#endif
