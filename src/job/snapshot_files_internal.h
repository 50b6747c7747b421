/*
 * The driver behind job/snapshot_files.h: snapshot_files.c knows what there is,
 * snapshot_files_read.c reads it.
 */
#ifndef JOB_SNAPSHOT_FILES_INTERNAL_H
#define JOB_SNAPSHOT_FILES_INTERNAL_H

#include "base/buf.h"
#include "base/hash.h"
#include "job/snapshot_files.h"
#include "repo/repo.h"
#include "store/driver.h"

/* One file; the names of its blobs, then its key, follow. */
struct snapshot_file {
	uint64_t size;
	int64_t mtime_ns;
	uint8_t sha256[HASH_SHA256_SIZE];
	size_t n_blobs;
	uint8_t blobs[][REPO_NAME_SIZE];
};

struct snapshot_files {
	struct store base;
	const struct snapshot_source *source;
	struct snapshot_file **v; /* by key */
	size_t n, cap;
	size_t memory;		/* files up to this size are kept while open */
};

struct snapshot_files_session {
	struct store_session base;
	struct repo_session *repo;
};

const char *snapshot_files_key(const struct snapshot_file *f);
/* NULL when there is none. */
const struct snapshot_file *snapshot_files_find(const struct snapshot_files *s,
    const char *key);
void snapshot_files_describe(const struct snapshot_file *f,
    struct store_object *o);

/* For the table of the driver (store/driver.h). */
bool snapshot_files_get(struct store_session *ss, const char *key,
    struct store_object *o, store_write_fn *write, void *arg, struct err *err);
struct store_file *snapshot_files_file_open(struct store_session *ss,
    const char *key, struct store_object *o, struct err *err);
bool snapshot_files_file_read(struct store_file *f, uint64_t offset,
    void *data, size_t len, struct err *err);
bool snapshot_files_file_unchanged(struct store_file *f, struct err *err);
void snapshot_files_file_close(struct store_file *f);

#endif
