/*
 * The skeleton of every pass over the files: one thread lists the source, many
 * take the keys from a bounded queue and do one thing with each.
 */
#ifndef JOB_FILE_WALK_H
#define JOB_FILE_WALK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "job/files.h"

struct media_type;

/* What one worker thread has at hand. */
struct file_worker {
	struct files *files;
	struct file_pair *pair;
	struct store_session *source;
	struct store_session *target;
	struct media_type *media; /* NULL: the target, if any, is a folder */
	void *own;		/* for the walk's function, NULL at first */
};

/* One selected file of the source. */
struct file_item {
	char *key;
	uint64_t size;
	int64_t mtime_ns;
};

/* False with *err ends the walk. */
typedef bool file_walk_fn(struct file_worker *w, const struct file_item *item,
    struct err *err);

/* Calls fn for every selected file of pair's source, from f->workers threads.
 * Blocks. */
bool file_walk(struct files *f, struct file_pair *pair, file_walk_fn *fn,
    struct err *err);

/* True when --files-include and --files-exclude choose key. */
bool file_walk_selects(const struct job *job, const char *key);

#endif
