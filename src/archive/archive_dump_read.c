#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive/archive_dump.h"
#include "archive/bsoncheck.h"

static bool
ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);

	return n >= m && strcmp(s + n - m, end) == 0;
}

static bool
read_fd(void *arg, void *data, size_t size, size_t *len, struct err *err)
{
	struct archive_dump_file *f = arg;
	ssize_t n;

	do
		n = read(f->fd, data, size);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return err_set_errno(err, ERR_DISK, errno, "%s", f->label);
	*len = (size_t)n;
	return true;
}

int
archive_dump_open_db(const struct archive_reader *r, const char *db,
    struct err *err)
{
	int fd;

	fd = openat(r->dump->root, *db == '\0' ? "." : db,
	    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		err_set_errno(err, ERR_DISK, errno, "%s: %s", r->name, db);
	return fd;
}

/* Opens a regular file and nothing else (a FIFO would wait for ever). */
static bool
open_regular(const struct archive_reader *r, struct archive_dump_file *f,
    const char *db, const char *name, struct err *err)
{
	struct stat st;
	int folder;

	if ((folder = archive_dump_open_db(r, db, err)) < 0)
		return false;
	f->fd = openat(folder, name,
	    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	close(folder);
	if (f->fd < 0 && errno == ELOOP)
		return err_set(err, ERR_DAMAGED, "%s: it is a symbolic link",
		    f->label);
	if (f->fd < 0)
		return err_set_errno(err, ERR_DISK, errno, "%s", f->label);
	if (fstat(f->fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		close(f->fd);
		return err_set(err, ERR_DAMAGED, "%s: it is no file", f->label);
	}
	f->size = (uint64_t)st.st_size;
	return true;
}

bool
archive_dump_open(const struct archive_reader *r, struct archive_dump_file *f,
    const char *db, const char *name, struct err *err)
{
	const struct archive_filter *filter = r->dump->filter;
	struct stream_in raw = { read_fd, f };

	*f = (struct archive_dump_file){ .fd = -1 };
	if (asprintf(&f->label, "%s: %s%s%s", r->name, db,
	    *db == '\0' ? "" : "/", name) < 0) {
		f->label = NULL;
		return err_nomem(err, "a dump's file");
	}
	if (!open_regular(r, f, db, name, err)) {
		free(f->label);
		return false;
	}
	f->content = raw;
	if (!ends_with(name, ".gz"))
		return true;
	if (filter == NULL)
		err_set(err, ERR_UNSUPPORTED, "%s: compressed files cannot be "
		    "read here", f->label);
	else
		f->reader = filter->reader_open(&raw, f->label, &f->content,
		    err);
	if (f->reader != NULL)
		return true;
	archive_dump_close(r, f);
	return false;
}

void
archive_dump_close(const struct archive_reader *r, struct archive_dump_file *f)
{

	if (f->reader != NULL)
		r->dump->filter->reader_close(f->reader);
	close(f->fd);
	free(f->label);
	*f = (struct archive_dump_file){ .fd = -1 };
}

bool
archive_dump_slurp(const struct archive_reader *r, const char *db,
    const char *name, struct buf *out, uint64_t *size, struct err *err)
{
	struct archive_dump_file f;
	size_t len = 1;
	bool ok = true;

	if (!archive_dump_open(r, &f, db, name, err))
		return false;
	*size = f.size;
	while (ok && len > 0) {
		if (!buf_reserve(out, 4096)) {
			ok = err_set(err, ERR_TOO_LARGE, "%s: larger than %zu "
			    "bytes", f.label, out->max);
			break;
		}
		ok = f.content.read(f.content.arg, out->data + out->len, 4096,
		    &len, err);
		if (ok)
			out->len += len;
	}
	archive_dump_close(r, &f);
	return ok;
}

static bool
open_current(struct archive_reader *r, struct err *err)
{
	struct archive_dump *d = r->dump;

	if (!archive_dump_open(r, &d->file, r->collections[d->current].db,
	    d->files[d->current], err))
		return false;
	input_init(&d->in, &d->file.content);
	d->open = true;
	d->number = 0;
	return true;
}

static void
close_current(struct archive_reader *r)
{

	input_free(&r->dump->in);
	archive_dump_close(r, &r->dump->file);
	r->dump->open = false;
}

/* The next document of the file, *end at its end. */
static bool
file_next(struct archive_reader *r, struct archive_item *item, bool *end,
    struct err *err)
{
	struct archive_dump *d = r->dump;
	const struct archive_collection *c = &r->collections[d->current];
	struct archive_place place = { d->file.label, c->db, c->name,
	    d->number + 1 };
	size_t at_hand;

	if (!input_need(&d->in, 4, &at_hand, err))
		return false;
	*end = at_hand == 0;
	if (*end)
		return true;
	if (at_hand < 4)
		return err_set(err, ERR_DAMAGED, "%s: %s.%s: it is cut behind "
		    "document %" PRIu64 ", at byte %" PRIu64, d->file.label,
		    c->db, c->name, d->number, d->in.offset);
	if (!archive_read_doc(&d->in, &place, &item->doc, &item->len, err))
		return false;
	d->number++;
	return true;
}

enum archive_next
archive_dump_next(struct archive_reader *r, struct archive_item *item,
    struct err *err)
{
	struct archive_dump *d = r->dump;
	bool end = true;

	if (d->current == r->n)
		return ARCHIVE_END;
	item->collection = d->current;
	if (d->files[d->current] != NULL) {
		if (!d->open && !open_current(r, err))
			return ARCHIVE_FAILED;
		if (!file_next(r, item, &end, err))
			return ARCHIVE_FAILED;
		if (!end)
			return ARCHIVE_DOC;
		close_current(r);
	}
	d->current++;
	return ARCHIVE_COLLECTION_END;
}

void
archive_dump_free(struct archive_reader *r)
{
	struct archive_dump *d = r->dump;
	size_t i;

	if (d == NULL)
		return;
	if (d->open)
		close_current(r);
	if (d->root >= 0)
		close(d->root);
	for (i = 0; d->files != NULL && i < r->n; i++)
		free(d->files[i]);
	free(d->files);
	free(d);
}
