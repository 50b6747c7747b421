#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "state/place_local.h"

struct local {
	struct place base;
	int lock_fd;		/* -1: not locked */
};

struct local_reader {
	struct place_reader base;
	char *path;
	int fd;			/* -1: there is no file */
};

struct local_writer {
	struct place_writer base;
	struct file_writer *writer;
};

/* --- files of the place --- */

static bool
local_held(struct place *p, struct err *err)
{

	(void)p;
	(void)err;
	return true;
}

static enum place_found
local_exists(struct place *p, const char *name, struct err *err)
{
	enum place_found found = PLACE_FOUND;
	char *path;

	if ((path = place_local_join(p, name, err)) == NULL)
		return PLACE_FAILED;
	if (access(path, F_OK) != 0) {
		found = errno == ENOENT ? PLACE_ABSENT : PLACE_FAILED;
		if (found == PLACE_FAILED)
			place_local_failed(errno, "look at", path, err);
	}
	free(path);
	return found;
}

static bool
local_remove(struct place *p, const char *name, struct err *err)
{
	char *path;
	bool ok;

	if ((path = place_local_join(p, name, err)) == NULL)
		return false;
	if (unlink(path) == 0)
		ok = file_sync_folder_of(path, err) || place_hint(err);
	else
		ok = errno == ENOENT || place_local_failed(errno, "remove", path, err);
	free(path);
	return ok;
}

static bool
local_rename(struct place *p, const char *from, const char *to,
    struct err *err)
{
	char *old = place_local_join(p, from, err), *new = place_local_join(p, to, err);
	bool ok = false;

	if (old == NULL || new == NULL)
		goto out;
	if (rename(old, new) != 0)
		ok = place_local_failed(errno, "rename", old, err);
	else
		ok = file_sync_folder_of(new, err) || place_hint(err);
out:
	free(old);
	free(new);
	return ok;
}

static bool
local_list(struct place *p, const char *folder, place_list_fn *fn, void *arg,
    struct err *err)
{
	struct dirent *e;
	bool ok = true;
	char *path;
	DIR *d;

	if ((path = place_local_join(p, folder, err)) == NULL)
		return false;
	if ((d = opendir(path)) == NULL) {
		ok = errno == ENOENT || place_local_failed(errno, "open", path, err);
		free(path);
		return ok;
	}
	while (ok && (e = readdir(d)) != NULL) {
		if (e->d_name[0] != '.')
			ok = fn(arg, e->d_name, err);
	}
	closedir(d);
	free(path);
	return ok;
}

/* --- reading --- */

static struct place_reader *
local_reader_new(struct place *p, const char *name, struct err *err)
{
	struct local_reader *r;

	if ((r = calloc(1, sizeof(*r))) == NULL) {
		err_nomem(err, name);
		goto fail;
	}
	r->base.place = p;
	if ((r->path = place_local_join(p, name, err)) == NULL)
		goto fail_r;
	r->fd = open(r->path, O_RDONLY | O_CLOEXEC);
	if (r->fd < 0 && errno != ENOENT) {
		place_local_failed(errno, "open", r->path, err);
		goto fail_path;
	}
	return &r->base;

fail_path:
	free(r->path);
fail_r:
	free(r);
fail:
	return NULL;
}

