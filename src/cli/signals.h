/*
 * SIGINT, SIGTERM and SIGHUP ask the running job to stop; a second one ends the
 * program at once with status 3.  SIGPIPE is ignored: a reader who leaves shows
 * as a failed write.
 */
#ifndef CLI_SIGNALS_H
#define CLI_SIGNALS_H

/* Installs the handlers; stop is called from them and must be async-signal-
 * safe.  Signals that were ignored (nohup) stay so.  Before threads start. */
void signals_install(void (*stop)(void));

/* How many have come: whoever draws on the terminal sees that a line was
 * written across the drawing. */
int signals_seen(void);

#endif
