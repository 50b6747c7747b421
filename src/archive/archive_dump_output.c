#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "archive/archive_dump_output.h"
#include "base/file.h"

static bool
write_fd(void *arg, const void *data, size_t len, struct err *err)
{
	struct archive_dump_output *o = arg;

	return file_write_all(o->fd, data, len, o->path, err);
}

bool
archive_dump_output_open(struct archive_dump_output *o, const char *path,
    const struct archive_filter *filter, struct err *err)
{
	struct stream_out raw = { write_fd, o };

	*o = (struct archive_dump_output){ .fd = -1, .filter = filter };
	if ((o->path = strdup(path)) == NULL)
		return err_nomem(err, "a dump's file");
	o->fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW |
	    O_CLOEXEC, 0600);
	if (o->fd < 0) {
		err_set_errno(err, ERR_DISK, errno, "%s", path);
		archive_dump_output_drop(o);
		return false;
	}
	o->content = raw;
	if (filter == NULL)
		return true;
	o->writer = filter->writer_open(&raw, path, &o->content, err);
	if (o->writer != NULL)
		return true;
	archive_dump_output_drop(o);
	return false;
}

bool
archive_dump_output_close(struct archive_dump_output *o, struct err *err)
{
	bool ok = o->writer == NULL || o->filter->writer_finish(o->writer, err);

	if (ok && fsync(o->fd) != 0)
		ok = err_set_errno(err, ERR_DISK, errno, "%s", o->path);
	if (o->writer != NULL)
		o->filter->writer_close(o->writer);
	o->writer = NULL;
	if (close(o->fd) != 0 && ok)
		ok = err_set_errno(err, ERR_DISK, errno, "%s", o->path);
	o->fd = -1;
	archive_dump_output_drop(o);
	return ok;
}

void
archive_dump_output_drop(struct archive_dump_output *o)
{

	if (o->writer != NULL)
		o->filter->writer_close(o->writer);
	if (o->fd >= 0)
		close(o->fd);
	free(o->path);
	*o = (struct archive_dump_output){ .fd = -1 };
}

bool
archive_dump_output_file(const char *path, const struct archive_filter *filter,
    const void *data, size_t len, struct err *err)
{
	struct archive_dump_output o;

	if (!archive_dump_output_open(&o, path, filter, err))
		return false;
	if (o.content.write(o.content.arg, data, len, err))
		return archive_dump_output_close(&o, err);
	archive_dump_output_drop(&o);
	return false;
}
