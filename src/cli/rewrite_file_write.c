#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "cli/rewrite_backup.h"
#include "cli/rewrite_file.h"
#include "cli/rewrite_file_internal.h"
#include "cli/rewrite_lines.h"
#include "job/leftovers.h"

#define WRITE_STEP ((size_t)256 * 1024)

static bool
flush(struct file_writer *w, struct buf *pending, struct err *err)
{
	bool ok = file_writer_write(w, pending->data, pending->len, err);

	buf_reset(pending);
	return ok;
}

/* Every line as the rules make it; short ones are gathered. */
static bool
write_lines(struct rewrite_lines *lines, struct file_writer *w,
    struct buf *pending, struct err *err)
{
	enum rewrite_lines_step step;
	struct rewrite_line line;

	while ((step = rewrite_lines_next(lines, &line, err)) ==
	    REWRITE_LINES_LINE) {
		if (buf_append(pending, line.new, line.new_len))
			continue;
		if (!flush(w, pending, err))
			return false;
		if (!buf_append(pending, line.new, line.new_len) &&
		    !file_writer_write(w, line.new, line.new_len, err))
			return false;
	}
	return step == REWRITE_LINES_END && flush(w, pending, err);
}

static bool
write_new(const struct rewrite_file *f, const struct match_rules *rules,
    int fd, struct file_writer *w, struct err *err)
{
	struct rewrite_lines *lines;
	struct buf pending;
	bool ok;

	if ((lines = rewrite_lines_new(fd, f->operand, rules, err)) == NULL)
		return false;
	buf_init(&pending, WRITE_STEP);
	ok = write_lines(lines, w, &pending, err) &&
	    file_writer_like(w, fd, err);
	buf_free_secret(&pending);
	rewrite_lines_free(lines);
	return ok;
}

/* The name still leads to the file that was read, and that is as it was. */
static bool
is_still_it(const struct rewrite_file *f, struct err *err)
{
	struct stat st;

	if (lstat(f->path, &st) != 0)
		return err_set_errno(err, ERR_DISK, errno, "cannot look at %s",
		    f->operand);
	return rewrite_file_same(f, &st, err);
}

/* The backup, as the file itself is named. */
static char *
backup_name(const struct rewrite_file *f, const char *backup)
{
	size_t skip = strlen(f->path) - strlen(f->name);

	return strdup(backup + skip);
}

/* The backup first; it goes again if the new file does not take the name. */
static bool
put_in_place(struct rewrite_file *f, int fd, struct file_writer *w,
    struct err *err)
{
	char *backup;
	struct stat st;
	bool ok;

	if (!is_still_it(f, err) ||
	    !rewrite_backup_make(f->path, fd, &backup, err))
		return false;
	ok = file_writer_finish(w, err);
	if (!ok && err->code == EBUSY) {
		err_set(err, ERR_UNSUPPORTED, "cannot replace %s: it is a mount "
		    "of its own", f->operand);
		err_hint(err, "rewrite the file where it comes from, outside "
		    "the container");
	}
	f->written = ok || lstat(f->path, &st) != 0 ||
	    st.st_ino != f->st.st_ino;
	if (f->written)
		f->backup = backup_name(f, backup);
	else
		unlink(backup);
	free(backup);
	return ok;
}

bool
rewrite_file_write(struct rewrite_file *f, const struct match_rules *rules,
    struct err *err)
{
	struct file_writer *w = NULL;
	bool ok = false;
	int fd;

	if ((fd = rewrite_file_open(f, err)) < 0)
		return false;
	leftovers_remove(f->path);
	if ((w = file_writer_new(f->path, f->st.st_mode & 0600, err)) != NULL)
		ok = write_new(f, rules, fd, w, err) &&
		    put_in_place(f, fd, w, err);
	file_writer_free(w);
	close(fd);
	return ok;
}
