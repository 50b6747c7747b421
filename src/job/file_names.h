/*
 * The names of all files as they will stand on the targets, to find those that
 * cannot stand side by side: two that are the same, and a key beside a key below
 * it, which fits no folder and confuses everybody who mounts a bucket.
 */
#ifndef JOB_FILE_NAMES_H
#define JOB_FILE_NAMES_H

#include <stdbool.h>

#include "base/err.h"

struct file_names;

struct file_names *file_names_new(void);	/* NULL when out of memory */
void file_names_free(struct file_names *n);	/* NULL is allowed */

/* Adds the file that is to be key in the store named place.  False with
 * ERR_CONFLICT when it collides with one that was added before: others may
 * still be added then. */
bool file_names_add(struct file_names *n, const char *place, const char *key,
    struct err *err);

#endif
