/*
 * The files of a job: each --files with its two stores, what the source holds,
 * and the manifest of what was sent.
 *
 * Order: files_open(), files_list() (also when only links are looked up), then
 * files_begin() and files_copy() for a migration, files_plan() for a dry run,
 * files_verify() in the end; files_close() always.
 */
#ifndef JOB_FILES_H
#define JOB_FILES_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "job/file_index.h"
#include "job/job.h"
#include "state/manifest.h"
#include "store/store.h"

struct file_worker;

/* One --files. */
struct file_pair {
	const struct spaceferry_files *what;
	struct store *source;
	struct store *target;	/* NULL: a folder that is not made yet, or there
				 * is none (place.to NULL: a backup) */
	struct file_index *index; /* the source's selected keys */
	struct file_index *there; /* the target's keys */
	struct manifest *manifest; /* NULL: none */
	uint64_t bytes;		/* of the source's selected files */
	uint64_t kept;		/* so many of them were left out: others are on
				 * the target (file_conflict.h) */
	struct progress_item *progress;
};

struct files {
	struct job *job;
	struct file_pair *v;
	size_t n;
	struct file_index **indexes; /* one per --files, for links */
	unsigned workers;
	atomic_uint_least64_t uploaded, skipped, failed, missing, different;
	uint64_t extra;
	void *arg;		/* whoever walks: not looked at */
	void (*worker_end)(struct file_worker *w); /* frees w->own; NULL */
};

/* Opens and probes the stores (the target for writing unless dry).  Where the
 * job's source (or target) is a snapshot, it is the place of that name in it.
 * Nothing is made yet.  False with *err; files_close() is to be called all the
 * same. */
bool files_open(struct files *f, struct job *job, struct err *err);
void files_close(struct files *f);

/* Lists the sources: fills each index, reports what cannot be moved.  False
 * with ERR_CONFLICT for a key beside a key below it, or ERR_DENIED for a
 * symlink that leads out of the folder. */
bool files_list(struct files *f, struct err *err);

/* Makes target folders and opens the manifests in folder. */
bool files_begin(struct files *f, struct place *place, struct err *err);

/* Opens the manifests that an earlier run left in folder; makes none. */
bool files_find_manifests(struct files *f, struct place *place,
    struct err *err);

/* Sends what is not there and equal.  A file that cannot be moved is reported
 * and counted, and costs no other. */
bool files_copy(struct files *f, struct err *err);

/* The dry run: counts what files_copy() would send or skip. */
bool files_plan(struct files *f, struct err *err);

/* Compares the target's listing with the manifest (reads objects back where
 * there is no manifest, or with --download). */
bool files_verify(struct files *f, struct err *err);

/* What identifies all pairs, for the journal's key; appends to out. */
bool files_identity(const struct files *f, struct buf *out);

/* Puts the counts into the summary. */
void files_summarise(struct files *f);

#endif
