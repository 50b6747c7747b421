/*
 * The details of a snapshot as its reader keeps them: read from the repository
 * line by line, each held against what came before it (repo/detail.h).  Only
 * snapshot_source.c includes this.
 */
#ifndef JOB_SNAPSHOT_DETAILS_H
#define JOB_SNAPSHOT_DETAILS_H

#include "job/snapshot_source.h"

struct snapshot_details {
	struct detail_snapshot about;
	struct snapshot_collection *collections;
	size_t n_collections;
	struct snapshot_place *places;
	size_t n_places;
};

/* Fills *d, which is empty.  Blocks.  False with ERR_DAMAGED, ERR_TOO_LARGE
 * (100,000 collections, 64 MiB of metadata), what the repository says; to be freed
 * all the same. */
bool snapshot_details_read(struct snapshot_details *d,
    struct repo_session *session, const struct snapshot *head,
    struct err *err);
void snapshot_details_free(struct snapshot_details *d);

/* As snapshot_source_files(). */
struct snapshot_details_files {
	size_t place;
	snapshot_source_file_fn *fn;
	void *arg;
};
bool snapshot_details_files(const struct snapshot_details_files *files,
    struct repo_session *session, const struct snapshot *head,
    struct err *err);

#endif
