#include <stdlib.h>
#include <string.h>

#include "base/cancel.h"
#include "job/file_content.h"

#define PIECE ((size_t)128 * 1024)

static bool
rewrites_text(const struct job *job, const char *key)
{

	return job->n_rules > 0 && job->rewrite_files.n > 0 &&
	    glob_selects(&job->rewrite_files, &(struct strings){ NULL, 0 },
	    key);
}

static bool
read_file(void *arg, uint64_t offset, void *data, size_t len, struct err *err)
{
	struct file_content *c = arg;

	if (store_file_read(c->file, offset, data, len, err))
		return true;
	c->source_failed = true;
	return false;
}

static bool
read_text(void *arg, uint64_t offset, void *data, size_t len, struct err *err)
{
	struct file_content *c = arg;

	if (offset > c->text.len || len > c->text.len - offset)
		return err_set(err, ERR_INTERNAL, "read past the end of %s",
		    c->source.key);
	memcpy(data, c->text.data + offset, len);
	return true;
}

/* Reads the whole file once: digests, the sample for its type, its text. */
static bool
scan(struct file_content *c, struct buf *sample, struct buf *text,
    struct err *err)
{
	uint64_t at = 0;
	uint8_t *piece;
	struct hash *h;
	bool ok = false;

	if ((piece = malloc(PIECE)) == NULL)
		return err_nomem(err, "file");
	if ((h = hash_new(true, err)) == NULL)
		goto out;
	while (at < c->source.size) {
		size_t len = c->source.size - at < PIECE ?
		    (size_t)(c->source.size - at) : PIECE;

		if (cancel_requested()) {
			cancel_err(err);
			goto out;
		}
		if (!read_file(c, at, piece, len, err))
			goto out;
		hash_update(h, piece, len);
		if (sample->len < MEDIA_TYPE_SAMPLE && !buf_append(sample,
		    piece, len < MEDIA_TYPE_SAMPLE - sample->len ? len :
		    MEDIA_TYPE_SAMPLE - sample->len)) {
			err_nomem(err, "file");
			goto out;
		}
		if (text != NULL && !buf_append(text, piece, len)) {
			err_set(err, ERR_TOO_LARGE, "%s is larger than %zu MiB:"
			    " too large to be rewritten", c->source.key,
			    FILE_CONTENT_TEXT_MAX >> 20);
			c->source_failed = true;
			goto out;
		}
		at += len;
	}
	ok = hash_finish(h, c->sha256, c->md5, err);
out:
	hash_free(h);
	free(piece);
	return ok;
}

/* The files of a snapshot bring their SHA-256 as ETag (snapshot_files.h), and
 * whoever reads one to its end has what it says. */
static bool
is_known(const struct file_content *c)
{

	return c->worker->files->job->snapshot != NULL;
}

static bool
take_known(struct file_content *c, struct buf *sample, struct err *err)
{
	size_t len = c->source.size < MEDIA_TYPE_SAMPLE ?
	    (size_t)c->source.size : MEDIA_TYPE_SAMPLE;
	uint8_t *piece;
	bool ok;

	if (!hash_unhex(c->source.etag, c->sha256, sizeof(c->sha256)))
		return err_set(err, ERR_INTERNAL, "%s: no SHA-256",
		    c->source.key);
	if (c->worker->media == NULL || !c->worker->files->job->writes)
		return true;	/* nobody is told its type */
	if ((piece = malloc(MEDIA_TYPE_SAMPLE)) == NULL)
		return err_nomem(err, "file");
	ok = read_file(c, 0, piece, len, err) &&
	    (buf_append(sample, piece, len) || err_nomem(err, "file"));
	free(piece);
	return ok;
}

/* Applies the rules to the text; without a match the file itself is sent. */
static bool
rewrite_text(struct file_content *c, const struct buf *text, struct err *err)
{
	struct match_result result;
	struct hash *h;
	bool ok;

	if (!match_text(c->worker->files->job->rules,
	    (const char *)text->data, text->len, &c->text, &result, NULL,
	    NULL)) {
		c->source_failed = true;
		return err_set(err, ERR_TOO_LARGE,
		    "%s: rewritten, it is too large", c->source.key);
	}
	if (result.matches == 0)
		return true;
	c->rewritten = true;
	c->body.size = c->text.len;
	c->body.read = read_text;
	if ((h = hash_new(true, err)) == NULL)
		return false;
	hash_update(h, c->text.data, c->text.len);
	ok = hash_finish(h, c->sha256, c->md5, err);
	hash_free(h);
	return ok;
}

