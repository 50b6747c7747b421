/*
 * What the files of a backup are made of: files.c opens, lists and counts,
 * files_read.c reads and stores, files_lines.c keeps what was stored and writes
 * it down.
 *
 * Order: as backup/files.h.  files_lines_add() is called from any thread, the
 * others from one.
 */
#ifndef BACKUP_FILES_INTERNAL_H
#define BACKUP_FILES_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "backup/files.h"
#include "codec/chunker.h"
#include "job/file_walk.h"
#include "job/files.h"

/* One file as it was stored; the names of its blobs, then its key, follow. */
struct files_entry {
	uint64_t size;
	int64_t mtime_ns;
	uint8_t sha256[HASH_SHA256_SIZE];
	size_t n_blobs;
	uint8_t blobs[][REPO_NAME_SIZE];
};

/* All of one place, in no order until they are written. */
struct files_lines {
	pthread_mutex_t lock;
	struct files_entry **v;
	size_t n, cap;
	uint64_t bytes;
};

struct backup_files {
	struct files files;	/* its pairs have sources only */
	struct job *job;
	struct strings names;
	struct files_lines *lines; /* one per place */
	size_t n_lines;
	uint64_t listed, listed_bytes; /* in all places */
	struct repo *repo;	/* while it runs, as are the next two */
	struct snapshot_writer *writer;
	struct chunker chunker;
	bool ran;
	atomic_uint_least64_t read;
	atomic_uint_least64_t seen, seen_bytes;	/* without those gone */
};

/* False when a lock cannot be made. */
bool files_lines_init(struct files_lines *l);
void files_lines_free(struct files_lines *l);

/* Adds one; its key is o->key, its blobs are told to w first.  Thread-safe. */
struct files_stored {
	const struct store_object *o;
	const uint8_t *sha256;
	const struct repo_blob *blobs;
	size_t n_blobs;
};
bool files_lines_add(struct files_lines *l, struct snapshot_writer *w,
    const struct files_stored *f, struct err *err);

/* Sorts and writes them, the place's line first. */
bool files_lines_write(struct files_lines *l, const char *name,
    struct snapshot_writer *w, struct repo_session *s, struct err *err);

/* What one worker does with one file, and in the end. */
bool files_read_file(struct file_worker *w, const struct file_item *item,
    struct err *err);
void files_read_end(struct file_worker *w);

#endif
