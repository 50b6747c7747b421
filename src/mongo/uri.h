/*
 * Connection strings: what is wrong with one, in words that do not quote the
 * password; what is set where it says nothing; how it is printed.
 *
 * Inside mongo/ only.  Pure but for uri_is_local(), which asks this machine's
 * name; thread-safe.
 */
#ifndef MONGO_URI_H
#define MONGO_URI_H

#include <stdbool.h>
#include <stddef.h>

#include <mongoc/mongoc.h>

#include "base/err.h"
#include "mongo/client.h"

/* False with ERR_URI for the mistakes that people make: another scheme,
 * unescaped characters in user or password, a placeholder left in, an SRV name
 * with a port or with too few labels. */
bool uri_check(const char *text, struct err *err);

/* Parses text, which passed uri_check(), and sets what it leaves open:
 * application name, pool size, timeouts, compression.  NULL with *err. */
mongoc_uri_t *uri_parse(const char *text, const struct mongo_options *options,
    struct err *err);

/* True when a host is this machine: compression would only cost time. */
bool uri_is_local(const mongoc_uri_t *uri);

/* Hosts, "name:port", lower case, sorted, with commas between them; "srv:name"
 * for an SRV URI.  The caller frees it; NULL when out of memory. */
char *uri_hosts(const mongoc_uri_t *uri);

/* mongo_redact(), as client.h says. */
void uri_redact(const char *text, char *out, size_t out_size);

#endif
