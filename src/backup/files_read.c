#include <stdlib.h>
#include <string.h>

#include "backup/files_internal.h"
#include "base/cancel.h"

#define TRIES 3		/* of a file that changes while it is read */
#define PAUSE_MS 100	/* before another one */
#define PIECE_MAX ((size_t)1024 * 1024) /* as store_get() hands out */

/* What one worker keeps from file to file. */
struct reader {
	struct repo_session *session;
	struct hash *hash;
	struct buf window;	/* not cut yet */
	struct repo_blob *blobs; /* of the file so far */
	size_t n, cap;
	uint64_t size;
};

/* One file on its way. */
struct reading {
	struct backup_files *backup;
	struct file_pair *pair;
	struct reader *reader;
	bool fresh;		/* some blob was new */
	bool ours;		/* the error is not the source's */
};

static void
reader_free(struct reader *r)
{

	if (r == NULL)
		return;
	repo_session_free(r->session);
	hash_free(r->hash);
	buf_free(&r->window);
	free(r->blobs);
	free(r);
}

static struct reader *
reader_new(struct backup_files *b, struct err *err)
{
	struct reader *r;

	if ((r = calloc(1, sizeof(*r))) == NULL) {
		err_nomem(err, "files");
		return NULL;
	}
	buf_init(&r->window, CHUNKER_MAX + PIECE_MAX);
	r->session = repo_session_new(b->repo, err);
	if (r->session != NULL && (r->hash = hash_new(false, err)) != NULL)
		return r;
	reader_free(r);
	return NULL;
}

void
files_read_end(struct file_worker *w)
{

	reader_free(w->own);
	w->own = NULL;
}

static bool
note_blob(struct reader *r, const struct repo_blob *blob, struct err *err)
{
	struct repo_blob *blobs;
	size_t cap;

	if (r->n == r->cap) {
		cap = r->cap > 0 ? 2 * r->cap : 16;
		blobs = realloc(r->blobs, cap * sizeof(*blobs));
		if (blobs == NULL)
			return err_nomem(err, "file");
		r->blobs = blobs;
		r->cap = cap;
	}
	r->blobs[r->n++] = *blob;
	return true;
}

/* Stores the chunks that the window holds; with last all of it. */
static bool
store_chunks(struct reading *x, bool last, struct err *err)
{
	struct reader *r = x->reader;
	struct repo_blob blob;
	size_t at = 0, len;
	bool fresh, ok = true;

	while (ok && (last || r->window.len - at >= CHUNKER_MAX) &&
	    at < r->window.len) {
		len = chunker_next(&x->backup->chunker, r->window.data + at,
		    r->window.len - at, last);
		ok = repo_put(r->session, r->window.data + at, len, &blob,
		    &fresh, err) && note_blob(r, &blob, err) &&
		    repo_note_progress(r->session, false, err);
		x->fresh = x->fresh || (ok && fresh);
		at += len;
	}
	if (ok && at > 0) {
		memmove(r->window.data, r->window.data + at,
		    r->window.len - at);
		buf_truncate(&r->window, r->window.len - at);
	}
	x->ours = !ok;
	return ok;
}

static bool
take_piece(void *arg, const void *data, size_t len, struct err *err)
{
	struct reading *x = arg;
	struct reader *r = x->reader;

	if (cancel_requested()) {
		x->ours = true;
		return cancel_err(err);
	}
	hash_update(r->hash, data, len);
	r->size += len;
	atomic_fetch_add(&x->backup->read, len);
	progress_item_add(x->pair->progress, 0, len);
	if (!buf_append(&r->window, data, len)) {
		x->ours = true;
		return err_nomem(err, "file");
	}
	return store_chunks(x, false, err);
}

/* Reads, cuts and stores one file; then it is one of the snapshot's. */
static bool
store_file(struct reading *x, struct file_worker *w, const char *key,
    struct err *err)
{
	struct backup_files *b = x->backup;
	struct reader *r = x->reader;
	uint8_t sha256[HASH_SHA256_SIZE];
	struct files_stored stored = { .sha256 = sha256 };
	struct store_object o;
	struct err ignored;
	bool ok;

	x->fresh = false;
	x->ours = false;
	r->n = 0;
	r->size = 0;
	buf_reset(&r->window);
	ok = store_get(w->source, key, &o, take_piece, x, err);
	/* Also after a failure: it starts the next one. */
	if (!hash_finish(r->hash, sha256, NULL, ok ? err : &ignored) || !ok) {
		x->ours = x->ours || ok;
		return false;
	}
	if (!store_chunks(x, true, err))
		return false;
	o.size = r->size;
	stored.o = &o;
	stored.blobs = r->blobs;
	stored.n_blobs = r->n;
	x->ours = true;
	return files_lines_add(&b->lines[x->pair - b->files.v], b->writer,
	    &stored, err);
}

/* Whether the others go on. */
static bool
concerns_file_only(const struct reading *x, const struct err *err)
{

	return !x->ours && (err->kind == ERR_CHANGED ||
	    err->kind == ERR_REFUSED || err->kind == ERR_NOT_FOUND ||
	    err->kind == ERR_DENIED || err->kind == ERR_INTERNAL);
}

/* What is no more is no failure. */
static bool
is_gone(struct file_worker *w, const char *key)
{
	struct store_object o;
	struct err ignored;

	return store_head(w->source, key, &o, &ignored) == STORE_ABSENT;
}

static void
report(struct backup_files *b, struct file_worker *w, const char *key,
    const struct err *err)
{

	if ((err->kind == ERR_NOT_FOUND || err->kind == ERR_CHANGED) &&
	    is_gone(w, key)) {
		report_note(&b->job->report, "file_gone", "", "%s was removed "
		    "while the backup ran, and is not in it", key);
		return;
	}
	atomic_fetch_add(&b->files.failed, 1);
	report_error(&b->job->report, "file", err->hint,
	    "%s is not in the backup: %s", key, err->message);
	atomic_fetch_add(&b->seen, 1);
}

bool
files_read_file(struct file_worker *w, const struct file_item *item,
    struct err *err)
{
	struct backup_files *b = w->files->arg;
	struct reading x = { .backup = b, .pair = w->pair };
	bool ok = false;
	int i;

	if (w->own == NULL && (w->own = reader_new(b, err)) == NULL)
		return false;
	x.reader = w->own;
	for (i = 0; i < TRIES && !ok; i++) {
		ok = store_file(&x, w, item->key, err);
		if (!ok && (x.ours || err->kind != ERR_CHANGED ||
		    !cancel_sleep(PAUSE_MS)))
			break;
	}
	progress_item_add(w->pair->progress, 1, 0);
	if (ok) {
		atomic_fetch_add(x.fresh ? &b->files.uploaded :
		    &b->files.skipped, 1);
		atomic_fetch_add(&b->seen, 1);
		atomic_fetch_add(&b->seen_bytes, x.reader->size);
		return true;
	}
	if (!concerns_file_only(&x, err))
		return err_prefix(err, "file %s", item->key);
	report(b, w, item->key, err);
	err_clear(err);
	return true;
}
