#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "job/dump_folder.h"
#include "job/dump_sums.h"

#define DEPTH_MAX 2	/* the dump, its databases */

static bool
is_dot(const char *name)
{

	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static bool
ends_in(const char *name, const char *end)
{
	size_t n = strlen(name), m = strlen(end);

	return n > m && strcmp(name + n - m, end) == 0;
}

/* A file that mongodump or we write into a dump. */
static bool
is_dump_file(const char *name)
{

	return ends_in(name, ".bson") || ends_in(name, ".bson.gz") ||
	    ends_in(name, ".metadata.json") ||
	    ends_in(name, ".metadata.json.gz") ||
	    strcmp(name, "prelude.json") == 0 ||
	    strcmp(name, "prelude.json.gz") == 0 ||
	    strcmp(name, DUMP_SUMS_NAME) == 0 ||
	    file_is_temp_name_of(name, DUMP_SUMS_NAME);
}

bool
dump_folder_empty(const char *path, bool *empty, struct err *err)
{
	struct dirent *e;
	DIR *dir;

	*empty = true;
	if ((dir = opendir(path)) == NULL) {
		if (errno == ENOENT)
			return true;
		if (errno == ENOTDIR)
			return err_set(err, ERR_CONFLICT, "%s is no folder",
			    path);
		return err_set_errno(err, ERR_DISK, errno, "cannot read %s",
		    path);
	}
	while ((e = readdir(dir)) != NULL)
		*empty = *empty && is_dot(e->d_name);
	closedir(dir);
	return true;
}

/* Told of every entry below a folder, a folder's own entries first.  False
 * stops. */
typedef bool visit_fn(const char *path, const char *name, bool is_folder,
    struct err *err);

static bool
walk(const char *folder, unsigned depth, visit_fn *visit, struct err *err)
{
	char path[PATH_MAX];
	struct dirent *e;
	struct stat st;
	bool ok = true;
	DIR *dir;

	if ((dir = opendir(folder)) == NULL)
		return err_set_errno(err, ERR_DISK, errno, "cannot read %s",
		    folder);
	while (ok && (e = readdir(dir)) != NULL) {
		if (is_dot(e->d_name))
			continue;
		if ((size_t)snprintf(path, sizeof(path), "%s/%s", folder,
		    e->d_name) >= sizeof(path) || lstat(path, &st) != 0) {
			ok = err_set(err, ERR_CONFLICT, "cannot look at %s "
			    "in %s", e->d_name, folder);
			break;
		}
		if (S_ISDIR(st.st_mode) && depth < DEPTH_MAX)
			ok = walk(path, depth + 1, visit, err);
		ok = ok && visit(path, e->d_name, S_ISDIR(st.st_mode) &&
		    depth < DEPTH_MAX, err);
	}
	closedir(dir);
	return ok;
}

static bool
check_entry(const char *path, const char *name, bool is_folder,
    struct err *err)
{

	if (is_folder || is_dump_file(name))
		return true;
	err_set(err, ERR_CONFLICT, "%s is no part of a dump: its folder is "
	    "not removed", path);
	return err_hint(err, "name another folder, or move that file away");
}

bool
dump_folder_check(const char *path, struct err *err)
{

	return walk(path, 1, check_entry, err);
}

char *
dump_folder_beside(const char *path, struct err *err)
{
	char name[FILE_TEMP_NAME_SIZE], target[PATH_MAX], *out;
	size_t len = strlen(path);

	while (len > 1 && path[len - 1] == '/')
		len--;
	snprintf(target, sizeof(target), "%.*s", (int)len, path);
	while (len > 0 && path[len - 1] != '/')
		len--;
	if (!file_temp_name_of(target, name, err))
		return NULL;
	if (asprintf(&out, "%.*s%s", (int)len, path, name) < 0) {
		err_nomem(err, path);
		return NULL;
	}
	return out;
}

bool
dump_folder_exchange(const char *a, const char *b, struct err *err)
{

	if (renameat2(AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGE) != 0) {
		err_set_errno(err, ERR_DISK, errno, "cannot replace %s", b);
		return err_hint(err, "remove it first; the file system cannot "
		    "exchange two folders");
	}
	return file_sync_folder_of(b, err);
}

static bool
remove_entry(const char *path, const char *name, bool is_folder,
    struct err *err)
{

	(void)err;
	if (is_folder)
		rmdir(path);
	else if (is_dump_file(name))
		unlink(path);
	return true;
}

void
dump_folder_remove(const char *path)
{
	struct err err;

	if (access(path, F_OK) != 0)
		return;
	walk(path, 1, remove_entry, &err);
	if (rmdir(path) != 0)
		log_warning("%s could not be removed: %s", path,
		    strerror(errno));
}
