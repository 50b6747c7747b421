#include <stdlib.h>
#include <string.h>

#include "base/cancel.h"
#include "job/snapshot_files_internal.h"

#define PIECE ((size_t)1024 * 1024)

/* A file being read.  Where a blob begins is known once those before it were
 * read; that first pass is summed. */
struct open_file {
	struct store_file base;
	const struct snapshot_file *what;
	uint64_t *ends;		/* of the first known blobs */
	size_t known;
	struct hash *hash;
	struct buf data;	/* a blob; with keep all known ones */
	uint64_t start;		/* of data in the file */
	bool keep;
};

static bool
damaged(const struct open_file *f, const char *why, struct err *err)
{

	return err_set(err, ERR_DAMAGED, "%s: the file %s is damaged: %s",
	    f->base.session->store->name, snapshot_files_key(f->what), why);
}

/* The first known blobs may be the beginning of the file; all of them must be
 * the file. */
static bool
check(struct open_file *f, struct err *err)
{
	uint8_t sha256[HASH_SHA256_SIZE];
	uint64_t size = f->known > 0 ? f->ends[f->known - 1] : 0;
	bool whole = f->known == f->what->n_blobs;

	if (size > f->what->size || (size == f->what->size) != whole)
		return damaged(f, "its size is not that of the snapshot", err);
	if (!whole)
		return true;
	if (!hash_finish(f->hash, sha256, NULL, err))
		return false;
	if (memcmp(sha256, f->what->sha256, sizeof(sha256)) != 0)
		return damaged(f, "its SHA-256 is not that of the snapshot",
		    err);
	return true;
}

/* What is not there is damage, not a file that never was. */
static bool
failed(const struct open_file *f, struct err *err)
{
	struct err cause = *err;

	if (cause.kind != ERR_NOT_FOUND && cause.kind != ERR_DAMAGED)
		return err_prefix(err, "%s", snapshot_files_key(f->what));
	damaged(f, cause.message, err);
	if (cause.hint[0] != '\0')
		err_hint(err, "%s", cause.hint);
	return false;
}

static uint64_t
end_of_known(const struct open_file *f)
{

	return f->known > 0 ? f->ends[f->known - 1] : 0;
}

/* Blob i, which begins at start, in place of what is in memory or behind it. */
static bool
fetch(struct open_file *f, size_t i, uint64_t start, struct err *err)
{
	const struct snapshot_files_session *ss =
	    (struct snapshot_files_session *)f->base.session;
	const struct snapshot_files *s =
	    (struct snapshot_files *)ss->base.store;

	if (!f->keep) {
		buf_reset(&f->data);
		f->start = start;
	}
	return repo_get(ss->repo, snapshot_source_key_id(s->source),
	    f->what->blobs[i], &f->data, err) || failed(f, err);
}

/* Reads the first blob that was not yet. */
static bool
advance(struct open_file *f, struct err *err)
{
	uint64_t start = end_of_known(f);
	size_t before;

	before = f->keep ? f->data.len : 0;
	if (!fetch(f, f->known, start, err))
		return false;
	hash_update(f->hash, f->data.data + before, f->data.len - before);
	f->ends[f->known++] = start + (f->data.len - before);
	if (check(f, err))
		return true;
	/* Nobody gets this one. */
	buf_truncate(&f->data, before);
	f->known--;
	return false;
}

static void
close_file(struct open_file *f)
{

	hash_free(f->hash);
	buf_free(&f->data);
	free(f->ends);
	free(f);
}

static struct open_file *
open_file(struct store_session *ss, const char *key, struct store_object *o,
    struct err *err)
{
	const struct snapshot_file *what;
	struct open_file *f;

	what = snapshot_files_find((struct snapshot_files *)ss->store, key);
	if (what == NULL) {
		err_set(err, ERR_NOT_FOUND, "%s: no file %s",
		    ss->store->name, key);
		return NULL;
	}
	if ((f = calloc(1, sizeof(*f))) == NULL) {
		err_nomem(err, key);
		return NULL;
	}
	f->base.session = ss;
	f->what = what;
	buf_init(&f->data, REPO_BLOB_MAX);
	f->ends = calloc(what->n_blobs + 1, sizeof(*f->ends));
	if (f->ends == NULL) {
		err_nomem(err, key);
		goto fail;
	}
	if ((f->hash = hash_new(false, err)) == NULL ||
	    ((what->n_blobs == 0 || what->size == 0) && !check(f, err)))
		goto fail;
	snapshot_files_describe(what, o);
	return f;

fail:
	close_file(f);
	return NULL;
}

bool
snapshot_files_get(struct store_session *ss, const char *key,
    struct store_object *o, store_write_fn *write, void *arg, struct err *err)
{
	struct open_file *f;
	bool ok = true;
	size_t at, len;

	if ((f = open_file(ss, key, o, err)) == NULL)
		return false;
	while (ok && f->known < f->what->n_blobs) {
		ok = cancel_requested() ? cancel_err(err) : advance(f, err);
		for (at = 0; ok && at < f->data.len; at += len) {
			len = f->data.len - at < PIECE ? f->data.len - at :
			    PIECE;
			ok = write(arg, f->data.data + at, len, err);
		}
	}
	close_file(f);
	return ok;
}

struct store_file *
snapshot_files_file_open(struct store_session *ss, const char *key,
    struct store_object *o, struct err *err)
{
	const struct snapshot_files *s = (struct snapshot_files *)ss->store;
	struct open_file *f = open_file(ss, key, o, err);

	if (f == NULL)
		return NULL;
	if (f->what->size <= s->memory) {
		f->keep = true;
		buf_init(&f->data, s->memory + REPO_BLOB_MAX);
	}
	return &f->base;
}

/* Puts the byte at offset into memory, with some before and behind it. */
static bool
load(struct open_file *f, uint64_t offset, struct err *err)
{
	size_t low = 0, high = f->known, middle;

	if (offset >= f->start && offset - f->start < f->data.len)
		return true;
	while (low < high) {
		middle = low + (high - low) / 2;
		if (f->ends[middle] > offset)
			high = middle;
		else
			low = middle + 1;
	}
	if (low < f->known)
		return fetch(f, low, low > 0 ? f->ends[low - 1] : 0, err);
	do {
		if (f->known == f->what->n_blobs)
			return damaged(f, "it ends early", err);
		if (!advance(f, err))
			return false;
	} while (end_of_known(f) <= offset);
	return true;
}

bool
snapshot_files_file_read(struct store_file *file, uint64_t offset, void *data,
    size_t len, struct err *err)
{
	struct open_file *f = (struct open_file *)file;
	uint8_t *out = data;
	size_t n, skip;

	while (len > 0) {
		if (!load(f, offset, err))
			return false;
		skip = (size_t)(offset - f->start);
		n = f->data.len - skip < len ? f->data.len - skip : len;
		memcpy(out, f->data.data + skip, n);
		out += n;
		offset += n;
		len -= n;
	}
	return true;
}

/* A snapshot never changes. */
bool
snapshot_files_file_unchanged(struct store_file *file, struct err *err)
{

	(void)file;
	(void)err;
	return true;
}

void
snapshot_files_file_close(struct store_file *file)
{

	close_file((struct open_file *)file);
}
