#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cancel.h"
#include "cli/rewrite_diff.h"
#include "cli/rewrite_file.h"
#include "cli/rewrite_file_internal.h"
#include "cli/rewrite_lines.h"

#define READ_STEP 65536
#define GROUPS_MAX 65536

/* path as it is shown: without the current folder, where it lies below it. */
static const char *
below_here(const char *path)
{
	char here[PATH_MAX];
	size_t len;

	if (getcwd(here, sizeof(here)) == NULL)
		return path;
	len = strlen(here);
	if (strcmp(here, "/") == 0)
		return path + 1;
	return strncmp(path, here, len) == 0 && path[len] == '/' ?
	    path + len + 1 : path;
}

static bool
is_dangling(const char *operand)
{
	struct stat st;

	return lstat(operand, &st) == 0 && S_ISLNK(st.st_mode);
}

bool
rewrite_file_find(struct rewrite_file *f, const char *operand,
    struct err *err)
{

	*f = (struct rewrite_file){ .operand = operand };
	if (strcmp(operand, "-") == 0) {
		err_set(err, ERR_USAGE, "- is no file: rewrite does not read "
		    "stdin");
		return err_hint(err, "a file of that name is ./-");
	}
	if ((f->path = realpath(operand, NULL)) == NULL ||
	    stat(f->path, &f->st) != 0) {
		err_set_errno(err, ERR_NOT_FOUND, errno, "cannot open %s",
		    operand);
		return is_dangling(operand) ? err_hint(err, "it is a link: see "
		    "where it leads") : false;
	}
	if ((f->name = strdup(below_here(f->path))) == NULL)
		return err_nomem(err, operand);
	if (S_ISDIR(f->st.st_mode)) {
		err_set(err, ERR_USAGE, "%s is a folder", operand);
		return err_hint(err, "name the files in it that are to be "
		    "rewritten");
	}
	if (!S_ISREG(f->st.st_mode))
		return err_set(err, ERR_USAGE, "%s is no regular file", operand);
	return true;
}

void
rewrite_file_free(struct rewrite_file *f)
{

	free(f->path);
	free(f->name);
	free(f->backup);
}

bool
rewrite_file_same(const struct rewrite_file *f, const struct stat *st,
    struct err *err)
{
	const struct stat *was = &f->st;

	if (st->st_dev == was->st_dev && st->st_ino == was->st_ino &&
	    st->st_size == was->st_size &&
	    st->st_mtim.tv_sec == was->st_mtim.tv_sec &&
	    st->st_mtim.tv_nsec == was->st_mtim.tv_nsec)
		return true;
	err_set(err, ERR_CHANGED, "%s was changed by somebody else meanwhile",
	    f->operand);
	return err_hint(err, "run the same command again");
}

bool
rewrite_file_unchanged(const struct rewrite_file *f, int fd, struct err *err)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return err_set_errno(err, ERR_DISK, errno, "cannot look at %s",
		    f->operand);
	return rewrite_file_same(f, &st, err);
}

int
rewrite_file_open(const struct rewrite_file *f, struct err *err)
{
	int fd;

	/* Not blocking: what was a file may be a fifo by now. */
	fd = open(f->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0) {
		err_set_errno(err, ERR_DISK, errno, "cannot open %s",
		    f->operand);
		return -1;
	}
	if (rewrite_file_unchanged(f, fd, err))
		return fd;
	close(fd);
	return -1;
}

/* Says why the file is no text, NULL when it is.  Bytes that are not UTF-8 do
 * not matter: whatever the encoding, what matches is ASCII. */
static bool
find_binary(const struct rewrite_file *f, int fd, const char **why,
    struct err *err)
{
	char bytes[READ_STEP];
	off_t at = 0;
	ssize_t n;

