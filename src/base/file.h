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

/* Temporary files have names of their own, independent of what they will
 * become, so that any name's length will do and a leftover is known by sight:
 * ".spaceferry-tmp-" and 16 hex digits.  Listings pass over them. */
#define FILE_TEMP_NAME_SIZE 33

/* A fresh name of that kind (random).  False when the system has no random
 * bytes. */
bool file_temp_name(char out[FILE_TEMP_NAME_SIZE], struct err *err);

/* True when name (a last component) is of that kind. */
bool file_is_temp_name(const char *name);

/* The same for what will become target (a path; its last component counts):
 * half of the digits are that name's.  Of a temporary name it has that one's. */
bool file_temp_name_of(const char *target, char out[FILE_TEMP_NAME_SIZE],
    struct err *err);
bool file_is_temp_name_of(const char *name, const char *target);

/* Takes the lock (flock) on a temporary file or folder by which its maker shows
 * that it lives; it is held until fd and its duplicates are closed.  False when
 * another has it, or where the file system has no locks. */
bool file_hold(int fd);

struct file_writer;

/* Starts replacing path with a temporary file beside it, of file_temp_name_of()
 * and held (mode less the umask; 0 means 0600); its parents must exist.  A symbolic link at path is
 * itself replaced.  NULL with *err. */
struct file_writer *file_writer_new(const char *path, mode_t mode,
    struct err *err);
bool file_writer_write(struct file_writer *w, const void *data, size_t len,
    struct err *err);
/* Gives the new file the rights of the open file like, as file_copy_rights(). */
bool file_writer_like(struct file_writer *w, int like, struct err *err);
/* Commits; only file_writer_free() may follow, whatever it returns. */
bool file_writer_finish(struct file_writer *w, struct err *err);
void file_writer_free(struct file_writer *w);	/* NULL is allowed */

/* Replaces path with these bytes in one go, mode 0600. */
bool file_replace(const char *path, const void *data, size_t len,
    struct err *err);

/* Appends the whole file to out.  ERR_TOO_LARGE when it passes out's max. */
bool file_read(const char *path, struct buf *out, struct err *err);

/* Makes path and its missing parents, durably, with this mode less the umask
 * (state: 0700).  True when it is there already as a folder, or as a link to
 * one. */
bool file_make_folders(const char *path, mode_t mode, struct err *err);

/* fsync of the folder that holds path, so that a new or renamed entry lasts.
 * True on file systems that cannot do it. */
bool file_sync_folder_of(const char *path, struct err *err);

/* Gives the open file to owner, group, mode and access list (ACL) of from;
 * another owner takes the rights of root.  If to was made with mode 0600, at no
 * time does anybody see it who cannot read from.  path is to's, for messages. */
bool file_copy_rights(int from, int to, const char *path, struct err *err);

/* write(2) until all is written; EINTR is retried. */
bool file_write_all(int fd, const void *data, size_t len, const char *path,
    struct err *err);

#endif
