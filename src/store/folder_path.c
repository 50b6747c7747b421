#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "store/folder.h"
#include "store/key.h"

#define PROC_NAME_SIZE 32

static void
close_quietly(int fd)
{
	int errnum = errno;

	close(fd);
	errno = errnum;
}

static void
proc_name(int fd, char name[PROC_NAME_SIZE])
{

	snprintf(name, PROC_NAME_SIZE, "/proc/self/fd/%d", fd);
}

/* Where the kernel says that fd is; false with errno. */
static bool
real_path(int fd, char path[PATH_MAX])
{
	char name[PROC_NAME_SIZE];
	ssize_t len;

	proc_name(fd, name);
	if ((len = readlink(name, path, PATH_MAX)) < 0)
		return false;
	if (len == PATH_MAX) {
		errno = ENAMETOOLONG;
		return false;
	}
	path[len] = '\0';
	return true;
}

/* The root's place is asked for each time: it may be renamed while in use. */
static bool
is_inside(const struct folder *f, int fd)
{
	char root[PATH_MAX], path[PATH_MAX];
	size_t len;

	if (!real_path(f->root, root) || !real_path(fd, path))
		return false;
	len = strlen(root);
	if (strncmp(path, root, len) != 0 ||
	    (len > 1 && path[len] != '\0' && path[len] != '/')) {
		errno = FOLDER_OUTSIDE;
		return false;
	}
	return true;
}

int
folder_open_inside(const struct folder *f, const char *path, int flags)
{
	char name[PROC_NAME_SIZE];
	struct stat st;
	int handle, fd;

	if (f->root < 0) {
		errno = ENOENT;
		return -1;
	}
	handle = openat(f->root, *path == '\0' ? "." : path,
	    O_PATH | O_CLOEXEC);
	if (handle < 0)
		return -1;
	if (!is_inside(f, handle) || fstat(handle, &st) != 0)
		goto fail;
	if (flags & O_PATH)
		return handle;
	if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode)) {
		errno = ENODEV;
		goto fail;
	}
	proc_name(handle, name);
	fd = open(name, flags | O_CLOEXEC | O_NOCTTY);
	close_quietly(handle);
	return fd;

fail:
	close_quietly(handle);
	return -1;
}

/* Opens the folder called name in fd; a link there must lead to a folder
 * inside the root (path is the same place, seen from the root). */
static int
step_down(const struct folder *f, int fd, const char *name, const char *path,
    bool create)
{
	const mode_t mode = f->base.options.only_owner ? 0700 : 0777;
	int next;

	next = openat(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (next < 0 && errno == ENOENT && create) {
		/* Another worker may be making it too. */
		if (mkdirat(fd, name, mode) != 0 && errno != EEXIST)
			return -1;
		if (fsync(fd) != 0 && errno != EINVAL && errno != ENOTSUP)
			return -1;
		next = openat(fd, name,
		    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	}
	if (next < 0 && (errno == ELOOP || errno == ENOTDIR))
		next = folder_open_inside(f, path, O_RDONLY | O_DIRECTORY);
	return next;
}

int
folder_open_parent(const struct folder *f, const char *key, bool create,
    const char **name)
{
	char path[PATH_MAX];
	size_t start = 0, len;
	int fd, next;

	*name = key;
	if (strlen(key) >= sizeof(path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	if (f->root < 0) {
		errno = ENOENT;
		return -1;
	}
	memcpy(path, key, strlen(key) + 1);
	if ((fd = fcntl(f->root, F_DUPFD_CLOEXEC, 0)) < 0)
		return -1;
	for (;;) {
		len = strcspn(path + start, "/");
		if (path[start + len] == '\0')
			break;
		path[start + len] = '\0';
		next = step_down(f, fd, path + start, path, create);
		close_quietly(fd);
		if ((fd = next) < 0)
			return -1;
		path[start + len] = '/';
		start += len + 1;
	}
	*name = key + start;
	return fd;
}

bool
folder_err(const struct folder *f, const char *what, const char *key,
    int errnum, struct err *err)
{
	char shown[512];

	key_printable(key, shown, sizeof(shown));
	switch (errnum) {
	case FOLDER_OUTSIDE:
		err_set(err, ERR_REFUSED, "%s %s in %s: a symbolic link leads "
		    "out of the folder", what, shown, f->base.name);
		return err_hint(err, "put the files themselves into the "
		    "folder, or move the link's target separately");
	case ENAMETOOLONG:
	case EISDIR:
	case ENOTDIR:
	case ELOOP:
	case ENODEV:
		/* This one file cannot be; others can. */
		err_set_errno(err, ERR_REFUSED, errnum, "%s %s in %s", what,
		    shown, f->base.name);
		if (err != NULL)
			err->kind = ERR_REFUSED;
		return false;
	default:
		return err_set_errno(err, ERR_DISK, errnum, "%s %s in %s",
		    what, shown, f->base.name);
	}
}

void
folder_describe(const struct stat *st, struct store_object *o)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	o->now_ns = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
	o->size = (uint64_t)st->st_size;
	o->mtime_ns = (int64_t)st->st_mtim.tv_sec * 1000000000 +
	    st->st_mtim.tv_nsec;
	o->dev = st->st_dev;
	o->ino = st->st_ino;
}
