#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hash.h"

#define TEMP_PREFIX ".spaceferry-tmp-"
#define TEMP_RANDOM 8
#define TEMP_OF 4		/* of them, those of what it will become */
#define TEMP_TRIES 5
#define READ_STEP 65536
#define ACL_NAME "system.posix_acl_access"
#define ACL_MAX 4096

struct file_writer {
	char *path;
	char *temp;
	int fd;			/* -1 once closed */
	int hold;		/* its duplicate: the lock lasts longer */
	bool committed;
};

bool
file_temp_name(char out[FILE_TEMP_NAME_SIZE], struct err *err)
{
	uint8_t bytes[TEMP_RANDOM];

	if (!hash_random(bytes, sizeof(bytes)))
		return err_set(err, ERR_INTERNAL, "no random bytes");
	memcpy(out, TEMP_PREFIX, sizeof(TEMP_PREFIX) - 1);
	hash_hex(bytes, sizeof(bytes), out + sizeof(TEMP_PREFIX) - 1);
	return true;
}

bool
file_is_temp_name(const char *name)
{
	uint8_t bytes[TEMP_RANDOM];

	return strncmp(name, TEMP_PREFIX, sizeof(TEMP_PREFIX) - 1) == 0 &&
	    hash_unhex(name + sizeof(TEMP_PREFIX) - 1, bytes, sizeof(bytes));
}

/* The bytes of a temporary name that are target's. */
static bool
target_bytes(const char *target, uint8_t out[TEMP_OF])
{
	const char *slash = strrchr(target, '/');
	const char *name = slash != NULL ? slash + 1 : target;
	uint8_t sum[HASH_SHA256_SIZE];

	if (file_is_temp_name(name)) {
		hash_unhex(name + sizeof(TEMP_PREFIX) - 1, sum, TEMP_RANDOM);
	} else if (!hash_sha256(name, strlen(name), sum)) {
		return false;
	}
	memcpy(out, sum, TEMP_OF);
	return true;
}

bool
file_temp_name_of(const char *target, char out[FILE_TEMP_NAME_SIZE],
    struct err *err)
{
	uint8_t bytes[TEMP_RANDOM];

	if (!hash_random(bytes, sizeof(bytes)) || !target_bytes(target, bytes))
		return err_set(err, ERR_INTERNAL, "no random bytes");
	memcpy(out, TEMP_PREFIX, sizeof(TEMP_PREFIX) - 1);
	hash_hex(bytes, sizeof(bytes), out + sizeof(TEMP_PREFIX) - 1);
	return true;
}

bool
file_is_temp_name_of(const char *name, const char *target)
{
	uint8_t bytes[TEMP_RANDOM], of[TEMP_OF];

	return file_is_temp_name(name) && target_bytes(target, of) &&
	    hash_unhex(name + sizeof(TEMP_PREFIX) - 1, bytes, sizeof(bytes)) &&
	    memcmp(bytes, of, sizeof(of)) == 0;
}

bool
file_hold(int fd)
{

	return flock(fd, LOCK_EX | LOCK_NB) == 0;
}

/* The length of path's folder part, its '/' included; 0 if it has none. */
static size_t
folder_len(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == NULL ? 0 : (size_t)(slash - path) + 1;
}

/* Makes the temporary file.  Who looks for leftovers may find it before it is
 * held: then it is gone, and made anew. */
static bool
make_temp(struct file_writer *w, mode_t mode, struct err *err)
{
	char name[FILE_TEMP_NAME_SIZE];
	struct stat st;
	int i;

	for (i = 0; i < TEMP_TRIES; i++) {
		if (!file_temp_name_of(w->path, name, err))
			return false;
		free(w->temp);
		if (asprintf(&w->temp, "%.*s%s", (int)folder_len(w->path),
		    w->path, name) < 0) {
			w->temp = NULL;
			return err_nomem(err, w->path);
		}
		w->fd = open(w->temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC |
		    O_NOFOLLOW, mode == 0 ? 0600 : mode);
		if (w->fd < 0)
			return err_set_errno(err, ERR_DISK, errno,
			    "cannot create %s", w->temp);
		file_hold(w->fd);
		if (fstat(w->fd, &st) != 0 || st.st_nlink > 0)
			break;
		close(w->fd);
		w->fd = -1;
	}
	if (w->fd < 0)
		return err_set(err, ERR_DISK, "%s was removed", w->temp);
	w->hold = fcntl(w->fd, F_DUPFD_CLOEXEC, 0);
	return true;
}

struct file_writer *
file_writer_new(const char *path, mode_t mode, struct err *err)
{
	struct file_writer *w;

	if ((w = calloc(1, sizeof(*w))) == NULL) {
		err_nomem(err, path);
		return NULL;
	}
	w->fd = w->hold = -1;
	if ((w->path = strdup(path)) == NULL)
		err_nomem(err, path);
	else if (make_temp(w, mode, err))
		return w;
	free(w->temp);
	free(w->path);
	free(w);
	return NULL;
}

bool
file_writer_write(struct file_writer *w, const void *data, size_t len,
    struct err *err)
{

	return file_write_all(w->fd, data, len, w->path, err);
}

/* The mode alone would not do: where there is a list, its group bits are a
 * mask, and a new file has its folder's default list. */
static bool
copy_access_list(int from, int to)
{
	char list[ACL_MAX];
	ssize_t n;

	if ((n = fgetxattr(from, ACL_NAME, list, sizeof(list))) > 0)
		return fsetxattr(to, ACL_NAME, list, (size_t)n, 0) == 0;
	if (n < 0 && errno != ENODATA && errno != ENOTSUP)
		return false;
	return fremovexattr(to, ACL_NAME) == 0 || errno == ENODATA ||
	    errno == ENOTSUP;
}

