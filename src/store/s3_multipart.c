/*
 * Large objects in equal parts, only the last one smaller (some providers
 * insist).  An upload is resumed by asking which parts are there; a part whose
 * size, and MD5 where the ETag is one, are right is not sent again.  Each part
 * is read twice, to digest it and to send it, so that none is held in memory.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "store/s3_upload.h"
#include "store/xml.h"

#define PART_DEFAULT ((uint64_t)8 << 20)
#define PARTS_MAX 9000

static bool
send_request(struct s3_upload *u, const struct s3_request *r, struct err *err)
{

	if (s3_send(u->ss, r, err))
		return true;
	if (strcmp(u->ss->code, "NoSuchUpload") == 0)
		u->lost = true;
	return false;
}

static bool
set_etag(struct s3_part *p, const char *etag)
{

	free(p->etag);
	return (p->etag = strdup(etag)) != NULL;
}

static bool
on_initiate(void *arg, const char *parent, const char *name, const char *text,
    struct err *err)
{
	struct s3_upload *u = arg;

	if (strcmp(parent, "InitiateMultipartUploadResult") != 0 ||
	    strcmp(name, "UploadId") != 0)
		return true;
	if (strlen(text) >= sizeof(u->id))
		return err_set(err, ERR_UNSUPPORTED, "too long an upload id");
	memcpy(u->id, text, strlen(text) + 1);
	return true;
}

static bool
start(struct s3_upload *u, struct err *err)
{
	const struct sigv4_param params[] = { { "uploads", "" } };
	struct http_header headers[S3_HEADERS_MAX];
	const struct s3_request request = { .method = "POST",
		.key = u->put->key, .what = "cannot start to upload",
		.params = params, .n_params = 1, .headers = headers,
		.n_headers = s3_serving_headers(u->put, headers) };
	const struct buf *body = &u->ss->response.body;

	u->id[0] = '\0';
	if (!send_request(u, &request, err))
		return false;
	if (!xml_parse(body->data, body->len, on_initiate, u, err) ||
	    u->id[0] == '\0')
		return err_set(err, ERR_UNSUPPORTED, "%s: the answer to the "
		    "start of a multipart upload holds no id",
		    u->ss->base.store->name);
	return u->put->upload_started == NULL ||
	    u->put->upload_started(u->put->arg, u->id, err);
}

/* ListParts, one page at a time. */
struct part_list {
	struct s3_upload *u;
	unsigned long number;
	uint64_t size;
	char etag[STORE_ETAG_MAX];
	bool truncated;
	char marker[32];
};

static bool
on_part(void *arg, const char *parent, const char *name, const char *text,
    struct err *err)
{
	struct part_list *l = arg;
	struct s3_part *p;

	if (strcmp(parent, "Part") == 0) {
		if (strcmp(name, "PartNumber") == 0)
			l->number = strtoul(text, NULL, 10);
		else if (strcmp(name, "Size") == 0)
			l->size = strtoull(text, NULL, 10);
		else if (strcmp(name, "ETag") == 0)
			snprintf(l->etag, sizeof(l->etag), "%s", text);
		return true;
	}
	if (strcmp(parent, "ListPartsResult") != 0)
		return true;
	if (strcmp(name, "IsTruncated") == 0) {
		l->truncated = strcmp(text, "true") == 0;
	} else if (strcmp(name, "NextPartNumberMarker") == 0) {
		snprintf(l->marker, sizeof(l->marker), "%s", text);
	} else if (strcmp(name, "Part") == 0 && l->number >= 1 &&
	    l->number <= l->u->n_parts) {
		p = &l->u->parts[l->number - 1];
		p->size = l->size;
		if (!set_etag(p, l->etag))
			return err_nomem(err, "parts");
	}
	return true;
}

/* Asks which parts are there. */
static bool
list_parts(struct s3_upload *u, struct err *err)
{
	struct part_list l = { .u = u, .marker = "0" };
	char asked[sizeof(l.marker)];
	const struct sigv4_param params[] = {
		{ "uploadId", u->id }, { "part-number-marker", asked },
	};
	const struct s3_request request = { .method = "GET",
		.key = u->put->key, .what = "cannot resume the upload of",
		.params = params, .n_params = 2 };
	const struct buf *body = &u->ss->response.body;

	do {
		memcpy(asked, l.marker, strlen(l.marker) + 1);
		l.truncated = false;
		if (!send_request(u, &request, err))
			return false;
		if (!xml_parse(body->data, body->len, on_part, &l, err)) {
			err->kind = ERR_UNSUPPORTED;
			return err_prefix(err, "%s: list of parts",
			    u->ss->base.store->name);
		}
	} while (l.truncated && strtoul(l.marker, NULL, 10) >
	    strtoul(asked, NULL, 10));
	return true;
}

bool
s3_etag_md5(const char *etag, uint8_t md5[HASH_MD5_SIZE])
{
	size_t quoted = *etag == '"', len = strcspn(etag + quoted, "\"");
	char bare[2 * HASH_MD5_SIZE + 1];

	if (len != sizeof(bare) - 1)
		return false;
	memcpy(bare, etag + quoted, len);
	bare[len] = '\0';
	return hash_unhex(bare, md5, HASH_MD5_SIZE);
}

/* An ETag that is an MD5 must be this one; others say nothing. */
static bool
etag_agrees(const char *etag, const uint8_t md5[HASH_MD5_SIZE])
{
	uint8_t stored[HASH_MD5_SIZE];

	return !s3_etag_md5(etag, stored) ||
	    memcmp(stored, md5, sizeof(stored)) == 0;
}

