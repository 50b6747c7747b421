#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"

static const char *const kind_names[ERR_KINDS] = {
	[ERR_NONE] = "none",
	[ERR_USAGE] = "usage",
	[ERR_CONFIG] = "config",
	[ERR_URI] = "uri",
	[ERR_RULE] = "rule",
	[ERR_DNS] = "dns",
	[ERR_AUTH] = "auth",
	[ERR_DENIED] = "denied",
	[ERR_NOT_FOUND] = "not_found",
	[ERR_CONFLICT] = "conflict",
	[ERR_SAME] = "same",
	[ERR_DAMAGED] = "damaged",
	[ERR_TOO_LARGE] = "too_large",
	[ERR_UNSUPPORTED] = "unsupported",
	[ERR_NETWORK] = "network",
	[ERR_NOT_PRIMARY] = "not_primary",
	[ERR_THROTTLED] = "throttled",
	[ERR_QUOTA] = "quota",
	[ERR_DISK] = "disk",
	[ERR_LOCKED] = "locked",
	[ERR_CANCELLED] = "interrupted",
	[ERR_NOMEM] = "nomem",
	[ERR_INTERNAL] = "internal",
	[ERR_REFUSED] = "refused",
	[ERR_CHANGED] = "changed",
	[ERR_DIFFERS] = "differs",
};

/* Errors may quote what a server or a file name said: keep them on one line. */
static void
one_line(char *s)
{

	for (; *s != '\0'; s++) {
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			*s = ' ';
	}
}

void
err_clear(struct err *e)
{

	if (e == NULL)
		return;
	e->kind = ERR_NONE;
	e->code = 0;
	e->message[0] = '\0';
	e->hint[0] = '\0';
}

/* Formatted aside: a message may be made of the one before it. */
static void
set_va(struct err *e, enum err_kind kind, const char *fmt, va_list ap)
{
	char message[sizeof(e->message)];

	vsnprintf(message, sizeof(message), fmt, ap);
	one_line(message);
	err_clear(e);
	e->kind = kind;
	memcpy(e->message, message, strlen(message) + 1);
}

bool
err_set(struct err *e, enum err_kind kind, const char *fmt, ...)
{
	va_list ap;

	if (e == NULL)
		return false;
	va_start(ap, fmt);
	set_va(e, kind, fmt, ap);
	va_end(ap);
	return false;
}

static enum err_kind
kind_of_errno(enum err_kind kind, int errnum)
{

	switch (errnum) {
	case ENOSPC:
	case EDQUOT:
	case EROFS:
		return ERR_DISK;
	case EACCES:
	case EPERM:
		return ERR_DENIED;
	case ENOENT:
	case ENOTDIR:
		return ERR_NOT_FOUND;
	case ENOMEM:
		return ERR_NOMEM;
	default:
		return kind;
	}
}

static const char *
hint_of_errno(int errnum)
{

	switch (errnum) {
	case EROFS:
		return "make it writable";
	case EPIPE:
		return "see why the program behind the pipe ended";
	case ENOSPC:
	case EDQUOT:
	case EFBIG:
		return "make room there";
	default:
		return "mend that disk";
	}
}

bool
err_set_errno(struct err *e, enum err_kind kind, int errnum, const char *fmt, ...)
{
	char buffer[128];
	const char *reason;
	size_t used;
	va_list ap;

	if (e == NULL)
		return false;
	va_start(ap, fmt);
	set_va(e, kind_of_errno(kind, errnum), fmt, ap);
	va_end(ap);
	e->code = errnum;
	/* The GNU one: it returns the text, in buffer or elsewhere. */
	reason = strerror_r(errnum, buffer, sizeof(buffer));
	used = strlen(e->message);
	snprintf(e->message + used, sizeof(e->message) - used, ": %s", reason);
	if (e->kind == ERR_DISK)
		err_hint(e, "%s, then run the same command again",
		    hint_of_errno(errnum));
	return false;
}

bool
err_hint(struct err *e, const char *fmt, ...)
{
	char hint[sizeof(e->hint)];
	va_list ap;

	if (e == NULL)
		return false;
	va_start(ap, fmt);
	vsnprintf(hint, sizeof(hint), fmt, ap);
	va_end(ap);
	one_line(hint);
	memcpy(e->hint, hint, strlen(hint) + 1);
	return false;
}

bool
err_prefix(struct err *e, const char *fmt, ...)
{
	char old[sizeof(e->message)];
	size_t used;
	va_list ap;

	if (e == NULL)
		return false;
	memcpy(old, e->message, sizeof(old));
	va_start(ap, fmt);
	vsnprintf(e->message, sizeof(e->message), fmt, ap);
	va_end(ap);
	used = strlen(e->message);
	snprintf(e->message + used, sizeof(e->message) - used, ": %s", old);
	one_line(e->message);
	return false;
}

bool
err_nomem(struct err *e, const char *what)
{

	return err_set(e, ERR_NOMEM, "out of memory: %s", what);
}

bool
err_retryable(enum err_kind kind)
{

	return kind == ERR_NETWORK || kind == ERR_NOT_PRIMARY ||
	    kind == ERR_THROTTLED;
}

int
err_exit_status(enum err_kind kind, bool changed)
{

	switch (kind) {
	case ERR_NONE:
		return 0;
	case ERR_REFUSED:
	case ERR_CHANGED:
	case ERR_DIFFERS:
		return 1;
	case ERR_NETWORK:
	case ERR_NOT_PRIMARY:
	case ERR_THROTTLED:
	case ERR_QUOTA:
	case ERR_DISK:
	case ERR_LOCKED:
	case ERR_CANCELLED:
	case ERR_NOMEM:
	case ERR_INTERNAL:
		return 3;
	default:
		return changed ? 3 : 2;
	}
}

const char *
err_kind_name(enum err_kind kind)
{

	if ((unsigned)kind >= ERR_KINDS || kind_names[kind] == NULL)
		return "unknown";
	return kind_names[kind];
}
