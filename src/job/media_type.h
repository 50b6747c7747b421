/*
 * How an uploaded file is to be served: its Content-Type from its contents
 * (never from what somebody called it alone), and a Content-Disposition that
 * keeps a user's HTML or SVG from running on the site's own host.
 *
 * One struct media_type per thread: libmagic is not thread-safe.
 */
#ifndef JOB_MEDIA_TYPE_H
#define JOB_MEDIA_TYPE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/* As many bytes of the beginning as are looked at, at most. */
#define MEDIA_TYPE_SAMPLE ((size_t)64 * 1024)

struct media_type;

struct media_type *media_type_new(struct err *err);
void media_type_free(struct media_type *m);	/* NULL is allowed */

struct media {
	char content_type[128];
	bool safe;	/* may be shown inline: it cannot run script */
};

/* Decides by the first len bytes of the file; among plain texts by the key's
 * extension (css, js, json, csv, md …).  What is not recognised is
 * application/octet-stream. */
void media_type_of(struct media_type *m, const char *key, const void *sample,
    size_t len, struct media *out);

/* The Content-Disposition for a file: policy is --content-disposition ("auto"
 * or NULL: attachment unless safe).  NULL: send none. */
const char *media_type_disposition(const struct media *m, const char *policy);

#endif
