/*
 * AWS Signature Version 4 in the Authorization header, as S3 wants it: the path
 * encoded once, the query encoded then sorted.  libcurl's own signer differs
 * from release to release in just these points, so requests are signed here.
 *
 * Source of the algorithm: "Authenticating Requests (AWS Signature Version 4)"
 * in the Amazon S3 API Reference.
 */
#ifndef STORE_SIGV4_H
#define STORE_SIGV4_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "base/buf.h"
#include "base/err.h"
#include "net/http.h"

/* "20150830T123600Z" and its NUL. */
#define SIGV4_DATE_SIZE 17

/* Who signs, and for what. */
struct sigv4_scope {
	const char *access_key;
	const char *secret_key;
	const char *region;
	const char *service;	/* "s3" */
};

struct sigv4_param {
	const char *name;
	const char *value;	/* "" is written as "name=" */
};

struct sigv4_request {
	const char *method;
	const char *path;	/* encoded, from '/' on: as it is sent */
	const char *query;	/* from sigv4_query(), "" for none */
	const char *date;	/* from sigv4_date(); also a header x-amz-date */
	const char *payload;	/* SHA-256 of the body in hex */
	const struct http_header *headers; /* all are signed; Host is one */
	size_t n_headers;	/* at most SIGV4_HEADERS_MAX */
};

#define SIGV4_HEADERS_MAX 24

void sigv4_date(time_t when, char out[SIGV4_DATE_SIZE]);

/* Appends text with everything percent-encoded but A-Z a-z 0-9 - . _ ~ and, in
 * a path, '/'.  False when out is full or memory is out, as below. */
bool sigv4_encode(struct buf *out, const char *text, bool path);

/* Appends the canonical query: what is sent after '?' and what is signed. */
bool sigv4_query(struct buf *out, const struct sigv4_param *params, size_t n);

/* Appends the canonical request (for tests, and for the next function). */
bool sigv4_canonical(struct buf *out, const struct sigv4_request *request);

/* Appends the value of the Authorization header.  False with *err. */
bool sigv4_sign(const struct sigv4_scope *scope,
    const struct sigv4_request *request, struct buf *out, struct err *err);

#endif
