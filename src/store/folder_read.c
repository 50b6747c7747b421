#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cancel.h"
#include "store/folder.h"

#define READ_SIZE ((size_t)256 << 10)

struct folder_file {
	struct store_file base;
	int fd;
	char *key;
	struct store_object seen;	/* at open; its key is key */
};

/* Opens a regular file and describes it.  -1 with *err. */
static int
open_file(const struct folder *f, const char *key, struct store_object *o,
    struct err *err)
{
	struct stat st;
	int fd;

	if ((fd = folder_open_inside(f, key, O_RDONLY)) < 0) {
		folder_err(f, "cannot read", key, errno, err);
		return -1;
	}
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		folder_err(f, "cannot read", key, EISDIR, err);
		close(fd);
		return -1;
	}
	folder_describe(&st, o);
	return fd;
}

static bool
changed(const struct folder *f, const char *key, const char *how,
    struct err *err)
{

	return err_set(err, ERR_CHANGED, "%s in %s %s while it was read", key,
	    f->base.name, how);
}

/* Looks again at the open file and at what its name stands for now. */
static bool
same_as_before(const struct folder *f, const char *key, int fd,
    const struct store_object *before, struct err *err)
{
	struct store_object now;
	struct stat st;
	int again;

	if (fstat(fd, &st) != 0)
		return folder_err(f, "cannot look at", key, errno, err);
	folder_describe(&st, &now);
	if (now.size != before->size || now.mtime_ns != before->mtime_ns)
		return changed(f, key, "changed", err);
	if ((again = folder_open_inside(f, key, O_PATH)) < 0)
		return changed(f, key, "was removed", err);
	if (fstat(again, &st) != 0)
		memset(&st, 0, sizeof(st));
	close(again);
	if (st.st_dev != before->dev || st.st_ino != before->ino)
		return changed(f, key, "was replaced", err);
	return true;
}

/* A get on its way. */
struct reading {
	const struct folder *f;
	const struct store_object *o;
	int fd;
};

/* Hands out what o says there is; a file that grows is not followed. */
static bool
stream(const struct reading *r, store_write_fn *write, void *arg,
    struct err *err)
{
	const struct store_object *o = r->o;
	uint64_t left = o->size;
	uint8_t *data;
	bool ok = true;
	ssize_t n;

	if ((data = malloc(READ_SIZE)) == NULL)
		return err_nomem(err, o->key);
	while (ok && left > 0) {
		if (cancel_requested()) {
			ok = cancel_err(err);
			break;
		}
		n = read(r->fd, data, left < READ_SIZE ? (size_t)left : READ_SIZE);
		if (n == 0)
			ok = changed(r->f, o->key, "became shorter", err);
		else if (n < 0 && errno != EINTR)
			ok = folder_err(r->f, "cannot read", o->key, errno,
			    err);
		if (n <= 0)
			continue;
		ok = write(arg, data, (size_t)n, err);
		left -= (uint64_t)n;
	}
	free(data);
	return ok;
}

bool
folder_get(struct store_session *ss, const char *key, struct store_object *o,
    store_write_fn *write, void *arg, struct err *err)
{
	struct reading r = { .f = (struct folder *)ss->store, .o = o };
	bool ok;

	if ((r.fd = open_file(r.f, key, o, err)) < 0)
		return false;
	ok = stream(&r, write, arg, err) &&
	    same_as_before(r.f, key, r.fd, o, err);
	close(r.fd);
	return ok;
}

struct store_file *
folder_file_open(struct store_session *ss, const char *key,
    struct store_object *o, struct err *err)
{
	const struct folder *f = (struct folder *)ss->store;
	struct folder_file *ff;

	if ((ff = calloc(1, sizeof(*ff))) == NULL) {
		err_nomem(err, key);
		goto fail;
	}
	ff->base.session = ss;
	if ((ff->key = strdup(key)) == NULL) {
		err_nomem(err, key);
		goto fail_ff;
	}
	if ((ff->fd = open_file(f, key, o, err)) < 0)
		goto fail_key;
	ff->seen = *o;
	ff->seen.key = ff->key;
	return &ff->base;

fail_key:
	free(ff->key);
fail_ff:
	free(ff);
fail:
	return NULL;
}

bool
folder_file_read(struct store_file *file, uint64_t offset, void *data,
    size_t len, struct err *err)
{
	const struct folder *f = (struct folder *)file->session->store;
	struct folder_file *ff = (struct folder_file *)file;
	uint8_t *p = data;
	ssize_t n;

	while (len > 0) {
		n = pread(ff->fd, p, len, (off_t)offset);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return folder_err(f, "cannot read", ff->key, errno,
			    err);
		if (n == 0)
			return changed(f, ff->key, "became shorter", err);
		p += n;
		offset += (uint64_t)n;
		len -= (size_t)n;
	}
	return true;
}

bool
folder_file_unchanged(struct store_file *file, struct err *err)
{
	struct folder_file *ff = (struct folder_file *)file;

	return same_as_before((struct folder *)file->session->store, ff->key,
	    ff->fd, &ff->seen, err);
}

void
folder_file_close(struct store_file *file)
{
	struct folder_file *ff = (struct folder_file *)file;

	close(ff->fd);
	free(ff->key);
	free(ff);
}
