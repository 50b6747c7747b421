#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cancel.h"
#include "base/file.h"
#include "state/place_local.h"

#define SYNC_EVERY_NS 1000000000u

struct local_file {
	struct place_file base;
	char *path;
	bool many;		/* fd is -1 between calls */
	int fd;
	pthread_mutex_t syncing; /* held during an fsync; taken before lock */
	pthread_mutex_t lock;	/* of everything below, and of writing */
	uint64_t size;		/* of the good bytes */
	uint64_t synced_at;
	bool dirty;		/* something is not fsynced */
	bool cut;		/* nothing stands behind size */
	bool entered;		/* the folder knows it, durably */
	bool failed;		/* an fsync failed: what is on disk is unknown */
};

bool
place_local_failed(int errnum, const char *what, const char *path,
    struct err *err)
{

	err_set_errno(err, ERR_DISK, errnum, "cannot %s %s", what, path);
	return place_hint(err);
}

char *
place_local_join(const struct place *p, const char *name, struct err *err)
{
	char *path = place_join(p, name);

	if (path == NULL)
		err_nomem(err, name);
	return path;
}

/* Opens it to be written; -1 with errno. */
static int
open_file(const struct local_file *f, bool create)
{

	return open(f->path, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW |
	    (create ? O_CREAT : 0), 0600);
}

static bool
cut(struct local_file *f, int fd)
{

	f->cut = ftruncate(fd, (off_t)f->size) == 0;
	return f->cut;
}

static bool
init_locks(struct local_file *f, struct err *err)
{

	if (pthread_mutex_init(&f->syncing, NULL) != 0)
		return err_nomem(err, f->path);
	if (pthread_mutex_init(&f->lock, NULL) == 0)
		return true;
	pthread_mutex_destroy(&f->syncing);
	return err_nomem(err, f->path);
}

struct place_file *
place_local_file_open(struct place *p, const char *name, uint64_t good, bool many,
    struct err *err)
{
	struct local_file *f;

	if ((f = calloc(1, sizeof(*f))) == NULL) {
		err_nomem(err, name);
		goto fail;
	}
	f->base.place = p;
	f->fd = -1;
	f->many = many;
	f->size = good;
	f->entered = good > 0;
	f->synced_at = cancel_now();
	if ((f->path = place_local_join(p, name, err)) == NULL)
		goto fail_f;
	if (!many && (f->fd = open_file(f, good == 0)) < 0) {
		place_local_failed(errno, "open", f->path, err);
		goto fail_path;
	}
	if (!many && !cut(f, f->fd)) {
		place_local_failed(errno, "write", f->path, err);
		goto fail_fd;
	}
	if (!init_locks(f, err))
		goto fail_fd;
	return &f->base;

fail_fd:
	if (f->fd >= 0)
		close(f->fd);
fail_path:
	free(f->path);
fail_f:
	free(f);
fail:
	return NULL;
}

static bool
failed_before(const struct local_file *f, struct err *err)
{

	err_set(err, ERR_DISK, "cannot write %s: an earlier fsync failed",
	    f->path);
	return place_hint(err);
}

static bool
make_folder_of(const struct local_file *f, struct err *err)
{
	char *folder, *slash;
	bool ok;

	if ((folder = strdup(f->path)) == NULL)
		return err_nomem(err, f->path);
	if ((slash = strrchr(folder, '/')) != NULL)
		*slash = '\0';
	ok = slash == NULL || file_make_folders(folder, 0700, err) ||
	    place_hint(err);
	free(folder);
	return ok;
}

/* The caller holds lock. */
static bool
append(struct local_file *f, const void *data, size_t len, struct err *err)
{
	int fd = f->fd;
	bool ok = false;

	if (f->failed)
		return failed_before(f, err);
	if (f->many && f->size == 0 && !make_folder_of(f, err))
		return false;
	if (fd < 0 && (fd = open_file(f, true)) < 0)
		return place_local_failed(errno, "open", f->path, err);
	/* What a failed write left is cut off, now or before the next. */
	if (!f->cut && !cut(f, fd)) {
		place_local_failed(errno, "write", f->path, err);
	} else if (!file_write_all(fd, data, len, f->path, err)) {
		cut(f, fd);
		place_hint(err);
	} else {
		f->size += len;
		f->dirty = true;
		ok = true;
	}
	if (f->fd < 0)
		close(fd);
	return ok;
}

bool
place_local_file_append(struct place_file *base, const void *data, size_t len,
    struct err *err)
{
	struct local_file *f = (struct local_file *)base;
	bool ok;

	pthread_mutex_lock(&f->lock);
	ok = append(f, data, len, err);
	pthread_mutex_unlock(&f->lock);
	return ok;
}

/* fsync of the file, and of its folder when it is new there. */
static bool
sync_now(struct local_file *f, struct err *err)
{
	int fd = f->fd, errnum = 0;

	if (fd < 0 && (fd = open_file(f, false)) < 0)
		return place_local_failed(errno, "open", f->path, err);
	if (fsync(fd) != 0)
		errnum = errno;
	if (f->fd < 0)
		close(fd);
	if (errnum != 0)
		return place_local_failed(errnum, "write", f->path, err);
	return f->entered || file_sync_folder_of(f->path, err) ||
	    place_hint(err);
}

bool
place_local_file_sync(struct place_file *base, struct err *err)
{
	struct local_file *f = (struct local_file *)base;
	bool dirty, ok = true;

	pthread_mutex_lock(&f->syncing);
	pthread_mutex_lock(&f->lock);
	dirty = f->dirty;
	if (f->failed)
		ok = failed_before(f, err);
	f->dirty = false;
	f->synced_at = cancel_now();
	pthread_mutex_unlock(&f->lock);
	if (ok && dirty) {
		ok = sync_now(f, err);
		pthread_mutex_lock(&f->lock);
		f->failed = !ok;
		f->entered = f->entered || ok;
		pthread_mutex_unlock(&f->lock);
	}
	pthread_mutex_unlock(&f->syncing);
	return ok;
}

bool
place_local_file_due(struct place_file *base)
{
	struct local_file *f = (struct local_file *)base;
	bool due;

	pthread_mutex_lock(&f->lock);
	due = f->dirty && cancel_now() - f->synced_at >= SYNC_EVERY_NS;
	pthread_mutex_unlock(&f->lock);
	return due;
}

uint64_t
place_local_file_size(const struct place_file *f)
{

	return ((const struct local_file *)f)->size;
}

void
place_local_file_free(struct place_file *base)
{
	struct local_file *f = (struct local_file *)base;
	struct err ignored;

	if (!f->failed)
		(void)place_local_file_sync(base, &ignored);
	if (f->fd >= 0)
		close(f->fd);
	pthread_mutex_destroy(&f->lock);
	pthread_mutex_destroy(&f->syncing);
	free(f->path);
	free(f);
}
