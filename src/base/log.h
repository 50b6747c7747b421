/*
 * What happens while a job runs is told here, whatever the layer; cli/ decides
 * where and how it is shown.  Nothing below cli/ writes to a terminal.
 *
 * The handler is one of the program's three globals (with the cancel flag and
 * base/retry's list of who waits): it is set once, before any thread starts.
 * Handlers are called from any thread, one call at a time.  Messages must not
 * hold secrets.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARNING };

/* Receives one line without a newline; valid during the call only. */
typedef void log_handler_fn(enum log_level level, const char *line, void *arg);

/* Messages below least are dropped.  Without a handler all are. */
void log_set_handler(log_handler_fn *handler, void *arg, enum log_level least);

void log_debug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_warning(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
