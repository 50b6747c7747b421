/*
 * Local files, replaced atomically: what a reader finds under the name is the
 * old file or the new one, whole, even after a power cut.  finish() commits
 * (fsync, close, rename, fsync of the folder), free() without finish rolls
 * back (the temporary file is removed).
 */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"

struct file_writer;

/* Starts replacing path with a temporary file beside it (mode 0600 unless
 * mode says otherwise; its parents must exist).  NULL with *err. */
struct file_writer *file_writer_new(const char *path, mode_t mode,
    struct err *err);
bool file_writer_write(struct file_writer *w, const void *data, size_t len,
    struct err *err);
bool file_writer_finish(struct file_writer *w, struct err *err);
void file_writer_free(struct file_writer *w);	/* NULL is allowed */

/* Replaces path with these bytes in one go. */
bool file_replace(const char *path, const void *data, size_t len,
    struct err *err);

/* Appends the whole file to out.  ERR_TOO_LARGE when it passes out's max. */
bool file_read(const char *path, struct buf *out, struct err *err);

/* Makes path and its missing parents (mode 0700 for state, given by mode).
 * True when it is there already as a folder. */
bool file_make_folders(const char *path, mode_t mode, struct err *err);

/* fsync of the folder that holds path. */
bool file_sync_folder_of(const char *path, struct err *err);

/* write(2) until all is written; EINTR is retried. */
bool file_write_all(int fd, const void *data, size_t len, const char *path,
    struct err *err);

#endif
