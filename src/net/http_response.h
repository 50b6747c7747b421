/*
 * The answer's side of net/http: how http.c fills a struct http_response while
 * libcurl hands out header lines.  For src/net only.
 */
#ifndef NET_HTTP_RESPONSE_H
#define NET_HTTP_RESPONSE_H

#include "net/http.h"

#define HTTP_HEADER_LINE_MAX ((size_t)16 << 10)

/* Forgets the answer, keeps the storage. */
void http_response_reset(struct http_response *r);

/* Keeps one header line as "name: value\n", the name in lower case and the
 * value trimmed.  Lines that are no header or do not fit are passed over. */
void http_response_keep(struct http_response *r, const char *line, size_t len);

/* Fills retry_after_ms from Retry-After, in seconds or as a date. */
void http_response_retry_after(struct http_response *r);

/* The host and port of url, cut if too long, without user and password. */
void http_host_of(const char *url, char *out, size_t out_size);

#endif