bool
file_copy_rights(int from, int to, const char *path, struct err *err)
{
	struct stat st, now;

	if (fstat(from, &st) != 0 || fstat(to, &now) != 0)
		return err_set_errno(err, ERR_DISK, errno, "cannot look at %s",
		    path);
	/* Owner first: a new mode must not meet an old group. */
	if ((st.st_uid != now.st_uid || st.st_gid != now.st_gid) &&
	    fchown(to, st.st_uid, st.st_gid) != 0)
		return err_set_errno(err, ERR_DENIED, errno,
		    "cannot give %s its owner", path);
	if (!copy_access_list(from, to) || fchmod(to, st.st_mode & 07777) != 0)
		return err_set_errno(err, ERR_DENIED, errno,
		    "cannot give %s its mode", path);
	return true;
}

bool
file_writer_like(struct file_writer *w, int like, struct err *err)
{

	return file_copy_rights(like, w->fd, w->path, err);
}

bool
file_writer_finish(struct file_writer *w, struct err *err)
{
	int fd = w->fd;

	if (fsync(fd) != 0)
		return err_set_errno(err, ERR_DISK, errno, "cannot write %s",
		    w->path);
	w->fd = -1;
	if (close(fd) != 0)
		return err_set_errno(err, ERR_DISK, errno, "cannot write %s",
		    w->path);
	if (rename(w->temp, w->path) != 0)
		return err_set_errno(err, ERR_DISK, errno, "cannot replace %s",
		    w->path);
	w->committed = true;
	return file_sync_folder_of(w->path, err);
}

void
file_writer_free(struct file_writer *w)
{

	if (w == NULL)
		return;
	if (w->fd >= 0)
		close(w->fd);
	if (!w->committed)
		unlink(w->temp);
	if (w->hold >= 0)
		close(w->hold);
	free(w->temp);
	free(w->path);
	free(w);
}

bool
file_replace(const char *path, const void *data, size_t len, struct err *err)
{
	struct file_writer *w;
	bool ok;

	if ((w = file_writer_new(path, 0, err)) == NULL)
		return false;
	ok = file_writer_write(w, data, len, err) && file_writer_finish(w, err);
	file_writer_free(w);
	return ok;
}

static bool
read_step(int fd, const char *path, struct buf *out, bool *end, struct err *err)
{
	uint8_t extra;
	size_t room;
	ssize_t n;

	room = out->max - out->len < READ_STEP ? out->max - out->len : READ_STEP;
	if (!buf_reserve(out, room))
		return err_nomem(err, path);
	/* A full buffer may still hold the whole file: ask for one byte more. */
	do {
		n = room == 0 ? read(fd, &extra, 1) :
		    read(fd, out->data + out->len, room);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return err_set_errno(err, ERR_DISK, errno, "cannot read %s",
		    path);
	if (n > 0 && room == 0)
		return err_set(err, ERR_TOO_LARGE, "%s is larger than %zu bytes",
		    path, out->max);
	*end = n == 0;
	out->len += (size_t)n;
	return true;
}

bool
file_read(const char *path, struct buf *out, struct err *err)
{
	bool end = false, ok = true;
	int fd;

	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) < 0)
		return err_set_errno(err, ERR_DISK, errno, "cannot open %s",
		    path);
	while (ok && !end)
		ok = read_step(fd, path, out, &end, err);
	close(fd);
	return ok;
}

static bool
is_folder(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static bool
make_folder(const char *path, mode_t mode, struct err *err)
{
	int errnum;

	if (mkdir(path, mode) == 0)
		return file_sync_folder_of(path, err);
	errnum = errno;
	/* mkdir may name another cause (EROFS, EACCES) for what is there. */
	if (is_folder(path))
		return true;
	if (errnum == EEXIST)
		errnum = ENOTDIR;
	return err_set_errno(err, ERR_DISK, errnum, "cannot make folder %s",
	    path);
}

bool
file_make_folders(const char *path, mode_t mode, struct err *err)
{
	char *copy, *p;
	bool ok = true;

	if (is_folder(path))
		return true;
	if ((copy = strdup(path)) == NULL)
		return err_nomem(err, path);
	for (p = copy + strlen(copy); p > copy + 1 && p[-1] == '/';)
		*--p = '\0';
	for (p = copy; ok && *p != '\0';) {
		while (*p == '/')
			p++;
		while (*p != '\0' && *p != '/')
			p++;
		if (*p == '\0')
			break;
		*p = '\0';
		ok = make_folder(copy, mode, err);
		*p = '/';
	}
	if (ok)
		ok = make_folder(copy, mode, err);
	free(copy);
	return ok;
}

bool
file_sync_folder_of(const char *path, struct err *err)
{
	size_t len = folder_len(path);
	bool ok = true;
	char *folder;
	int fd;

	if ((folder = len == 0 ? strdup(".") : strndup(path, len)) == NULL)
		return err_nomem(err, path);
	if ((fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0) {
		ok = err_set_errno(err, ERR_DISK, errno,
		    "cannot open folder %s", folder);
		goto out;
	}
	if (fsync(fd) != 0 && errno != EINVAL && errno != ENOTSUP)
		ok = err_set_errno(err, ERR_DISK, errno,
		    "cannot write folder %s", folder);
	close(fd);
out:
	free(folder);
	return ok;
}

bool
file_write_all(int fd, const void *data, size_t len, const char *path,
    struct err *err)
{
	const uint8_t *p = data;

	while (len > 0) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set_errno(err, ERR_DISK, errno,
			    "cannot write %s", path);
		p += n;
		len -= (size_t)n;
	}
	return true;
}
