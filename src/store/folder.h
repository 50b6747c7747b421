/*
 * The folder driver's inside: a store whose objects are the files under one
 * root.  Nothing outside the root is ever read, whatever links point to and
 * whatever changes meanwhile: a path is first resolved to an inert handle
 * (O_PATH), the kernel is asked where that handle really is (/proc/self/fd),
 * and only then is that very file opened.  Writing walks from the root folder
 * by folder.
 *
 * For src/store only.
 */
#ifndef STORE_FOLDER_H
#define STORE_FOLDER_H

#include <sys/stat.h>

#include "store/driver.h"

struct folder {
	struct store base;
	int root;		/* -1 while the folder is missing */
};

/* What folder_open_inside() sets errno to when a path leads out of the root. */
#define FOLDER_OUTSIDE EXDEV

/* Opens what path ("" is the root) stands for, following links that stay
 * inside.  flags: O_PATH for a handle to anything; else open(2)'s, for a
 * regular file or a folder only (ENODEV for others).  -1 with errno. */
int folder_open_inside(const struct folder *f, const char *path, int flags);

/* Opens the folder that holds key and points *name at its last component.
 * create: makes missing folders, durably.  -1 with errno. */
int folder_open_parent(const struct folder *f, const char *key, bool create,
    const char **name);

/* Fills *err for an errno of the above; what as in "cannot read".  Returns
 * false always. */
bool folder_err(const struct folder *f, const char *what, const char *key,
    int errnum, struct err *err);

/* Copies size, time and identity. */
void folder_describe(const struct stat *st, struct store_object *o);

/* The rest of the driver's functions (driver.h). */
bool folder_list(struct store_session *ss, const char *under,
    const struct store_list_ops *ops, void *arg, struct err *err);
bool folder_get(struct store_session *ss, const char *key,
    struct store_object *o, store_write_fn *write, void *arg, struct err *err);
bool folder_put(struct store_session *ss, const struct store_put *put,
    char *etag, struct err *err);
struct store_file *folder_file_open(struct store_session *ss, const char *key,
    struct store_object *o, struct err *err);
bool folder_file_read(struct store_file *f, uint64_t offset, void *data,
    size_t len, struct err *err);
bool folder_file_unchanged(struct store_file *f, struct err *err);
void folder_file_close(struct store_file *f);

#endif
