#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/file.h"
#include "doctor/room.h"

const char *
doctor_room_bytes(uint64_t n, char out[DOCTOR_BYTES_MAX])
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB",
	    "PiB", "EiB" };
	double value = (double)n;
	size_t unit = 0;

	if (n < 1024) {
		snprintf(out, DOCTOR_BYTES_MAX, "%u B", (unsigned)n);
		return out;
	}
	for (value /= 1024; value >= 1024; value /= 1024)
		unit++;
	snprintf(out, DOCTOR_BYTES_MAX, "%.1f %s", value, units[unit]);
	return out;
}

/* The part of path that is there; at least "." or "/". */
static bool
nearest(const char *path, char out[PATH_MAX], struct err *err)
{
	struct stat st;
	char *slash;

	if (snprintf(out, PATH_MAX, "%s", path) >= PATH_MAX)
		return err_set(err, ERR_URI, "%.100s…: the path is too long",
		    path);
	while (stat(out, &st) != 0 && (errno == ENOENT || errno == ENOTDIR)) {
		slash = strrchr(out, '/');
		if (slash == out) {
			out[1] = '\0';
			break;
		}
		if (slash == NULL) {
			memcpy(out, ".", 2);
			break;
		}
		*slash = '\0';
	}
	return true;
}

/* Makes a file without a name in folder, or where that cannot be one with a
 * name for a moment. */
static bool
try_file(const char *folder, struct err *err)
{
	char name[FILE_TEMP_NAME_SIZE], path[PATH_MAX];
	int fd;

	fd = open(folder, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
	if (fd >= 0) {
		close(fd);
		return true;
	}
	if (errno == EACCES || errno == EROFS || errno == ENOTDIR ||
	    errno == ENOSPC || errno == EDQUOT)
		return err_set_errno(err, ERR_DISK, errno, "cannot write to %s",
		    folder);
	if (!file_temp_name(name, err))
		return false;
	if (snprintf(path, sizeof(path), "%s/%s", folder, name) >=
	    (int)sizeof(path))
		return err_set(err, ERR_URI, "%.100s…: the path is too long",
		    folder);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
	    0600);
	if (fd < 0)
		return err_set_errno(err, ERR_DISK, errno, "cannot write to %s",
		    folder);
	close(fd);
	unlink(path);
	return true;
}

static bool
try_nearest(struct doctor *d, const char *check, const char *path,
    char found[PATH_MAX], struct err *err)
{

	if (nearest(path, found, err) && try_file(found, err))
		return true;
	if (err->hint[0] == '\0')
		err_hint(err, "run as a user who may write there, or name "
		    "another folder");
	doctor_err(d, check, err);
	return false;
}

bool
doctor_room_writable(struct doctor *d, const char *check, const char *path,
    bool *may, struct err *err)
{
	char found[PATH_MAX];

	*may = try_nearest(d, check, path, found, err);
	if (!*may)
		return err->kind != ERR_INTERNAL;
	doctor_pass(d, check, "%s %s", path, strcmp(path, found) == 0 ?
	    "can be written to" : "is not there yet; a run can make it");
	return true;
}

bool
doctor_room_enough(struct doctor *d, const char *check,
    const struct doctor_room *room, struct err *err)
{
	struct doctor_finding f = { check, SPACEFERRY_PASS, "" };
	char found[PATH_MAX], free_text[DOCTOR_BYTES_MAX];
	char need_text[DOCTOR_BYTES_MAX];
	struct statvfs v;
	uint64_t available;

	if (!nearest(room->path, found, err) || statvfs(found, &v) != 0)
		return true;	/* whoever asks has told about the folder */
	available = (uint64_t)v.f_bavail * v.f_frsize;
	if (available < room->need)
		f.verdict = SPACEFERRY_FAIL;
	else if (available < room->better)
		f.verdict = SPACEFERRY_WARN;
	doctor_room_bytes(available, free_text);
	if (f.verdict == SPACEFERRY_PASS) {
		doctor_pass(d, check, "%s free on the disk of %s", free_text,
		    found);
		return true;
	}
	f.remedy = room->remedy;
	doctor_tell(d, &f, "%s free on the disk of %s, %s need %s", free_text,
	    found, room->what, doctor_room_bytes(room->need, need_text));
	return true;
}
