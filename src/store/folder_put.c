#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cancel.h"
#include "base/file.h"
#include "store/folder.h"

#define WRITE_SIZE ((size_t)256 << 10)

/* Writes the body to fd and checks its digest. */
static bool
write_body(const struct store_put *put, int fd, const char *where,
    struct err *err)
{
	uint8_t digest[HASH_SHA256_SIZE], *data;
	uint64_t at, n;
	struct hash *h;
	bool ok = false;

	if ((data = malloc(WRITE_SIZE)) == NULL)
		return err_nomem(err, put->key);
	if ((h = hash_new(false, err)) == NULL)
		goto out;
	for (at = 0; at < put->body.size; at += n) {
		n = put->body.size - at;
		if (n > WRITE_SIZE)
			n = WRITE_SIZE;
		if (cancel_requested()) {
			cancel_err(err);
			goto out;
		}
		if (!put->body.read(put->body.arg, at, data, (size_t)n, err) ||
		    !file_write_all(fd, data, (size_t)n, where, err))
			goto out;
		hash_update(h, data, (size_t)n);
		if (put->sent != NULL)
			put->sent(put->arg, n);
	}
	if (!hash_finish(h, digest, NULL, err))
		goto out;
	ok = put->sha256 == NULL ||
	    memcmp(digest, put->sha256, sizeof(digest)) == 0 ||
	    err_set(err, ERR_CHANGED,
	    "%s changed between being hashed and being copied", put->key);
out:
	hash_free(h);
	free(data);
	return ok;
}

/* Whether a file may stand under this name: rename(2) would say EISDIR or
 * ENOTEMPTY for a folder only after the whole body was written. */
static bool
name_is_free(const struct folder *f, const struct store_put *put, int folder,
    const char *name, struct err *err)
{
	struct stat st;

	if (fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    S_ISDIR(st.st_mode))
		return folder_err(f, "cannot write", put->key, EISDIR, err);
	return true;
}

/* fsync, close, rename, fsync of the folder; closes *fd whatever happens. */
static bool
commit(const struct folder *f, const struct store_put *put, int folder,
    int *fd, const char *temp, const char *name, struct err *err)
{
	int rc;

	rc = fsync(*fd);
	if (rc == 0) {
		rc = close(*fd);
		*fd = -1;
	}
	if (rc != 0 || renameat(folder, temp, folder, name) != 0)
		return folder_err(f, "cannot write", put->key, errno, err);
	if (fsync(folder) != 0 && errno != EINVAL && errno != ENOTSUP)
		return folder_err(f, "cannot write", put->key, errno, err);
	return true;
}

bool
folder_put(struct store_session *ss, const struct store_put *put, char *etag,
    struct err *err)
{
	const struct folder *f = (struct folder *)ss->store;
	char temp[FILE_TEMP_NAME_SIZE];
	const char *name;
	int folder, fd = -1;
	bool ok = false;

	etag[0] = '\0';
	if ((folder = folder_open_parent(f, put->key, true, &name)) < 0)
		return folder_err(f, "cannot make the folders of", put->key,
		    errno, err);
	if (!name_is_free(f, put, folder, name, err) ||
	    !file_temp_name(temp, err))
		goto out;
	fd = openat(folder, temp,
	    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
	if (fd < 0) {
		folder_err(f, "cannot write", put->key, errno, err);
		goto out;
	}
	ok = write_body(put, fd, put->key, err) &&
	    commit(f, put, folder, &fd, temp, name, err);
	if (fd >= 0)
		close(fd);
	if (!ok)
		unlinkat(folder, temp, 0);
out:
	close(folder);
	return ok;
}