static bool
local_reader_read(struct place_reader *base, void *data, size_t size,
    size_t *got, struct err *err)
{
	struct local_reader *r = (struct local_reader *)base;
	ssize_t n;

	*got = 0;
	if (r->fd < 0)
		return true;
	do {
		n = read(r->fd, data, size);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return err_set_errno(err, ERR_DISK, errno, "cannot read %s",
		    r->path);
	*got = (size_t)n;
	return true;
}

static void
local_reader_free(struct place_reader *base)
{
	struct local_reader *r = (struct local_reader *)base;

	if (r->fd >= 0)
		close(r->fd);
	free(r->path);
	free(r);
}

/* --- replacing --- */

static struct place_writer *
local_writer_new(struct place *p, const char *name, struct err *err)
{
	struct local_writer *w;
	char *path;

	if ((path = place_local_join(p, name, err)) == NULL)
		return NULL;
	if ((w = calloc(1, sizeof(*w))) == NULL) {
		err_nomem(err, name);
	} else if ((w->writer = file_writer_new(path, 0, err)) == NULL) {
		place_hint(err);
		free(w);
		w = NULL;
	} else {
		w->base.place = p;
	}
	free(path);
	return w != NULL ? &w->base : NULL;
}

static bool
local_writer_write(struct place_writer *base, const void *data, size_t len,
    struct err *err)
{
	struct local_writer *w = (struct local_writer *)base;

	return file_writer_write(w->writer, data, len, err) || place_hint(err);
}

static bool
local_writer_finish(struct place_writer *base, struct err *err)
{
	struct local_writer *w = (struct local_writer *)base;

	return file_writer_finish(w->writer, err) || place_hint(err);
}

static void
local_writer_free(struct place_writer *base)
{
	struct local_writer *w = (struct local_writer *)base;

	file_writer_free(w->writer);
	free(w);
}

/* --- opening and closing --- */

static void
local_free(struct place *p)
{
	struct local *l = (struct local *)p;

	if (l->lock_fd >= 0)
		close(l->lock_fd);
	free(l);
}

static const struct place_driver local_driver = {
	.free = local_free,
	.held = local_held,
	.exists = local_exists,
	.remove = local_remove,
	.rename = local_rename,
	.list = local_list,
	.reader_new = local_reader_new,
	.reader_read = local_reader_read,
	.reader_free = local_reader_free,
	.writer_new = local_writer_new,
	.writer_write = local_writer_write,
	.writer_finish = local_writer_finish,
	.writer_free = local_writer_free,
	.file_open = place_local_file_open,
	.file_append = place_local_file_append,
	.file_sync = place_local_file_sync,
	.file_due = place_local_file_due,
	.file_size = place_local_file_size,
	.file_free = place_local_file_free,
};

static bool
locked(int fd, const char *folder, struct err *err)
{
	char pid[16] = "";
	ssize_t n;

	n = pread(fd, pid, sizeof(pid) - 1, 0);
	if (n > 0 && strspn(pid, "0123456789") == (size_t)n)
		err_set(err, ERR_LOCKED, "another run (pid %s) is using this "
		    "state: %s", pid, folder);
	else
		err_set(err, ERR_LOCKED, "another run is using this state: %s",
		    folder);
	return err_hint(err, "wait until it ends or stop it, then run this "
	    "command again");
}

/* The lock's descriptor, -1 with *err. */
static int
lock(const char *folder, struct err *err)
{
	char *path, pid[16];
	int fd, len;

	if (asprintf(&path, "%s/lock", folder) < 0) {
		err_nomem(err, folder);
		return -1;
	}
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0) {
		err_set_errno(err, ERR_DISK, errno, "cannot open %s", path);
		goto out;
	}
	if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		if (errno == EWOULDBLOCK)
			locked(fd, folder, err);
		else
			err_set_errno(err, ERR_UNSUPPORTED, errno,
			    "cannot lock %s", path);
		close(fd);
		fd = -1;
		goto out;
	}
	/* The pid is for the other run's message only: no matter if it cannot
	 * be written. */
	len = snprintf(pid, sizeof(pid), "%ld", (long)getpid());
	if (ftruncate(fd, 0) == 0)
		(void)!pwrite(fd, pid, (size_t)len, 0);
out:
	free(path);
	return fd;
}

/* Removes what replacements that were cut short left behind: nobody else is
 * writing here. */
static void
sweep(const char *folder)
{
	struct dirent *e;
	DIR *d;

	if ((d = opendir(folder)) == NULL)
		return;
	while ((e = readdir(d)) != NULL) {
		if (file_is_temp_name(e->d_name) &&
		    unlinkat(dirfd(d), e->d_name, 0) != 0)
			log_debug("cannot remove %s/%s", folder, e->d_name);
	}
	closedir(d);
}

struct place *
place_local_plain(char *path, struct err *err)
{
	struct local *l;

	if ((l = calloc(1, sizeof(*l))) == NULL) {
		err_nomem(err, path);
		return NULL;
	}
	l->base.driver = &local_driver;
	l->base.path = path;
	l->lock_fd = -1;
	return &l->base;
}

struct place *
place_local_new(char *path, bool look_only, struct err *err)
{
	struct place *p;

	if ((p = place_local_plain(path, err)) == NULL)
		return NULL;
	p->look_only = look_only;
	if (look_only)
		return p;
	if (!file_make_folders(path, 0700, err))
		goto fail;
	if ((((struct local *)p)->lock_fd = lock(path, err)) < 0)
		goto fail;
	sweep(path);
	return p;

fail:
	local_free(p);
	return NULL;
}
