#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "cli/rewrite_backup.h"

#define COPY_STEP 65536
#define BACKUPS_MAX 10000

static bool
copy_bytes(int from, int to, const char *path, struct err *err)
{
	char bytes[COPY_STEP];
	off_t at = 0;
	ssize_t n;

	for (;;) {
		n = pread(from, bytes, sizeof(bytes), at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set_errno(err, ERR_DISK, errno,
			    "cannot read what %s is to keep", path);
		if (n == 0)
			return true;
		if (!file_write_all(to, bytes, (size_t)n, path, err))
			return false;
		at += n;
	}
}

static void
keep_time(int from, int to)
{
	struct timespec times[2];
	struct stat st;

	if (fstat(from, &st) != 0)
		return;
	times[0] = st.st_atim;
	times[1] = st.st_mtim;
	futimens(to, times);
}

bool
rewrite_backup_copy(int fd, const char *path, bool *exists, struct err *err)
{
	bool ok;
	int to;

	to = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
	    0600);
	*exists = to < 0 && errno == EEXIST;
	if (to < 0)
		return err_set_errno(err, ERR_DISK, errno, "cannot create %s",
		    path);
	ok = copy_bytes(fd, to, path, err) &&
	    file_copy_rights(fd, to, path, err);
	keep_time(fd, to);
	if (ok && fsync(to) != 0)
		ok = err_set_errno(err, ERR_DISK, errno, "cannot write %s",
		    path);
	if (close(to) != 0 && ok)
		ok = err_set_errno(err, ERR_DISK, errno, "cannot write %s",
		    path);
	if (!ok)
		unlink(path);
	return ok;
}

/* One name tried. */
static bool
try_name(const char *path, int fd, const char *backup, bool *exists,
    struct err *err)
{

	*exists = false;
	if (link(path, backup) == 0)
		return true;
	switch (errno) {
	case EEXIST:
		*exists = true;
		return err_set(err, ERR_CONFLICT, "%s exists", backup);
	case EPERM:
	case EMLINK:
	case ENOSYS:
	case ENOTSUP:
	case EXDEV:
		return rewrite_backup_copy(fd, backup, exists, err);
	default:
		return err_set_errno(err, ERR_DISK, errno,
		    "cannot keep %s as %s", path, backup);
	}
}

bool
rewrite_backup_make(const char *path, int fd, char **out, struct err *err)
{
	bool exists;
	unsigned i;
	int n;

	for (i = 0; i < BACKUPS_MAX; i++) {
		n = i == 0 ? asprintf(out, "%s.bak", path) :
		    asprintf(out, "%s.bak.%u", path, i);
		if (n < 0) {
			*out = NULL;
			return err_nomem(err, path);
		}
		if (try_name(path, fd, *out, &exists, err))
			return true;
		free(*out);
		*out = NULL;
		if (!exists)
			return false;
	}
	return err_hint(err, "remove old backups");
}
