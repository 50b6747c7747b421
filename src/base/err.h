/*
 * Errors are values.  A function that can fail returns false (or NULL) and
 * fills the struct err it was given; callers add context on the way up; main
 * prints it once.  The kind decides the exit status and whether a retry makes
 * sense, so it is chosen where the cause is known and never changed later.
 *
 * A struct err owns no memory: it may be copied, and needs no clean-up.  It is
 * not shared between threads.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stdbool.h>
#include <stddef.h>

enum err_kind {
	ERR_NONE = 0,
	/* Only a person can mend these: exit 2 while nothing was changed. */
	ERR_USAGE,		/* command line */
	ERR_CONFIG,		/* config file */
	ERR_URI,		/* malformed end, store or URL */
	ERR_RULE,		/* rewrite rule */
	ERR_DNS,		/* name does not resolve */
	ERR_AUTH,		/* wrong user, password, key or signature */
	ERR_DENIED,		/* right missing, permission denied */
	ERR_NOT_FOUND,		/* bucket, folder, file, database missing */
	ERR_CONFLICT,		/* target not empty, keys collide */
	ERR_SAME,		/* source and target are the same */
	ERR_DAMAGED,		/* damaged input */
	ERR_TOO_LARGE,		/* does not fit */
	ERR_UNSUPPORTED,	/* the server or store cannot do this */
	/* Worth trying again, for as long as the patience lasts. */
	ERR_NETWORK,		/* unreachable, reset, timed out */
	ERR_NOT_PRIMARY,	/* election, shutdown in progress */
	ERR_THROTTLED,		/* 429, 503, slow down */
	/* Stop; the same command resumes once the cause is gone. */
	ERR_QUOTA,		/* target over its quota */
	ERR_DISK,		/* local disk full or failing */
	ERR_LOCKED,		/* another run holds the state */
	ERR_CANCELLED,		/* interrupted, or another stage failed */
	ERR_NOMEM,
	ERR_INTERNAL,		/* a bug: our own invariant broke */
	/* Concerns one document or file; the run goes on. */
	ERR_REFUSED,		/* the server refused this document */
	ERR_CHANGED,		/* a file changed while it was read */
	ERR_DIFFERS,		/* verification found a difference */
	ERR_KINDS
};

struct err {
	enum err_kind kind;
	int code;		/* server's or OS's own code, 0 if none */
	char message[600];	/* one line, no newline at the end */
	char hint[400];		/* how to mend it; "" if there is nothing to say */
};

/* Forgets whatever e holds.  NULL is allowed everywhere in this header. */
void err_clear(struct err *e);

/* Sets kind and message (printf style, cut if too long), clears the hint and
 * the code.  Control characters become spaces: a message is one line.
 * Returns false always, so that it can be returned. */
bool err_set(struct err *e, enum err_kind kind, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* The same with ": strerror(errnum)" appended; code = errnum.  ENOSPC, EDQUOT,
 * EROFS become ERR_DISK (with a hint), EACCES and EPERM ERR_DENIED, ENOENT and ENOTDIR
 * ERR_NOT_FOUND, ENOMEM ERR_NOMEM, whatever kind says. */
bool err_set_errno(struct err *e, enum err_kind kind, int errnum,
    const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* Sets the hint of an error already set.  Returns false always. */
bool err_hint(struct err *e, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Puts "context: " before the message, keeping kind and hint.  Returns false
 * always. */
bool err_prefix(struct err *e, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Sets ERR_NOMEM for what.  Returns false always. */
bool err_nomem(struct err *e, const char *what);

/* True for the kinds that are worth trying again. */
bool err_retryable(enum err_kind kind);

/* The exit status of the program (design, section 3) for a run ended by an
 * error of this kind; changed says whether anything was changed before. */
int err_exit_status(enum err_kind kind, bool changed);

/* Stable lower-case name for --json ("not_found"); never NULL. */
const char *err_kind_name(enum err_kind kind);

#endif
