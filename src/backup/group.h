/*
 * What a backup is of, as the group of its snapshot: a retention policy counts in
 * groups, so whatever one backup holds and another does not must set them apart,
 * or one would be removed for the other.
 */
#ifndef BACKUP_GROUP_H
#define BACKUP_GROUP_H

#include <stdbool.h>

#include "backup/data.h"
#include "backup/files.h"
#include "base/err.h"
#include "repo/repo.h"

/* Names the group (docs/FORMAT.md, "Snapshot") into out, 16 hex digits and a NUL:
 * by the ends without their credentials and the options that choose among what they
 * hold, in whatever order they were given.  data, files: NULL where there are
 * none.  False with *err when memory is out. */
#define GROUP_SIZE 17
bool group_name(const struct job *job, const struct backup_data *data,
    const struct backup_files *files, struct repo *repo, char out[GROUP_SIZE],
    struct err *err);

#endif
