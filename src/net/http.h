/*
 * One HTTP request and its answer, streamed, with the errors of the network
 * told apart.  Whoever speaks a protocol on top (S3, the Hub) builds headers
 * and reads status and body; nothing here knows any protocol.
 *
 * A struct http is one connection cache for one thread at a time; make one per
 * worker.  http_global_init() comes before the first, before threads start.
 */
#ifndef NET_HTTP_H
#define NET_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

struct http;

/* Fills up to size bytes of the request body; 0 bytes is the end.  False
 * aborts with *err. */
typedef bool http_read_fn(void *arg, void *data, size_t size, size_t *got,
    struct err *err);

/* The next read starts at the first byte again: a kept connection turned out
 * to be dead after some of the body had gone. */
typedef void http_rewind_fn(void *arg);

/* Takes len bytes of the answer's body; response's status and headers are
 * filled before the first call.  False aborts with *err. */
typedef bool http_write_fn(void *arg, const void *data, size_t len,
    struct err *err);

struct http_header {
	const char *name;	/* compared without case */
	const char *value;
};

struct http_request {
	const char *method;	/* "GET", "PUT", … */
	const char *url;	/* complete, percent-encoded; sent as it is */
	const struct http_header *headers;
	size_t n_headers;
	http_read_fn *read;	/* request body, NULL for none */
	http_rewind_fn *rewind;	/* NULL: that case is an ERR_NETWORK */
	void *read_arg;		/* for read and rewind */
	uint64_t body_size;	/* exact size in bytes when read is not NULL */
	http_write_fn *write;	/* takes the body of a 2xx answer; NULL: it goes
				 * to response.body, and may not pass its max */
	void *write_arg;
};

struct http_response {
	long status;		/* 0 when no answer came */
	struct buf body;	/* of answers not given to write, at most 1 MiB;
				 * longer ones are cut unless the status is 2xx */
	struct buf headers;	/* "name: value\n" lines, names lower case */
	uint64_t retry_after_ms; /* from Retry-After, 0 if absent */
};

struct http_options {
	uint64_t low_speed_seconds; /* give up when nothing moves for so long; 0:
				 * never */
	uint64_t connect_timeout_ms; /* 0: 30 s */
	uint64_t bytes_per_second; /* 0: no limit */
	bool despite_cancel;	/* requests go on when a stop is requested */
};

/* libcurl's global set-up, before threads; again does nothing.  False when it
 * fails. */
bool http_global_init(struct err *err);

struct http *http_new(const struct http_options *options, struct err *err);
void http_free(struct http *h);		/* NULL is allowed */

/* Sends one request and waits for the whole answer (an error status counts even
 * when its body is cut short).  Never follows redirects, never retries.  True
 * when an answer came, whatever its status; false with ERR_DNS, ERR_NETWORK,
 * ERR_DENIED (a certificate that does not hold), ERR_URI, ERR_CANCELLED or what
 * a callback set.  Host:, Expect: and Content-Length: are taken care of;
 * proxies come from the environment as libcurl reads it, trusted authorities
 * from SSL_CERT_FILE if it is set.  Messages name the
 * host, never path or query.  response must have been set up with
 * http_response_init; it is reset first. */
bool http_perform(struct http *h, const struct http_request *request,
    struct http_response *response, struct err *err);

void http_response_init(struct http_response *r);
void http_response_free(struct http_response *r);

/* The value of a header of the answer (the first of that name) into out; false
 * when absent or longer than out_size. */
bool http_response_header(struct http_response *r, const char *name, char *out,
    size_t out_size);

/* Appends to out, as a C string, the URL that a Location: header in the answer
 * from base means.  False with ERR_UNSUPPORTED when it is no http or https URL,
 * or would go on without TLS where base had it. */
bool http_redirect(const char *base, const char *location, struct buf *out,
    struct err *err);

#endif
