#include <pthread.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include "base/log.h"

#define LINE_MAX_BYTES 2048

static struct {
	pthread_mutex_t lock;
	log_handler_fn *handler;
	void *arg;
	enum log_level least;
} state = { .lock = PTHREAD_MUTEX_INITIALIZER };

void
log_set_handler(log_handler_fn *handler, void *arg, enum log_level least)
{

	pthread_mutex_lock(&state.lock);
	state.handler = handler;
	state.arg = arg;
	state.least = least;
	pthread_mutex_unlock(&state.lock);
}

static void
log_va(enum log_level level, const char *fmt, va_list ap)
{
	char line[LINE_MAX_BYTES];

	vsnprintf(line, sizeof(line), fmt, ap);
	pthread_mutex_lock(&state.lock);
	if (state.handler != NULL && level >= state.least)
		state.handler(level, line, state.arg);
	pthread_mutex_unlock(&state.lock);
}

void
log_debug(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_va(LOG_DEBUG, fmt, ap);
	va_end(ap);
}

void
log_info(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_va(LOG_INFO, fmt, ap);
	va_end(ap);
}

void
log_warning(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_va(LOG_WARNING, fmt, ap);
	va_end(ap);
}
