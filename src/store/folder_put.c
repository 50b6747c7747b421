#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cancel.h"
#include "base/file.h"
#include "base/log.h"
#include "store/folder.h"

#define WRITE_SIZE ((size_t)256 << 10)

/* A put on its way. */
struct writing {
	const struct folder *f;
	const struct store_put *put;
	int folder;		/* that will hold the file */
	const char *name;	/* in it */
	char temp[FILE_TEMP_NAME_SIZE]; /* until then */
	int fd;			/* of the temporary file, -1 once closed */
};

static bool
failed(const struct writing *w, int errnum, struct err *err)
{

	return folder_err(w->f, "cannot write", w->put->key, errnum, err);
}

/* Writes the body and checks its digest. */
static bool
write_body(const struct writing *w, struct err *err)
{
	const struct store_put *put = w->put;
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
		if (cancel_requested() &&
		    !w->f->base.options.despite_cancel) {
			cancel_err(err);
			goto out;
		}
		if (!put->body.read(put->body.arg, at, data, (size_t)n, err) ||
		    !file_write_all(w->fd, data, (size_t)n, put->key, err))
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

/* Renames unless the name is taken.  Some file systems (NFS) know no such rename,
 * others (FAT) no links. */
static int
rename_new(const struct writing *w)
{
	int rc;

	rc = renameat2(w->folder, w->temp, w->folder, w->name,
	    RENAME_NOREPLACE);
	if (rc == 0 || (errno != EINVAL && errno != ENOSYS))
		return rc;
	if (linkat(w->folder, w->temp, w->folder, w->name, 0) != 0)
		return -1;
	return unlinkat(w->folder, w->temp, 0);
}

/* A file system that cannot is no reason to lose the file. */
static void
set_time(const struct writing *w)
{
	int64_t ns = w->put->mtime_ns, rest = ns % 1000000000;
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT } };
	struct err why;

	if (rest < 0)
		rest += 1000000000;
	times[1].tv_sec = (time_t)((ns - rest) / 1000000000);
	times[1].tv_nsec = (long)rest;
	if (ns == 0 || futimens(w->fd, times) == 0)
		return;
	err_set_errno(&why, ERR_INTERNAL, errno, "%s: its time cannot be set",
	    w->put->key);
	log_debug("%s", why.message);
}

/* fsync, close, rename, fsync of the folder. */
static bool
commit(struct writing *w, struct err *err)
{
	int rc = fsync(w->fd);

	if (rc == 0) {
		rc = close(w->fd);
		w->fd = -1;
	}
	if (rc == 0 && w->put->create_only) {
		rc = rename_new(w);
		if (rc != 0 && errno == EEXIST)
			return err_set(err, ERR_CONFLICT, "%s/%s is there "
			    "already", w->f->base.name, w->put->key);
	} else if (rc == 0) {
		rc = renameat(w->folder, w->temp, w->folder, w->name);
	}
	if (rc != 0)
		return failed(w, errno, err);
	if (fsync(w->folder) != 0 && errno != EINVAL && errno != ENOTSUP)
		return failed(w, errno, err);
	return true;
}

static bool
write_file(struct writing *w, struct err *err)
{
	struct stat st;
	bool ok;

	/* rename(2) would refuse a folder only after the whole body. */
	if (fstatat(w->folder, w->name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    S_ISDIR(st.st_mode))
		return failed(w, EISDIR, err);
	if (!file_temp_name(w->temp, err))
		return false;
	w->fd = openat(w->folder, w->temp,
	    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
	    w->f->base.options.only_owner ? 0600 : 0666);
	if (w->fd < 0)
		return failed(w, errno, err);
	if ((ok = write_body(w, err)))
		set_time(w);
	ok = ok && commit(w, err);
	if (w->fd >= 0)
		close(w->fd);
	if (!ok)
		unlinkat(w->folder, w->temp, 0);
	return ok;
}

bool
folder_put(struct store_session *ss, const struct store_put *put, char *etag,
    struct err *err)
{
	struct writing w = { .f = (struct folder *)ss->store, .put = put };
	bool ok;

	etag[0] = '\0';
	if (put->if_match != NULL && *put->if_match != '\0')
		return err_set(err, ERR_UNSUPPORTED, "%s: a folder knows no "
		    "ETags", ss->store->name);
	w.folder = folder_open_parent(w.f, put->key, true, &w.name);
	if (w.folder < 0)
		return folder_err(w.f, "cannot make the folders of", put->key,
		    errno, err);
	ok = write_file(&w, err);
	close(w.folder);
	return ok;
}
