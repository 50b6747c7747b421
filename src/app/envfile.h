/*
 * An app's environment as a file has it: NAME=VALUE lines as dotenv reads them
 * (Next.js, docker compose), or NUL-terminated records as `env -0` and
 * /proc/PID/environ give them.
 *
 * dotenv: `export` before a name, quotes of three kinds, each over several
 * lines, \n and \r inside double ones, '#' begins a comment outside quotes.
 * $NAME in a value stays as it is.  Values may be secrets: they are overwritten
 * when freed and must not reach a message.
 */
#ifndef APP_ENVFILE_H
#define APP_ENVFILE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct envfile_variable {
	char *name;
	char *value;
	unsigned line;		/* from 1; of NUL-separated ones the ordinal */
	bool cut;		/* ended by a '#' that no white space precedes:
				 * other readers take it for part of the value */
};

struct envfile {
	struct envfile_variable *variable; /* in their order */
	size_t n;
	size_t bad;		/* lines that are no NAME=VALUE */
	unsigned bad_line;	/* the first of them */
};

/* Fills *e, to be freed in any case.  False only when out of memory. */
bool envfile_parse(struct envfile *e, const char *text, size_t len,
    struct err *err);
void envfile_free(struct envfile *e);	/* also empties it */

/* The last one of that name, as programs see it; NULL. */
const struct envfile_variable *envfile_get(const struct envfile *e,
    const char *name);

#endif
