#include <stdlib.h>
#include <string.h>

#include "base/cancel.h"
#include "store/s3.h"

bool
s3_body_read(void *arg, void *data, size_t size, size_t *got, struct err *err)
{
	struct s3_body *b = arg;
	uint64_t left = b->size - b->at, now;

	if (size > left)
		size = (size_t)left;
	*got = 0;
	if (size == 0)
		return true;
	if (!b->put->body.read(b->put->body.arg, b->start + b->at, data, size,
	    err))
		return false;
	b->at += size;
	*got = size;
	/* What is sent again is not told again. */
	now = b->start + b->at;
	if (now > *b->told) {
		if (b->put->sent != NULL)
			b->put->sent(b->put->arg, now - *b->told);
		*b->told = now;
	}
	return true;
}

void
s3_body_rewind(void *arg)
{
	struct s3_body *b = arg;

	b->at = 0;
}

bool
s3_body_hash(const struct s3_body *b, struct hash *whole,
    uint8_t sha256[HASH_SHA256_SIZE], uint8_t md5[HASH_MD5_SIZE],
    struct err *err)
{
	struct hash *h;
	uint8_t *data;
	uint64_t at, n;
	bool ok = false;

	if ((h = hash_new(true, err)) == NULL)
		return false;
	if ((data = malloc(S3_BLOCK)) == NULL) {
		err_nomem(err, b->put->key);
		goto out;
	}
	for (at = 0; at < b->size; at += n) {
		n = b->size - at < S3_BLOCK ? b->size - at : S3_BLOCK;
		if (cancel_requested()) {
			cancel_err(err);
			goto out;
		}
		if (!b->put->body.read(b->put->body.arg, b->start + at, data,
		    (size_t)n, err))
			goto out;
		hash_update(h, data, (size_t)n);
		if (whole != NULL)
			hash_update(whole, data, (size_t)n);
	}
	ok = hash_finish(h, sha256, md5, err);
out:
	free(data);
	hash_free(h);
	return ok;
}

static size_t
add_header(struct http_header *headers, size_t n, const char *name,
    const char *value)
{

	if (value == NULL)
		return n;
	headers[n].name = name;
	headers[n].value = value;
	return n + 1;
}

size_t
s3_serving_headers(const struct store_put *put,
    struct http_header headers[S3_HEADERS_MAX])
{
	const struct store_headers *h = &put->headers;
	size_t n = 0;

	n = add_header(headers, n, "Content-Type", h->content_type);
	n = add_header(headers, n, "Cache-Control", h->cache_control);
	n = add_header(headers, n, "Content-Disposition",
	    h->content_disposition);
	return add_header(headers, n, "Content-Encoding", h->content_encoding);
}

static bool
is_conditional(const struct store_put *put)
{

	return put->create_only ||
	    (put->if_match != NULL && *put->if_match != '\0');
}

/* An object that should be replaced and is gone answers 404. */
static bool
explain_condition(const struct s3_session *ss, const struct store_put *put,
    struct err *err)
{

	if (err->code != 412 &&
	    (err->code != 404 || strcmp(ss->code, "NoSuchKey") != 0))
		return false;
	err_set(err, ERR_CONFLICT, "%s/%s: %s", ss->base.store->name, put->key,
	    put->create_only ? "is there already" :
	    "is no longer what it was");
	err->code = 412;
	return false;
}

static bool
put_single(struct s3_session *ss, const struct store_put *put, char *etag,
    struct err *err)
{
	char md5_text[4 * ((HASH_MD5_SIZE + 2) / 3) + 1];
	uint8_t sha256[HASH_SHA256_SIZE], md5[HASH_MD5_SIZE];
	struct http_header headers[S3_HEADERS_MAX];
	uint64_t told = 0;
	struct s3_body body = { .put = put, .size = put->body.size,
		.told = &told };
	struct s3_request request = { .method = "PUT", .key = put->key,
		.what = "cannot write", .headers = headers,
		.read = s3_body_read, .rewind = s3_body_rewind,
		.read_arg = &body, .body_size = body.size };

	if ((put->sha256 == NULL || put->md5 == NULL) &&
	    !s3_body_hash(&body, NULL, sha256, md5, err))
		return false;
	if (put->sha256 != NULL)
		memcpy(sha256, put->sha256, sizeof(sha256));
	if (put->md5 != NULL)
		memcpy(md5, put->md5, sizeof(md5));
	hash_base64(md5, sizeof(md5), md5_text);
	request.sha256 = sha256;
	request.n_headers = s3_serving_headers(put, headers);
	request.n_headers = add_header(headers, request.n_headers,
	    "Content-MD5", md5_text);
	if (put->create_only)
		request.n_headers = add_header(headers, request.n_headers,
		    "If-None-Match", "*");
	else if (put->if_match != NULL && *put->if_match != '\0')
		request.n_headers = add_header(headers, request.n_headers,
		    "If-Match", put->if_match);
	if (!s3_send(ss, &request, err))
		return is_conditional(put) ? explain_condition(ss, put, err) :
		    false;
	s3_etag(ss, etag);
	return true;
}

bool
s3_put(struct store_session *session, const struct store_put *put, char *etag,
    struct err *err)
{
	struct s3_session *ss = (struct s3_session *)session;

	etag[0] = '\0';
	if (put->body.size > S3_SINGLE_MAX || put->in_parts)
		return s3_put_multipart(ss, put, etag, err);
	return put_single(ss, put, etag, err);
}
