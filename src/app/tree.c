#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/ignore.h"
#include "app/span.h"
#include "app/tree.h"
#include "base/cancel.h"

/* Neither links nor, should a file become one, a wait for a pipe's writer. */
#define IN_TREE (O_NOFOLLOW | O_NONBLOCK)

struct walk {
	struct tree *t;
	struct ignore ignore;
};

static bool
is_made(const char *name)
{
	static const char *const made[] = { "node_modules", ".git", ".next",
	    ".turbo", ".vercel" };
	size_t i;

	for (i = 0; i < sizeof(made) / sizeof(made[0]); i++) {
		if (strcmp(name, made[i]) == 0)
			return true;
	}
	return false;
}

static bool
add_file(struct tree *t, const char *path, const struct stat *st, bool ignored)
{
	struct tree_file *f = t->file;

	if (ignored || strncmp(path, "public/", 7) == 0) {
		if (t->assets >= TREE_ASSETS_MAX)
			return true;
		t->assets++;
	} else if (t->n - t->assets >= TREE_FILES_MAX) {
		t->truncated = true;
		return true;
	}
	if ((t->n & (t->n - 1)) == 0) {
		f = realloc(f, (t->n == 0 ? 1 : 2 * t->n) * sizeof(*f));
		if (f == NULL)
			return false;
		t->file = f;
	}
	f[t->n].path = strdup(path);
	f[t->n].size = (uint64_t)st->st_size;
	f[t->n].ignored = ignored;
	return f[t->n].path != NULL && ++t->n > 0;
}

/* The rest of fd, as much of it as out takes. */
static bool
read_all(int fd, struct buf *out, const char *path, struct err *err)
{
	size_t room;
	ssize_t got;

	buf_reset(out);
	while ((room = out->max - out->len) > 0) {
		if (room > 65536)
			room = 65536;
		if (!buf_reserve(out, room))
			return err_nomem(err, "file");
		got = read(fd, out->data + out->len, room);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_set_errno(err, ERR_DISK, errno, "%s", path);
		if (got == 0)
			break;
		out->len += (size_t)got;
	}
	return true;
}

static bool
load_at(int folder, const char *path, int flags, struct buf *out,
    struct err *err)
{
	struct stat st;
	bool ok = false;
	int fd;

	fd = openat(folder, path, O_RDONLY | O_CLOEXEC | flags);
	if (fd < 0)
		return err_set_errno(err, ERR_DISK, errno, "%s", path);
	if (fstat(fd, &st) != 0)
		err_set_errno(err, ERR_DISK, errno, "%s", path);
	else if (S_ISDIR(st.st_mode))
		err_set(err, ERR_NOT_FOUND, "%s is a folder, not a file", path);
	else
		ok = read_all(fd, out, path, err);
	close(fd);
	return ok;
}

static bool
add_ignore(struct walk *w, int fd, const char *folder)
{
	struct buf text;
	struct err err;
	bool ok = true;

	buf_init(&text, TREE_FILE_MAX);
	if (load_at(fd, ".gitignore", IN_TREE, &text, &err) && text.len > 0)
		ok = ignore_add(&w->ignore, folder, (char *)text.data, text.len);
	buf_free(&text);
	return ok;
}

static bool walk_folder(struct walk *w, int fd, const char *folder,
    unsigned depth, bool ignored);

static bool
walk_entry(struct walk *w, int fd, const char *path, unsigned depth,
    bool ignored)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash != NULL ? slash + 1 : path;
	struct stat st;
	int sub;

	if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
		w->t->unreadable++;
		return true;
	}
	if (S_ISLNK(st.st_mode)) {
		w->t->links++;
		return true;
	}
	ignored = ignored ||
	    ignore_matches(&w->ignore, path, S_ISDIR(st.st_mode));
	if (S_ISREG(st.st_mode))
		return add_file(w->t, path, &st, ignored);
	if (!S_ISDIR(st.st_mode) || is_made(name))
		return true;
	if (depth >= TREE_DEPTH_MAX || w->t->truncated) {
		w->t->truncated = true;
		return true;
	}
	sub = openat(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (sub < 0) {
		w->t->unreadable++;
		return true;
	}
	return walk_folder(w, sub, path, depth + 1, ignored);
}

static int
not_dots(const struct dirent *d)
{

	return strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0;
}

static int
by_name(const struct dirent **a, const struct dirent **b)
{

	return strcmp((*a)->d_name, (*b)->d_name);
}

/* Takes fd over. */
static bool
walk_folder(struct walk *w, int fd, const char *folder, unsigned depth,
    bool ignored)
{
	struct dirent **entry = NULL;
	bool ok = add_ignore(w, fd, folder);
	char path[4096];
	int n, i, len;

	n = ok ? scandirat(fd, ".", &entry, not_dots, by_name) : 0;
	if (n < 0) {
		w->t->unreadable++;
		n = 0;
	}
	for (i = 0; i < n; i++) {
		len = snprintf(path, sizeof(path), "%s%s%s", folder,
		    *folder != '\0' ? "/" : "", entry[i]->d_name);
		if (len < 0 || (size_t)len >= sizeof(path))
			w->t->truncated = true;
		else if (ok && !cancel_requested())
			ok = walk_entry(w, fd, path, depth, ignored);
		free(entry[i]);
	}
	free(entry);
	close(fd);
	return ok;
}

bool
tree_open(struct tree *t, const char *folder, struct err *err)
{
	struct walk w = { .t = t };
	bool ok;
	int fd;

	memset(t, 0, sizeof(*t));
	if ((t->folder = strdup(folder)) == NULL)
		return err_nomem(err, "source tree");
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_set_errno(err, ERR_DISK, errno, "%s", folder);
	ignore_init(&w.ignore);
	ok = walk_folder(&w, fd, "", 1, false);
	ignore_free(&w.ignore);
	if (cancel_requested())
		return cancel_err(err);
	return ok || err_nomem(err, "source tree");
}

void
tree_free(struct tree *t)
{
	size_t i;

	for (i = 0; i < t->n; i++)
		free(t->file[i].path);
	free(t->file);
	free(t->folder);
	memset(t, 0, sizeof(*t));
}

const struct tree_file *
tree_find(const struct tree *t, const char *path)
{
	size_t i;

	for (i = 0; i < t->n; i++) {
		if (strcmp(t->file[i].path, path) == 0)
			return &t->file[i];
	}
	return NULL;
}

bool
tree_load(const struct tree *t, const struct tree_file *f, struct buf *out,
    struct err *err)
{
	bool ok;
	int fd;

	fd = open(t->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_set_errno(err, ERR_DISK, errno, "%s", t->folder);
	ok = load_at(fd, f->path, IN_TREE, out, err);
	close(fd);
	return ok;
}

bool
tree_load_path(const char *path, struct buf *out, struct err *err)
{

	return load_at(AT_FDCWD, path, 0, out, err);
}
