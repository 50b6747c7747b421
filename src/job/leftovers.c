#include <dirent.h>
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
#include "job/leftovers.h"

static void
remove_one(const char *path, int fd)
{
	struct stat st;
	struct err err;

	if (fstat(fd, &st) != 0 || st.st_uid != geteuid() || !file_hold(fd))
		return;
	if (S_ISDIR(st.st_mode) && dump_folder_check(path, &err))
		dump_folder_remove(path);
	else if (S_ISREG(st.st_mode))
		unlink(path);
	else
		return;
	log_info("%s was removed: a run that was killed left it", path);
}

static void
remove_in(const char *folder, const char *name)
{
	char path[PATH_MAX];
	struct dirent *e;
	DIR *dir;
	int fd;

	if ((dir = opendir(folder)) == NULL)
		return;
	while ((e = readdir(dir)) != NULL) {
		if (!file_is_temp_name_of(e->d_name, name))
			continue;
		fd = openat(dirfd(dir), e->d_name,
		    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
		if (fd < 0)
			continue;
		if ((size_t)snprintf(path, sizeof(path), "%s/%s", folder,
		    e->d_name) < sizeof(path))
			remove_one(path, fd);
		close(fd);
	}
	closedir(dir);
}

static void
remove_of(char *path)
{
	size_t len = strlen(path);
	char *slash;

	while (len > 1 && path[len - 1] == '/')
		path[--len] = '\0';
	if ((slash = strrchr(path, '/')) == NULL) {
		remove_in(".", path);
		return;
	}
	*slash = '\0';
	remove_in(slash == path ? "/" : path, slash + 1);
}

void
leftovers_remove(const char *target)
{
	char path[PATH_MAX];

	if ((size_t)snprintf(path, sizeof(path), "%s", target) < sizeof(path))
		remove_of(path);
	/* A dump goes where a link to its folder leads. */
	if (realpath(target, path) != NULL)
		remove_of(path);
}