static void
choose_headers(struct file_content *c, const char *key,
    const struct buf *sample)
{
	const struct spaceferry_options *o = c->worker->files->job->options;

	media_type_of(c->worker->media, key, sample->data, sample->len,
	    &c->media);
	c->headers.content_type = c->media.content_type;
	c->headers.cache_control = o->cache_control;
	c->headers.content_disposition = media_type_disposition(&c->media,
	    o->content_disposition);
}

static bool
prepare(struct file_content *c, const char *key, struct err *err)
{
	const struct job *job = c->worker->files->job;
	bool is_text = rewrites_text(job, key), ok;
	struct buf sample, text;

	buf_init(&sample, MEDIA_TYPE_SAMPLE);
	buf_init(&text, FILE_CONTENT_TEXT_MAX);
	c->has_md5 = is_text || !is_known(c);
	ok = c->has_md5 ? scan(c, &sample, is_text ? &text : NULL, err) &&
	    (!is_text || rewrite_text(c, &text, err)) :
	    take_known(c, &sample, err);
	if (ok && c->worker->media != NULL)
		choose_headers(c, key, &sample);
	buf_free(&sample);
	buf_free(&text);
	return ok;
}

bool
file_content_open(struct file_content *c, struct file_worker *w,
    const struct file_item *item, struct err *err)
{

	memset(c, 0, sizeof(*c));
	c->worker = w;
	buf_init(&c->text, 2 * FILE_CONTENT_TEXT_MAX);
	c->file = store_file_open(w->source, item->key, &c->source, err);
	if (c->file == NULL) {
		c->source_failed = true;
		return false;
	}
	c->source.key = item->key;
	c->body.size = c->source.size;
	c->body.read = read_file;
	c->body.arg = c;
	if (prepare(c, item->key, err))
		return true;
	file_content_close(c);
	return false;
}

void
file_content_close(struct file_content *c)
{

	store_file_close(c->file);
	c->file = NULL;
	buf_free(&c->text);
}

bool
file_content_unchanged(struct file_content *c, struct err *err)
{

	if (store_file_unchanged(c->file, err))
		return true;
	c->source_failed = true;
	return false;
}

static void
hash_str(struct hash *h, const char *s)
{

	hash_update(h, s != NULL ? s : "", s != NULL ? strlen(s) : 0);
	hash_update(h, "", 1);
}

void
file_content_policy(const struct job *job, const char *key, char out[24])
{
	const struct spaceferry_options *o = job->options;
	uint8_t digest[HASH_SHA256_SIZE];
	struct err ignored;
	struct hash *h;
	size_t i;

	memset(out, 0, 24);
	if ((h = hash_new(false, &ignored)) == NULL)
		return;
	hash_str(h, o->cache_control);
	hash_str(h, o->content_disposition);
	for (i = 0; rewrites_text(job, key) && i < o->n_rewrite; i++) {
		hash_str(h, o->rewrite[i].from);
		hash_str(h, o->rewrite[i].to);
	}
	for (i = 0; rewrites_text(job, key) && i < o->n_files; i++) {
		hash_str(h, o->files[i].url.from);
		hash_str(h, o->files[i].url.to);
	}
	if (hash_finish(h, digest, NULL, NULL))
		hash_hex(digest, 8, out);
	hash_free(h);
}

struct hashing {
	struct hash *h;
	uint64_t size;
};

static bool
hash_piece(void *arg, const void *data, size_t len, struct err *err)
{
	struct hashing *x = arg;

	hash_update(x->h, data, len);
	x->size += len;
	return cancel_requested() ? cancel_err(err) : true;
}

bool
file_content_hash_object(struct store_session *s, const char *key,
    uint8_t sha256[HASH_SHA256_SIZE], uint64_t *size, struct err *err)
{
	struct hashing x = { NULL, 0 };
	struct store_object o;
	bool ok;

	if ((x.h = hash_new(false, err)) == NULL)
		return false;
	ok = store_get(s, key, &o, hash_piece, &x, err);
	ok = hash_finish(x.h, sha256, NULL, ok ? err : NULL) && ok;
	*size = x.size;
	hash_free(x.h);
	return ok;
}
