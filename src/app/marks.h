/*
 * Places in an app's code that behave otherwise on a host whose disk is not
 * kept, and which shows the app under another name, in a frame.  All of them
 * are guesses from the text.
 */
#ifndef APP_MARKS_H
#define APP_MARKS_H

#include <stdbool.h>
#include <stddef.h>

#include "app/span.h"

enum marks_kind {
	MARKS_DISK,		/* writes a file, not a temporary one */
	MARKS_TENANT,		/* takes a host of three labels for a tenant */
	MARKS_FRAME,		/* forbids that it is shown in a frame */
	MARKS_COOKIE_SAME_SITE,	/* a cookie that a frame does not get */
	MARKS_COOKIE_INSECURE,	/* one that goes without TLS, or is dropped */
	MARKS_COOKIE_SCRIPT,	/* one that scripts may read */
	MARKS_LOCALHOST,	/* a URL of this machine */
	MARKS_KINDS
};

/* what: a word or two of what stands there, a string literal. */
typedef bool marks_fn(void *arg, enum marks_kind kind, const char *what,
    const char *at);

/* Calls fn for each mark in the text of a source file, which jscode_strip() has
 * gone over.  False when fn said so. */
bool marks_scan(struct span text, marks_fn *fn, void *arg);

/* True when path is that of a route that tells the app's health. */
bool marks_is_health(const char *path);

/* True when the text of such a route asks a database. */
bool marks_asks_database(struct span text);

#endif