	*why = NULL;
	for (; !cancel_requested(); at += n) {
		n = pread(fd, bytes, sizeof(bytes), at);
		if (n < 0 && errno == EINTR)
			n = 0;
		else if (n < 0)
			return err_set_errno(err, ERR_DISK, errno,
			    "cannot read %s", f->operand);
		else if (n == 0)
			return true;
		if (at == 0 && n >= 2 && (memcmp(bytes, "\xff\xfe", 2) == 0 ||
		    memcmp(bytes, "\xfe\xff", 2) == 0)) {
			*why = "UTF-16";
			return true;
		}
		if (memchr(bytes, '\0', (size_t)n) != NULL) {
			*why = "binary";
			return true;
		}
	}
	return cancel_err(err);
}

static bool
count(struct rewrite_file *f, struct rewrite_lines *lines, struct err *err)
{
	enum rewrite_lines_step step;
	struct rewrite_line line;

	while ((step = rewrite_lines_next(lines, &line, err)) ==
	    REWRITE_LINES_LINE) {
		f->matches += line.found.matches;
		f->lines += line.changed;
		if (f->no_rule == 0 && line.found.no_rule > 0)
			f->no_rule_line = line.number;
		f->no_rule += line.found.no_rule;
	}
	return step == REWRITE_LINES_END;
}

bool
rewrite_file_read(struct rewrite_file *f, const struct match_rules *rules,
    struct err *err)
{
	struct rewrite_lines *lines = NULL;
	bool ok = false;
	int fd;

	if ((fd = rewrite_file_open(f, err)) < 0)
		return false;
	if (!find_binary(f, fd, &f->binary, err))
		goto out;
	if (f->binary == NULL &&
	    ((lines = rewrite_lines_new(fd, f->operand, rules, err)) == NULL ||
	    !count(f, lines, err)))
		goto out;
	ok = rewrite_file_unchanged(f, fd, err);
out:
	rewrite_lines_free(lines);
	close(fd);
	return ok;
}

bool
rewrite_file_show(const struct rewrite_file *f,
    const struct match_rules *rules, bool colour, FILE *out, struct err *err)
{
	const char *name = f->name[0] == '/' ? f->name + 1 : f->name;
	struct rewrite_lines *lines;
	bool ok = false;
	int fd;

	if ((fd = rewrite_file_open(f, err)) < 0)
		return false;
	if ((lines = rewrite_lines_new(fd, f->operand, rules, err)) != NULL)
		ok = rewrite_diff(lines, name, colour, out, err) &&
		    rewrite_file_unchanged(f, fd, err);
	rewrite_lines_free(lines);
	close(fd);
	return ok;
}

static bool
is_of_group(gid_t group)
{
	gid_t *groups;
	bool found = getegid() == group;
	int i, n = getgroups(0, NULL);

	if (found || n <= 0 || n > GROUPS_MAX ||
	    (groups = calloc((size_t)n, sizeof(*groups))) == NULL)
		return found;
	n = getgroups(n, groups);
	for (i = 0; i < n && !found; i++)
		found = groups[i] == group;
	free(groups);
	return found;
}

bool
rewrite_file_check(const struct rewrite_file *f, struct err *err)
{
	size_t len = (size_t)(strrchr(f->path, '/') - f->path);
	char *folder;
	bool ok;

	if (strlen(f->path + len + 1) + strlen(".bak") > NAME_MAX) {
		err_set(err, ERR_TOO_LARGE, "%s: its name is too long to have "
		    ".bak added", f->operand);
		return err_hint(err, "rename it for as long");
	}
	if ((folder = strndup(f->path, len > 0 ? len : 1)) == NULL)
		return err_nomem(err, f->operand);
	ok = faccessat(AT_FDCWD, folder, W_OK | X_OK, AT_EACCESS) == 0;
	if (!ok) {
		err_set(err, ERR_DENIED, "%s cannot be replaced: its folder %s: "
		    "%s", f->operand, folder, strerror(errno));
		err_hint(err, "the new file and the backup are made there");
	} else if (geteuid() != 0 && (f->st.st_uid != geteuid() ||
	    !is_of_group(f->st.st_gid))) {
		err_set(err, ERR_DENIED, "%s belongs to another user or group, "
		    "and would not any more", f->operand);
		ok = err_hint(err, "run it as that user or as root");
	}
	free(folder);
	return ok;
}
