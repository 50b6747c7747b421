/*
 * What a file was, kept beside it before it is replaced: FILE.bak, or the first
 * of FILE.bak.1, FILE.bak.2 … that does not exist.
 *
 * The backup is one more name of the old file (link(2)), so that mode, owner
 * and time are its own and nothing can be lost between the two steps; a copy
 * where the file system has no such names.  Nothing is ever overwritten.
 */
#ifndef CLI_REWRITE_BACKUP_H
#define CLI_REWRITE_BACKUP_H

#include <stdbool.h>

#include "base/err.h"

/* Makes the backup of path, a regular file that is open as fd, and says where.
 * *out is freed by the caller, who also syncs the folder.  False with *err, and
 * nothing is made. */
bool rewrite_backup_make(const char *path, int fd, char **out,
    struct err *err);

/* The second way alone, for file systems without hard links: copies fd to
 * path, which must not exist (*exists tells when it does), and syncs it. */
bool rewrite_backup_copy(int fd, const char *path, bool *exists,
    struct err *err);

#endif
