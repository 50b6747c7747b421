#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "store/folder.h"

static void
folder_free(struct store *s)
{
	struct folder *f = (struct folder *)s;

	if (f->root >= 0)
		close(f->root);
	free(f);
}

static struct store_session *
folder_session_new(struct store *s, struct err *err)
{
	struct store_session *ss;

	if ((ss = calloc(1, sizeof(*ss))) == NULL) {
		err_nomem(err, s->name);
		return NULL;
	}
	ss->store = s;
	return ss;
}

static void
folder_session_free(struct store_session *ss)
{

	free(ss);
}

/* Makes, fills and removes a temporary file. */
static bool
try_write(const struct folder *f, struct err *err)
{
	char name[FILE_TEMP_NAME_SIZE];
	bool ok;
	int fd;

	if (!file_temp_name(name, err))
		return false;
	fd = openat(f->root, name,
	    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_set_errno(err, ERR_DISK, errno,
		    "cannot write to the folder %s", f->base.name);
	ok = file_write_all(fd, "probe", 5, f->base.name, err);
	close(fd);
	if (unlinkat(f->root, name, 0) != 0 && ok)
		ok = err_set_errno(err, ERR_DISK, errno,
		    "cannot remove a file from the folder %s", f->base.name);
	return ok;
}

static bool
folder_probe(struct store_session *ss, bool write, struct err *err)
{
	const struct folder *f = (struct folder *)ss->store;

	if (f->root < 0)
		return true;
	if (faccessat(f->root, ".", R_OK | X_OK, AT_EACCESS) != 0) {
		err_set_errno(err, ERR_DENIED, errno,
		    "cannot read the folder %s", f->base.name);
		return err_hint(err, "run as a user who may list it");
	}
	return !write || try_write(f, err);
}

static enum store_found
folder_head(struct store_session *ss, const char *key, struct store_object *o,
    struct err *err)
{
	const struct folder *f = (struct folder *)ss->store;
	struct stat st;
	int fd, rc;

	if ((fd = folder_open_inside(f, key, O_PATH)) < 0) {
		if (errno == ENOENT || errno == ENOTDIR)
			return STORE_ABSENT;
		folder_err(f, "cannot look at", key, errno, err);
		return STORE_FAILED;
	}
	rc = fstat(fd, &st);
	close(fd);
	if (rc != 0) {
		folder_err(f, "cannot look at", key, errno, err);
		return STORE_FAILED;
	}
	if (!S_ISREG(st.st_mode))
		return STORE_ABSENT;
	folder_describe(&st, o);
	return STORE_FOUND;
}

static bool
folder_delete(struct store_session *ss, const char *key, struct err *err)
{
	const struct folder *f = (struct folder *)ss->store;
	const char *name;
	int fd, rc, errnum;

	if ((fd = folder_open_parent(f, key, false, &name)) < 0) {
		if (errno == ENOENT || errno == ENOTDIR)
			return true;
		return folder_err(f, "cannot remove", key, errno, err);
	}
	rc = unlinkat(fd, name, 0);
	errnum = errno;
	close(fd);
	if (rc != 0 && errnum != ENOENT && errnum != EISDIR)
		return folder_err(f, "cannot remove", key, errnum, err);
	return true;
}

static const struct store_driver folder_driver = {
	.free = folder_free,
	.session_new = folder_session_new,
	.session_free = folder_session_free,
	.probe = folder_probe,
	.list = folder_list,
	.head = folder_head,
	.get = folder_get,
	.put = folder_put,
	.delete = folder_delete,
	.file_open = folder_file_open,
	.file_read = folder_file_read,
	.file_unchanged = folder_file_unchanged,
	.file_close = folder_file_close,
};

/* The real path of what exists of path, and the rest as it is written. */
static char *
identity_of(const char *path, struct err *err)
{
	char *copy, *real = NULL, *whole = NULL;
	size_t len, full = strlen(path);

	if ((copy = strdup(path)) == NULL)
		goto out;
	for (len = full; len > 0;) {
		copy[len] = '\0';
		if ((real = realpath(copy, NULL)) != NULL)
			break;
		while (len > 0 && copy[len - 1] == '/')
			len--;
		while (len > 0 && copy[len - 1] != '/')
			len--;
	}
	if (real == NULL)
		real = realpath(".", NULL);
	while (full > len && path[full - 1] == '/')
		full--;
	if (real != NULL && len >= full)
		whole = strdup(real);
	else if (real != NULL && asprintf(&whole, "%s/%.*s",
	    strcmp(real, "/") == 0 ? "" : real, (int)(full - len),
	    path + len) < 0)
		whole = NULL;
out:
	free(copy);
	free(real);
	if (whole == NULL)
		err_nomem(err, path);
	return whole;
}

static bool
open_root(struct folder *f, const char *path, struct err *err)
{
	const struct store_options *o = &f->base.options;
	int fd, errnum;

	f->root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (f->root < 0 && errno == ENOENT && o->create) {
		if (!file_make_folders(path, o->only_owner ? 0700 : 0777, err))
			return false;
		f->root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	if (f->root < 0) {
		errnum = errno;
		if (errnum == ENOENT && o->may_be_missing)
			return true;
		err_set_errno(err, ERR_DISK, errnum, "cannot open the folder "
		    "%s", path);
		/* Unlike one that is missing, it cannot be made. */
		if (errnum == ENOTDIR)
			err->kind = ERR_CONFIG;
		if (errnum == EACCES)
			err_hint(err, "run as a user who may list it");
		else if (errnum == ENOENT || errnum == ENOTDIR)
			err_hint(err, "name a folder that exists");
		return false;
	}
	if ((fd = folder_open_inside(f, "", O_PATH)) < 0) {
		err_set_errno(err, ERR_UNSUPPORTED, errno,
		    "cannot tell where the folder %s is", path);
		return err_hint(err, "/proc has to be mounted");
	}
	close(fd);
	return true;
}

struct store *
folder_open(const char *path, const struct store_options *options,
    struct err *err)
{
	struct folder *f;

	if ((f = calloc(1, sizeof(*f))) == NULL) {
		err_nomem(err, path);
		goto fail;
	}
	f->base.driver = &folder_driver;
	f->base.options = *options;
	f->base.local = true;
	f->root = -1;
	if ((f->base.name = strdup(path)) == NULL) {
		err_nomem(err, path);
		goto fail_f;
	}
	if (!open_root(f, path, err))
		goto fail_name;
	if ((f->base.identity = identity_of(path, err)) == NULL)
		goto fail_name;
	return &f->base;

fail_name:
	if (f->root >= 0)
		close(f->root);
	free(f->base.name);
fail_f:
	free(f);
fail:
	return NULL;
}
