/*
 * The walk through a folder: no recursion, one open folder at a time, memory
 * bounded whatever the tree looks like.  Folders still to be visited are a
 * stack of last components; the path of the one on top is its parent's path,
 * which is always a prefix of the current path, because everything pushed
 * since lies below that parent.  A folder's names are taken NAMES_MAX at a
 * time, the smallest that come after the last one handled, so a folder is
 * read once per NAMES_MAX entries.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cancel.h"
#include "base/file.h"
#include "store/folder.h"
#include "store/folder_names.h"
#include "store/key.h"

#define LINKS_MAX 8		/* links to folders on one path */
#define DEPTH_MAX (PATH_MAX / 2)
#define PENDING_MAX ((size_t)1 << 20)

struct pending {
	char *name;
	size_t parent_len;	/* of the path it hangs under */
	unsigned depth;		/* the root is 0 */
	unsigned links;		/* followed to get there */
};

struct identity {
	dev_t dev;
	ino_t ino;
};

struct walk {
	const struct folder *folder;
	const struct store_list_ops *ops;
	void *arg;
	struct pending *stack;
	size_t n_stack, cap_stack;
	struct identity *above;	/* by depth: the folders on the path */
	struct pending here;	/* the folder being visited; name unused */
	int fd;			/* that folder */
	char path[PATH_MAX];	/* that folder, or the entry being looked at */
	size_t len;		/* length of that folder's path */
};

static bool
odd(const struct walk *w, enum store_oddity kind, const char *why,
    struct err *err)
{
	char shown[PATH_MAX + 64];

	key_printable(*w->path == '\0' ? "." : w->path, shown, sizeof(shown));
	return w->ops->oddity(w->arg, kind, shown, why, err);
}

static bool
odd_errno(const struct walk *w, int errnum, struct err *err)
{
	char why[128];

	if (errnum == ENOENT)
		return odd(w, STORE_UNREADABLE, "it vanished while the folder "
		    "was read", err);
	return odd(w, STORE_UNREADABLE, strerror_r(errnum, why, sizeof(why)),
	    err);
}

/* Puts a component behind the current folder's path. */
static bool
set_path(struct walk *w, const char *name)
{
	size_t slash = w->len > 0, name_len = strlen(name);

	if (w->len + slash + name_len >= sizeof(w->path))
		return false;
	if (slash)
		w->path[w->len] = '/';
	memcpy(w->path + w->len + slash, name, name_len + 1);
	return true;
}

static bool
push(struct walk *w, const char *name, unsigned links, struct err *err)
{
	struct pending *p;

	if (w->n_stack == PENDING_MAX)
		return err_set(err, ERR_TOO_LARGE, "%s: more than %zu folders "
		    "beside each other", w->folder->base.name, PENDING_MAX);
	if (w->n_stack == w->cap_stack) {
		size_t cap = w->cap_stack == 0 ? 64 : 2 * w->cap_stack;

		if ((p = realloc(w->stack, cap * sizeof(*p))) == NULL)
			return err_nomem(err, w->folder->base.name);
		w->stack = p;
		w->cap_stack = cap;
	}
	p = &w->stack[w->n_stack];
	if ((p->name = strdup(name)) == NULL)
		return err_nomem(err, w->folder->base.name);
	p->parent_len = w->len;
	p->depth = w->here.depth + 1;
	p->links = links;
	w->n_stack++;
	return true;
}

static bool
found_file(const struct walk *w, const char *name, const struct stat *st,
    struct err *err)
{
	struct store_object o = { .key = w->path };

	if (faccessat(w->fd, name, R_OK, AT_EACCESS) != 0)
		return odd_errno(w, errno, err);
	folder_describe(st, &o);
	o.linked = w->here.links > 0;
	return w->ops->object(w->arg, &o, err);
}

static bool
found_special(const struct walk *w, mode_t mode, struct err *err)
{
	const char *why = S_ISFIFO(mode) ? "it is a FIFO" :
	    S_ISSOCK(mode) ? "it is a socket" :
	    S_ISBLK(mode) ? "it is a block device" :
	    S_ISCHR(mode) ? "it is a character device" : "it is no file";

	return odd(w, STORE_SPECIAL, why, err);
}

static bool
found_link(struct walk *w, const char *name, struct err *err)
{
	struct stat st;
	int fd, rc;

	if ((fd = folder_open_inside(w->folder, w->path, O_PATH)) < 0) {
		switch (errno) {
		case FOLDER_OUTSIDE:
			return odd(w, STORE_OUTSIDE_LINK, "it is a symbolic "
			    "link that leads out of the folder", err);
		case ENOENT:
		case ENOTDIR:
			return odd(w, STORE_DANGLING_LINK,
			    "it is a symbolic link to nothing", err);
		case ELOOP:
			return odd(w, STORE_LOOP,
			    "it is a symbolic link that leads to itself", err);
		default:
			return odd_errno(w, errno, err);
		}
	}
	rc = fstat(fd, &st);
	close(fd);
	if (rc != 0)
		return odd_errno(w, errno, err);
	if (S_ISREG(st.st_mode))
		return found_file(w, name, &st, err);
	if (!S_ISDIR(st.st_mode))
		return found_special(w, st.st_mode, err);
	if (w->here.links == LINKS_MAX)
		return odd(w, STORE_LOOP, "it is reached through too many "
		    "symbolic links between folders", err);
	return push(w, name, w->here.links + 1, err);
}

