/*
 * What is looked at before a repository is made where there is none: a backup
 * that would be refused leaves none behind, least of all among the files that are
 * to be backed up.
 */
#ifndef BACKUP_FIRST_H
#define BACKUP_FIRST_H

#include <stdbool.h>

#include "base/err.h"
#include "job/job.h"

/* Opens what --files names, and closes it again; --repo must not lie in one of
 * these.  Blocks.  False with *err, as backup_files_open() has it. */
bool first_check(struct job *job, struct err *err);

#endif
