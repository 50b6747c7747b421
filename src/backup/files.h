/*
 * The files of a backup: every --files is listed as a migration does (the same
 * oddities, the same refusals), each file is read once, cut into chunks
 * (codec/chunker.h) and stored in the repository; then what was stored becomes
 * the place and file lines of the snapshot's details (repo/detail.h).
 *
 * Order: backup_files_open(), backup_files_list(), for a dry run nothing more;
 * backup_files_run(), backup_files_details(); backup_files_summarise() whenever
 * counts are due, backup_files_close() always.  One thread calls;
 * backup_files_run() starts others and ends them.
 *
 * Memory: while files are read, for each worker three MiB and what repo_put()
 * takes.  For each file its key and about 110 bytes, and 32 for each MiB of it,
 * until backup_files_close().
 */
#ifndef BACKUP_FILES_H
#define BACKUP_FILES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/glob.h"
#include "job/job.h"
#include "repo/repo.h"
#include "repo/snapshot.h"

struct backup_files;

/* Opens and probes the sources of options->files.  repository (NULL: none) must
 * not lie in one of them, nor they in it.  Blocks.  NULL with *err: what
 * files_open() has, ERR_USAGE for the same place twice, ERR_SAME. */
struct backup_files *backup_files_open(struct job *job,
    const struct store *repository, struct err *err);
void backup_files_close(struct backup_files *b);	/* NULL is allowed */

/* The places as snapshots name them, in the order of the options: as given, no
 * secrets in them.  Lives with b. */
const struct strings *backup_files_names(const struct backup_files *b);

/* Appends what identifies the places, a line for each, whatever their order in
 * the options: for the group of a snapshot.  False when memory is out. */
bool backup_files_identity(const struct backup_files *b, struct buf *out);

/* Lists all: counts, reports what cannot be backed up (each is a failed file).
 * Blocks.  False with *err as files_list(). */
bool backup_files_list(struct backup_files *b, struct err *err);

/* Reads and stores all of them, with the job's number of workers;
 * repo_load_index() has been called.  A file that cannot be read, or changes
 * each time while it is read, is reported and left out; one that is gone by then
 * is only noted.  Blobs of a file are told to w (snapshot_writer_need()) once
 * it is whole.  Blocks.  False with *err: the repository's errors, a source
 * that is away, ERR_CANCELLED. */
bool backup_files_run(struct backup_files *b, struct repo *repo,
    struct snapshot_writer *w, struct err *err);

/* Adds the place lines, each followed by its file lines sorted by key. */
bool backup_files_details(struct backup_files *b, struct snapshot_writer *w,
    struct repo_session *s, struct err *err);

/* What is in the snapshot, for the end line of its details. */
uint64_t backup_files_places(const struct backup_files *b);
uint64_t backup_files_count(const struct backup_files *b);

/* Bytes of files read so far. */
uint64_t backup_files_bytes_read(const struct backup_files *b);

/* Puts the counts into the job's summary: files (uploaded: those of which
 * something was new; a dry run calls all of them so). */
void backup_files_summarise(struct backup_files *b);

#endif
