/*
 * The documents of a backup: readers =q= storers.  Each partition is read by one
 * thread, cut into runs (bson/docrun.h), and each run stored as a blob by another;
 * then what was stored becomes the collection and run lines of the details.
 *
 * Order: backup_data_open(), backup_data_run(), backup_data_details(),
 * backup_data_close() always.  One thread calls.
 */
#ifndef BACKUP_DATA_H
#define BACKUP_DATA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "job/job.h"
#include "job/move.h"
#include "job/part.h"
#include "repo/repo.h"
#include "repo/snapshot.h"

struct backup_run {
	struct repo_blob blob;
	uint64_t bytes;
	uint64_t documents;
	bool stored;
};

/* A partition and what became of it. */
struct backup_part {
	struct part *part;
	struct backup_run *runs; /* in the order of the documents */
	size_t n_runs;
	unsigned epoch;		/* how often reading began anew: what was read
				 * before is void */
	struct tally tally;	/* of what was stored */
};

struct backup_data {
	struct job *job;
	struct data data;	/* its target is a stand-in: nothing is opened
				 * there */
	struct repo *repo;	/* set by who calls, before backup_data_run() */
	struct backup_part *parts;
	size_t n_parts;
};

/* Opens the source, reads its catalog, chooses collections and the time they are
 * read at.  False with *err; backup_data_close() is to be called all the same. */
bool backup_data_open(struct backup_data *b, struct job *job, struct err *err);
void backup_data_close(struct backup_data *b);

/* Appends what identifies the source: deployment and the databases that were asked
 * for (none: all), a line each. */
bool backup_data_identity(const struct backup_data *b, struct buf *out);

/* Reads and stores everything.  seed: for cutting into runs.  b->repo NULL (dry
 * run): reads only.  Blocks. */
bool backup_data_run(struct backup_data *b, uint64_t seed, struct err *err);

/* Tells w of every blob, and adds the collection and run lines. */
bool backup_data_details(struct backup_data *b, struct snapshot_writer *w,
    struct repo_session *s, struct err *err);

uint64_t backup_data_bytes_read(const struct backup_data *b);
uint64_t backup_data_documents(const struct backup_data *b);

#endif
