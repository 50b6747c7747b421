/*
 * SIGINT, SIGTERM and SIGHUP ask the running job to stop; a second one ends the
 * program at once with status 3.  SIGPIPE is ignored: a reader who leaves shows
 * as a failed write.
 */
#ifndef CLI_SIGNALS_H
#define CLI_SIGNALS_H

#include <stddef.h>

/* Installs the handlers; stop is called from them and must be async-signal-
 * safe.  Signals that were ignored (nohup) stay so.  Before threads start. */
void signals_install(void (*stop)(void));

/* What a second signal writes to fd before it ends the program, len bytes,
 * which must live as long as the process; len 0 for nothing. */
void signals_last_words(int fd, const char *text, size_t len);

/* How many have come: whoever draws on the terminal sees that a line was
 * written across the drawing. */
int signals_seen(void);

#endif