struct digests {
	uint8_t sha256[HASH_SHA256_SIZE], md5[HASH_MD5_SIZE];
};

static bool
send_part(struct s3_upload *u, unsigned i, struct s3_body *body,
    const struct digests *d, struct err *err)
{
	char number[16], md5_text[4 * ((HASH_MD5_SIZE + 2) / 3) + 1];
	char etag[STORE_ETAG_MAX];
	const struct sigv4_param params[] = {
		{ "partNumber", number }, { "uploadId", u->id },
	};
	const struct http_header headers[] = { { "Content-MD5", md5_text } };
	const struct s3_request request = { .method = "PUT",
		.key = u->put->key, .what = "cannot write a part of",
		.params = params, .n_params = 2, .headers = headers,
		.n_headers = 1, .sha256 = d->sha256, .read = s3_body_read,
		.rewind = s3_body_rewind, .read_arg = body,
		.body_size = body->size };

	snprintf(number, sizeof(number), "%u", i + 1);
	hash_base64(d->md5, sizeof(d->md5), md5_text);
	if (!send_request(u, &request, err))
		return false;
	s3_etag(u->ss, etag);
	if (etag[0] == '\0')
		return err_set(err, ERR_UNSUPPORTED, "%s: the answer to a part "
		    "has no ETag", u->ss->base.store->name);
	u->parts[i].size = body->size;
	return set_etag(&u->parts[i], etag) || err_nomem(err, "parts");
}

static bool
put_part(struct s3_upload *u, unsigned i, struct err *err)
{
	struct s3_body body = { .put = u->put, .told = &u->told,
		.start = i * u->part_size, .size = u->part_size };
	struct digests d;
	uint64_t end;

	if (body.size > u->put->body.size - body.start)
		body.size = u->put->body.size - body.start;
	if (!s3_body_hash(&body, u->whole, d.sha256, d.md5, err))
		return false;
	if (u->parts[i].size != body.size ||
	    !etag_agrees(u->parts[i].etag, d.md5))
		return send_part(u, i, &body, &d, err);
	end = body.start + body.size;
	if (u->put->sent != NULL)
		u->put->sent(u->put->arg, end - u->told);
	u->told = end;
	return true;
}

static bool
put_parts(struct s3_upload *u, struct err *err)
{
	uint8_t sha256[HASH_SHA256_SIZE];
	unsigned i;

	for (i = 0; i < u->n_parts; i++) {
		if (!put_part(u, i, err))
			return false;
	}
	if (!hash_finish(u->whole, sha256, NULL, err))
		return false;
	if (u->put->sha256 != NULL &&
	    memcmp(sha256, u->put->sha256, sizeof(sha256)) != 0)
		return err_set(err, ERR_CHANGED, "%s changed while it was "
		    "sent", u->put->key);
	return true;
}

/* Gives the parts up.  The error that led here is what counts. */
static void
abort_upload(struct s3_upload *u)
{
	const struct sigv4_param params[] = { { "uploadId", u->id } };
	const struct s3_request request = { .method = "DELETE",
		.key = u->put->key, .what = "cannot drop the upload of",
		.params = params, .n_params = 1 };
	struct err ignored;

	if (!s3_send(u->ss, &request, &ignored))
		log_debug("%s", ignored.message);
}

static bool
run(struct s3_upload *u, char *etag, struct err *err)
{

	if (!(u->resumed ? list_parts(u, err) : start(u, err)))
		return false;
	if (put_parts(u, err) && s3_complete(u, etag, err))
		return true;
	if (err->kind == ERR_CHANGED || err->kind == ERR_REFUSED ||
	    err->kind == ERR_DAMAGED || u->put->in_parts)
		abort_upload(u);
	return false;
}

static bool
init(struct s3_upload *u, struct s3_session *ss, const struct store_put *put,
    struct err *err)
{
	uint64_t least = ss->base.store->options.part_size;

	u->ss = ss;
	u->put = put;
	u->part_size = (put->body.size + PARTS_MAX - 1) / PARTS_MAX;
	if (least == 0)
		least = PART_DEFAULT;
	if (u->part_size < least)
		u->part_size = least;
	u->n_parts = (unsigned)((put->body.size + u->part_size - 1) /
	    u->part_size);
	if ((u->parts = calloc(u->n_parts, sizeof(*u->parts))) == NULL)
		return err_nomem(err, put->key);
	if ((u->whole = hash_new(false, err)) == NULL)
		return false;
	if (put->upload_id != NULL && *put->upload_id != '\0' &&
	    strlen(put->upload_id) < sizeof(u->id)) {
		memcpy(u->id, put->upload_id, strlen(put->upload_id) + 1);
		u->resumed = true;
	}
	return true;
}

static void
destroy(struct s3_upload *u)
{
	unsigned i;

	for (i = 0; u->parts != NULL && i < u->n_parts; i++)
		free(u->parts[i].etag);
	free(u->parts);
	hash_free(u->whole);
}

bool
s3_put_multipart(struct s3_session *ss, const struct store_put *put,
    char *etag, struct err *err)
{
	struct store_put again = *put;
	struct s3_upload u = { .n_parts = 0 };
	bool ok;

	ok = init(&u, ss, put, err) && run(&u, etag, err);
	if (!ok && u.lost && u.resumed) {
		/* It expired, or somebody dropped it: from the start. */
		destroy(&u);
		memset(&u, 0, sizeof(u));
		again.upload_id = NULL;
		ok = init(&u, ss, &again, err) && run(&u, etag, err);
	}
	destroy(&u);
	return ok;
}
