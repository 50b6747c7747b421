/*
 * Count, bytes and digest of every collection of a dump directory, in a file
 * beside its databases: a .bson file cut between two documents, or lacking, is
 * seen by nothing else.  mongorestore passes over the file.  (An archive needs
 * none: it has checksums and an end of its own.)  docs/FORMAT.md describes it.
 */
#ifndef JOB_DUMP_SUMS_H
#define JOB_DUMP_SUMS_H

#include <stdbool.h>

#include "base/err.h"
#include "job/archive_scan.h"

#define DUMP_SUMS_NAME ARCHIVE_SUMS_NAME

/* Writes the file for what scan saw in folder, atomically. */
bool dump_sums_write(const char *folder, const struct archive_scan *scan,
    struct err *err);

/* Holds scan against the file.  ERR_DAMAGED names the collection that differs
 * or is missing; true when they agree, or when there is no such file (*found
 * false). */
bool dump_sums_check(const char *folder, const struct archive_scan *scan,
    bool *found, struct err *err);

#endif
