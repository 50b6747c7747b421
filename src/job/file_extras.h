/*
 * The files that only the target has, of those that --files-include and
 * --files-exclude choose.
 */
#ifndef JOB_FILE_EXTRAS_H
#define JOB_FILE_EXTRAS_H

#include <stdbool.h>

#include "base/err.h"
#include "job/files.h"

/* False with *err ends it. */
typedef bool file_extras_fn(void *arg, const struct file_pair *pair,
    const struct store_object *o, struct err *err);

/* Lists pair's target once more and tells each object that was not met
 * (pair->there: filled and marked by files_verify()).  Blocks. */
bool file_extras(struct files *f, struct file_pair *pair,
    file_extras_fn *each, void *arg, struct err *err);

#endif
