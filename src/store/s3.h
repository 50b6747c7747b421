/*
 * The S3 driver's inside.  What every provider understands, and nothing more:
 * path style, an endpoint that may have a path of its own, signatures in the
 * Authorization header over the body's real SHA-256, Content-MD5, ListObjectsV2.
 * Never checksum headers, ACLs, tags, chunked bodies.
 *
 * A request goes: struct s3_request -> s3_send(), which signs, sends, tries
 * again, and turns a bad status into an error (s3_error.c).  For src/store only.
 */
#ifndef STORE_S3_H
#define STORE_S3_H

#include "base/retry.h"
#include "net/http.h"
#include "store/driver.h"
#include "store/sigv4.h"

#define S3_PARAMS_MAX 8
#define S3_HEADERS_MAX 12
#define S3_SINGLE_MAX ((uint64_t)64 << 20) /* larger bodies go in parts */
#define S3_KEY_MAX 1024		/* bytes, prefix included */
#define S3_BLOCK ((size_t)256 << 10)

struct s3 {
	struct store base;
	char *scheme;		/* "http" or "https" */
	char *host;		/* with the port, unless it is the default one */
	char *path;		/* of the endpoint: "" or "/…", encoded */
	char *bucket;
	char *prefix;		/* "" or "…/" */
	char *access_key, *secret_key, *token; /* token may be NULL */
	char *region;
};

struct s3_session {
	struct store_session base;
	struct http *http;
	struct http_response response;	/* of the last request */
	char code[64];		/* S3's error code of the last one, or "" */
	bool redirected;	/* the last answer came from another host */
	char redirect_etag[STORE_ETAG_MAX]; /* as told before that, or "" */
};

struct s3_request {
	const char *method;
	const char *key;	/* NULL: the bucket itself */
	const char *what;	/* "cannot read", for messages */
	const struct sigv4_param *params;
	size_t n_params;
	const struct http_header *headers; /* signed with the others */
	size_t n_headers;	/* at most S3_HEADERS_MAX */
	const uint8_t *sha256;	/* of the body; NULL: there is none */
	http_read_fn *read;	/* the body; NULL for none */
	http_rewind_fn *rewind;	/* needed with read */
	void *read_arg;
	uint64_t body_size;
	http_write_fn *write;	/* for s3_send_once() only */
	void *write_arg;
};

/* Signs and sends once.  For GET and HEAD redirects are followed, at most five,
 * with no header but Range.  True when an answer came, whatever its status. */
bool s3_send_once(struct s3_session *ss, const struct s3_request *request,
    struct err *err);

/* Sends until it succeeds or there is no use in trying.  True on a 2xx, whose
 * body is in response.body.  False with *err; its code is the HTTP status, 0
 * when there was none. */
bool s3_send(struct s3_session *ss, const struct s3_request *request,
    struct err *err);

/* Reads the body of the last answer as an error, sets code and fills *err.
 * Returns false always. */
bool s3_error(struct s3_session *ss, const struct s3_request *request,
    struct err *err);

/* How often to look for something else before asking again: waits and returns
 * true when err is worth another try.  r is set up by s3_retry_init(). */
void s3_retry_init(const struct s3_session *ss, struct retry *r);
bool s3_retry(struct s3_session *ss, struct retry *r, struct err *err);

/* The ETag of the last answer; "" when absent or too long. */
void s3_etag(struct s3_session *ss, char out[STORE_ETAG_MAX]);

/* A part of a put's body as the body of a request. */
struct s3_body {
	const struct store_put *put;
	uint64_t start, size;	/* of the part */
	uint64_t at;		/* read so far, from start on */
	uint64_t *told;		/* told to put->sent so far, over all parts */
};

bool s3_body_read(void *arg, void *data, size_t size, size_t *got,
    struct err *err);
void s3_body_rewind(void *arg);

/* Reads the part and digests it; whole (may be NULL) is fed with it too. */
bool s3_body_hash(const struct s3_body *body, struct hash *whole,
    uint8_t sha256[HASH_SHA256_SIZE], uint8_t md5[HASH_MD5_SIZE],
    struct err *err);

/* Fills headers with how the object is to be served; returns how many. */
size_t s3_serving_headers(const struct store_put *put,
    struct http_header headers[S3_HEADERS_MAX]);

bool s3_put_multipart(struct s3_session *ss, const struct store_put *put,
    char *etag, struct err *err);

/* The rest of the driver's functions (driver.h). */
bool s3_list(struct store_session *ss, const char *under,
    const struct store_list_ops *ops, void *arg, struct err *err);
enum store_found s3_head(struct store_session *ss, const char *key,
    struct store_object *o, struct err *err);
bool s3_get(struct store_session *ss, const char *key, struct store_object *o,
    store_write_fn *write, void *arg, struct err *err);
bool s3_put(struct store_session *ss, const struct store_put *put, char *etag,
    struct err *err);
struct store_file *s3_file_open(struct store_session *ss, const char *key,
    struct store_object *o, struct err *err);
bool s3_file_read(struct store_file *f, uint64_t offset, void *data,
    size_t len, struct err *err);
bool s3_file_unchanged(struct store_file *f, struct err *err);
void s3_file_close(struct store_file *f);

#endif
