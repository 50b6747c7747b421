#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/file.h>
#include <unistd.h>

#include <jansson.h>

#include "base/file.h"
#include "base/hash.h"
#include "state/place.h"
#include "state/lines.h"

#define KEY_BYTES 16

struct place {
	char *path;
	int lock_fd;
};

bool
place_hint(struct err *err)
{

	if (err == NULL || err->hint[0] != '\0')
		return false;
	if (err->code == ENOSPC || err->code == EDQUOT)
		return err_hint(err, "make room on the disk that holds the "
		    "state, or choose another folder with --state");
	if (err->kind == ERR_DISK || err->kind == ERR_DENIED ||
	    err->kind == ERR_NOT_FOUND)
		return err_hint(err, "choose a folder that can be written "
		    "with --state");
	return false;
}

/* The home folder of this user; NULL when there is none. */
static char *
home(void)
{
	const char *path = getenv("HOME");
	struct passwd pw, *found;
	char buf[4096];

	if (path != NULL && path[0] == '/')
		return strdup(path);
	if (getpwuid_r(getuid(), &pw, buf, sizeof(buf), &found) != 0 ||
	    found == NULL || found->pw_dir[0] != '/')
		return NULL;
	return strdup(found->pw_dir);
}

static char *
default_root(struct err *err)
{
	const char *xdg = getenv("XDG_STATE_HOME");
	char *path = NULL, *base;

	if (xdg != NULL && xdg[0] == '/') {
		if (asprintf(&path, "%s/spaceferry", xdg) < 0)
			path = NULL;
	} else {
		if ((base = home()) == NULL) {
			err_set(err, ERR_NOT_FOUND, "no home folder to keep "
			    "the state in");
			err_hint(err, "choose a folder with --state");
			return NULL;
		}
		if (asprintf(&path, "%s/.local/state/spaceferry", base) < 0)
			path = NULL;
		free(base);
	}
	if (path == NULL)
		err_nomem(err, "the state's folder");
	return path;
}

static char *
root(const char *state, struct err *err)
{
	char *path;

	if (state == NULL)
		return default_root(err);
	if (strncasecmp(state, "file://", 7) == 0) {
		state += 7;
		if (state[0] != '/') {
			err_set(err, ERR_URI, "--state file://%s: no absolute "
			    "path", state);
			err_hint(err, "write file:///PATH, or PATH alone");
			return NULL;
		}
	} else if (strstr(state, "://") != NULL) {
		err_set(err, ERR_UNSUPPORTED, "--state %.*s://: not a local "
		    "folder", (int)(strstr(state, "://") - state), state);
		err_hint(err, "give a folder of this machine");
		return NULL;
	} else if (state[0] == '\0') {
		err_set(err, ERR_CONFIG, "--state: the path is empty");
		return NULL;
	}
	if ((path = strdup(state)) == NULL)
		err_nomem(err, "the state's folder");
	return path;
}

/* root/<hex of the key's digest> */
static char *
path_of(const char *state, const char *key, struct err *err)
{
	char hex[2 * KEY_BYTES + 1], *base, *path;
	uint8_t sha256[HASH_SHA256_SIZE];

	if ((base = root(state, err)) == NULL)
		return NULL;
	if (!hash_sha256(key, strlen(key), sha256)) {
		path = NULL;
	} else {
		hash_hex(sha256, KEY_BYTES, hex);
		if (asprintf(&path, "%s/%s", base, hex) < 0)
			path = NULL;
	}
	if (path == NULL)
		err_nomem(err, "the state's folder");
	free(base);
	return path;
}

/* Who comes across the folder can read in about.json what it is. */
static bool
write_about(const char *folder, const char *key, struct err *err)
{
	json_t *about = NULL;
	struct buf text;
	bool ok = false;
	char *path;

	if (asprintf(&path, "%s/about.json", folder) < 0)
		return err_nomem(err, folder);
	buf_init(&text, LINES_MAX);
	if (access(path, F_OK) == 0) {
		ok = true;
		goto out;
	}
	about = json_pack("{s:s, s:o}", "about", "state of spaceferry for the "
	    "ends in key: journal, manifests, quarantine", "key",
	    lines_text(key));
	if (about == NULL || !lines_dump(about, JSON_INDENT(2), &text))
		err_nomem(err, path);
	else
		ok = file_replace(path, text.data, text.len, err);
out:
	buf_free(&text);
	json_decref(about);
	free(path);
	return ok;
}

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

struct place *
place_new(const char *state, const char *key, struct err *err)
{
	struct place *p;

	if ((p = calloc(1, sizeof(*p))) == NULL) {
		err_nomem(err, "the state's folder");
		goto fail;
	}
	if ((p->path = path_of(state, key, err)) == NULL)
		goto fail_p;
	if (!file_make_folders(p->path, 0700, err))
		goto fail_path;
	if ((p->lock_fd = lock(p->path, err)) < 0)
		goto fail_path;
	if (!write_about(p->path, key, err))
		goto fail_lock;
	return p;

fail_lock:
	close(p->lock_fd);
fail_path:
	free(p->path);
fail_p:
	free(p);
fail:
	place_hint(err);
	return NULL;
}

void
place_free(struct place *p)
{

	if (p == NULL)
		return;
	close(p->lock_fd);
	free(p->path);
	free(p);
}

const char *
place_path(const struct place *p)
{

	return p->path;
}

char *
place_find(const char *state, const char *key, struct err *err)
{

	return path_of(state, key, err);
}