static bool
found(struct walk *w, const char *name, struct err *err)
{
	struct stat st;

	if (!set_path(w, name)) {
		w->path[w->len] = '\0';
		return odd(w, STORE_BAD_NAME, "what is in it has too long a "
		    "path", err);
	}
	if (!key_is_utf8(name))
		return odd(w, STORE_BAD_NAME, "its name is not UTF-8", err);
	if (fstatat(w->fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return odd_errno(w, errno, err);
	if (S_ISREG(st.st_mode))
		return found_file(w, name, &st, err);
	if (S_ISDIR(st.st_mode))
		return push(w, name, w->here.links, err);
	if (S_ISLNK(st.st_mode))
		return found_link(w, name, err);
	return found_special(w, st.st_mode, err);
}

/* One reading of the folder: the next names, in order. */
static bool
read_names(struct walk *w, DIR *dir, struct folder_names *names,
    struct err *err)
{
	const struct dirent *e;

	for (;;) {
		if (cancel_requested())
			return cancel_err(err);
		errno = 0;
		if ((e = readdir(dir)) == NULL)
			break;
		if (strcmp(e->d_name, ".") == 0 ||
		    strcmp(e->d_name, "..") == 0 ||
		    file_is_temp_name(e->d_name))
			continue;
		if (!folder_names_offer(names, e->d_name))
			return err_nomem(err, w->folder->base.name);
	}
	if (errno != 0) {
		w->path[w->len] = '\0';
		return odd_errno(w, errno, err);
	}
	return true;
}

/* Turns the part of the stack from first on around: the smallest on top. */
static void
reverse(struct walk *w, size_t first)
{
	size_t last;

	for (last = w->n_stack; first + 1 < last; first++) {
		struct pending p = w->stack[first];

		w->stack[first] = w->stack[--last];
		w->stack[last] = p;
	}
}

static bool
read_folder(struct walk *w, DIR *dir, struct folder_names *names,
    struct err *err)
{
	size_t first = w->n_stack, i;
	bool ok = true;

	folder_names_begin(names);
	do {
		folder_names_next(names);
		rewinddir(dir);
		ok = read_names(w, dir, names, err);
		folder_names_sort(names);
		for (i = 0; ok && i < names->n; i++) {
			ok = cancel_requested() ? cancel_err(err) :
			    found(w, names->v[i], err);
		}
	} while (ok && names->more);
	reverse(w, first);
	return ok;
}

/* The folder at w->path. */
static bool
visit(struct walk *w, struct folder_names *names, struct err *err)
{
	struct stat st;
	unsigned i;
	bool ok;
	DIR *dir;

	w->fd = folder_open_inside(w->folder, w->path, O_RDONLY | O_DIRECTORY);
	if (w->fd < 0 && errno == FOLDER_OUTSIDE)
		return odd(w, STORE_OUTSIDE_LINK, "it was turned into a "
		    "symbolic link that leads out of the folder", err);
	if (w->fd < 0)
		return odd_errno(w, errno, err);
	if (fstat(w->fd, &st) != 0 || (dir = fdopendir(w->fd)) == NULL) {
		ok = odd_errno(w, errno, err);
		close(w->fd);
		return ok;
	}
	for (i = 0; i < w->here.depth; i++) {
		if (w->above[i].dev == st.st_dev && w->above[i].ino == st.st_ino)
			break;
	}
	w->above[w->here.depth].dev = st.st_dev;
	w->above[w->here.depth].ino = st.st_ino;
	if (i < w->here.depth)
		ok = odd(w, STORE_LOOP, "it leads back to a folder above it",
		    err);
	else
		ok = read_folder(w, dir, names, err);
	closedir(dir);
	return ok;
}

static bool
run(struct walk *w, struct folder_names *names, struct err *err)
{
	struct pending next;
	bool ok;

	ok = visit(w, names, err);
	while (ok && w->n_stack > 0) {
		next = w->stack[--w->n_stack];
		w->len = next.parent_len;
		ok = set_path(w, next.name);
		free(next.name);
		if (!ok)
			return err_set(err, ERR_INTERNAL, "path too long");
		w->len = strlen(w->path);
		w->here = next;
		ok = visit(w, names, err);
	}
	return ok;
}

/* A folder to begin with that is not there; the root always is. */
static bool
is_missing(struct walk *w)
{
	int fd;

	w->len = strlen(w->path);
	if (w->len == 0)
		return false;
	fd = folder_open_inside(w->folder, w->path, O_PATH);
	if (fd >= 0)
		close(fd);
	return fd < 0 && errno == ENOENT;
}

bool
folder_list(struct store_session *ss, const char *under,
    const struct store_list_ops *ops, void *arg, struct err *err)
{
	struct folder_names *names;
	struct walk *w;
	bool ok = false;

	if (((struct folder *)ss->store)->root < 0)
		return true;
	if ((names = folder_names_new()) == NULL)
		return err_nomem(err, ss->store->name);
	if ((w = calloc(1, sizeof(*w))) == NULL) {
		err_nomem(err, ss->store->name);
		goto out_names;
	}
	w->folder = (struct folder *)ss->store;
	w->ops = ops;
	w->arg = arg;
	if ((w->above = calloc(DEPTH_MAX, sizeof(*w->above))) == NULL) {
		err_nomem(err, ss->store->name);
		goto out_w;
	}
	ok = !set_path(w, under) ? err_set(err, ERR_TOO_LARGE,
	    "%s: the path is too long", ss->store->name) :
	    is_missing(w) || run(w, names, err);
	while (w->n_stack > 0)
		free(w->stack[--w->n_stack].name);
	free(w->stack);
	free(w->above);
out_w:
	free(w);
out_names:
	folder_names_free(names);
	return ok;
}
