/*
 * Tells a monitor how a backup goes, as healthchecks.io and its like take it: a
 * POST to URL/start, then to URL, or to URL/fail.  Who knows the URL can speak
 * for us: it is in no message (its host is).
 */
#ifndef BACKUP_PING_H
#define BACKUP_PING_H

#include <stdbool.h>

#include "base/err.h"

enum ping_event { PING_START, PING_SUCCESS, PING_FAILURE };

/* Sends text (a line; may be "").  Blocks for at most about half a minute; a stop
 * that was requested does not keep it back.  False with *err when no answer came,
 * or one that is no 2xx. */
bool ping_send(const char *url, enum ping_event event, const char *text,
    struct err *err);

#endif
