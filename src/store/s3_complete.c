#include <stdio.h>
#include <string.h>

#include "store/s3_upload.h"
#include "store/xml.h"

#define COMPLETE_MAX ((size_t)4 << 20)

/* Escapes what an ETag may hold that XML may not. */
static bool
append_xml(struct buf *out, const char *text)
{
	bool ok = true;

	for (; ok && *text != '\0'; text++) {
		if (strchr("<>&\"'", *text) != NULL)
			ok = buf_printf(out, "&#%d;", *text);
		else
			ok = buf_append_byte(out, (uint8_t)*text);
	}
	return ok;
}

static bool
completion(const struct s3_upload *u, struct buf *out)
{
	unsigned i;

	if (!buf_append_str(out, "<CompleteMultipartUpload "
	    "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"))
		return false;
	for (i = 0; i < u->n_parts; i++) {
		if (!buf_printf(out, "<Part><PartNumber>%u</PartNumber><ETag>",
		    i + 1) || !append_xml(out, u->parts[i].etag) ||
		    !buf_append_str(out, "</ETag></Part>"))
			return false;
	}
	return buf_append_str(out, "</CompleteMultipartUpload>");
}

/* The body of a request that is in memory. */
struct text {
	const struct buf *buf;
	size_t at;
};

static bool
text_read(void *arg, void *data, size_t size, size_t *got, struct err *err)
{
	struct text *t = arg;

	(void)err;
	if (size > t->buf->len - t->at)
		size = t->buf->len - t->at;
	memcpy(data, t->buf->data + t->at, size);
	t->at += size;
	*got = size;
	return true;
}

static void
text_rewind(void *arg)
{
	struct text *t = arg;

	t->at = 0;
}

struct completed {
	bool ok;
	char etag[STORE_ETAG_MAX];
};

static bool
on_completed(void *arg, const char *parent, const char *name, const char *text,
    struct err *err)
{
	struct completed *c = arg;

	(void)err;
	if (*parent == '\0')
		c->ok = strcmp(name, "CompleteMultipartUploadResult") == 0;
	else if (strcmp(parent, "CompleteMultipartUploadResult") == 0 &&
	    strcmp(name, "ETag") == 0 && strlen(text) < STORE_ETAG_MAX)
		memcpy(c->etag, text, strlen(text) + 1);
	return true;
}

/* One try.  A 200 may still hold an error: the answer begins before the work
 * is done. */
static bool
try_complete(struct s3_upload *u, const struct s3_request *r, char *etag,
    struct err *err)
{
	struct http_response *response = &u->ss->response;
	struct completed c = { .ok = false };
	const char *text;
	size_t space;

	if (!s3_send_once(u->ss, r, err))
		return false;
	if (response->status != 200)
		return s3_error(u->ss, r, err);
	if ((text = buf_str(&response->body)) == NULL)
		return err_nomem(err, "answer");
	/* White space keeps the connection awake while the work is done. */
	space = strspn(text, " \r\n\t");
	if (xml_parse(text + space, response->body.len - space, on_completed,
	    &c, err) && c.ok) {
		memcpy(etag, c.etag, sizeof(c.etag));
		return true;
	}
	/* The status says nothing here; an unknown error is worth a retry. */
	response->status = 500;
	return s3_error(u->ss, r, err);
}

/* What most stores make of parts whose ETags are MD5s: the MD5 of those, and
 * their number.  False when one is no MD5. */
static bool
expected_etag(const struct s3_upload *u, char out[STORE_ETAG_MAX])
{
	uint8_t digest[HASH_SHA256_SIZE], md5[HASH_MD5_SIZE];
	char hex[2 * HASH_MD5_SIZE + 1];
	struct hash *h;
	unsigned i;
	bool ok = true;

	if ((h = hash_new(true, NULL)) == NULL)
		return false;
	for (i = 0; ok && i < u->n_parts; i++) {
		if ((ok = s3_etag_md5(u->parts[i].etag, md5)))
			hash_update(h, md5, sizeof(md5));
	}
	ok = hash_finish(h, digest, md5, NULL) && ok;
	hash_free(h);
	hash_hex(md5, sizeof(md5), hex);
	snprintf(out, STORE_ETAG_MAX, "\"%s-%u\"", hex, u->n_parts);
	return ok;
}

/* A completion whose answer was lost may have been done all the same: by us
 * when likely says so, or by libcurl, which repeats what it sent into a dead
 * connection. */
static bool
is_there(struct s3_upload *u, bool likely, char *etag)
{
	struct store_object o = { .key = u->put->key };
	char expected[STORE_ETAG_MAX], number[16];
	const char *dash;
	struct err ignored;

	if (s3_head(&u->ss->base, u->put->key, &o, &ignored) != STORE_FOUND ||
	    o.size != u->put->body.size)
		return false;
	memcpy(etag, o.etag, sizeof(o.etag));
	if (expected_etag(u, expected))
		return strcmp(o.etag, expected) == 0;
	snprintf(number, sizeof(number), "-%u", u->n_parts);
	dash = strrchr(o.etag, '-');
	return likely && dash != NULL &&
	    strncmp(dash, number, strlen(number)) == 0;
}

bool
s3_complete(struct s3_upload *u, char *etag, struct err *err)
{
	const struct sigv4_param params[] = { { "uploadId", u->id } };
	struct buf body;
	struct text text = { .buf = &body };
	uint8_t sha256[HASH_SHA256_SIZE];
	struct s3_request request = { .method = "POST", .key = u->put->key,
		.what = "cannot finish the upload of", .params = params,
		.n_params = 1, .sha256 = sha256, .read = text_read,
		.rewind = text_rewind, .read_arg = &text };
	struct retry retry;
	bool ok = false, unsure = false;

	buf_init(&body, COMPLETE_MAX);
	if (!completion(u, &body) ||
	    !hash_sha256(body.data, body.len, sha256)) {
		err_nomem(err, "list of parts");
		goto out;
	}
	request.body_size = body.len;
	s3_retry_init(u->ss, &retry);
	while (!(ok = try_complete(u, &request, etag, err))) {
		u->lost = strcmp(u->ss->code, "NoSuchUpload") == 0;
		if (u->lost && (ok = is_there(u, unsure, etag)))
			break;
		unsure = unsure || err_retryable(err->kind);
		if (!s3_retry(u->ss, &retry, err))
			break;
		text.at = 0;
	}
	if (ok)
		retry_reset(&retry);
	retry_end(&retry);
out:
	buf_free(&body);
	return ok;
}
