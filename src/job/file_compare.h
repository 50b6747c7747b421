/*
 * Whether a file is on the target already and equal: by the manifest and the
 * target's listing, or by reading it back.
 */
#ifndef JOB_FILE_COMPARE_H
#define JOB_FILE_COMPARE_H

#include <stdbool.h>

#include "base/err.h"
#include "job/file_walk.h"

/* Lists the target into pair->there (emptied first; a folder that is not there
 * yet is empty). */
bool file_compare_list(struct file_pair *pair, struct err *err);

/* True when the target still holds what the manifest says was sent as key:
 * size and ETag as recorded (folders: size and mtime). */
bool file_compare_intact(const struct file_pair *pair, const char *key,
    const struct manifest_entry *m);

/* True when the source's file is the one that the manifest knows, sent with
 * the same headers and rules. */
bool file_compare_same_source(const struct job *job,
    const struct file_item *item, const struct manifest_entry *m);

#endif
