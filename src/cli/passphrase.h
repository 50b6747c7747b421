/*
 * Passphrases of identity files: from SPACEFERRY_PASSPHRASE, else asked for on the
 * terminal, without showing what is typed.  Never from argv.
 *
 * Order: passphrase_init() at the start, passphrase_get() any number of times, one
 * at a time, passphrase_free().
 */
#ifndef CLI_PASSPHRASE_H
#define CLI_PASSPHRASE_H

#include <stdbool.h>
#include <stddef.h>

#define PASSPHRASE_VARIABLE "SPACEFERRY_PASSPHRASE"

struct passphrase {
	char *text;		/* of the environment; NULL: there was none */
};

/* Takes the variable out of the environment, and wipes what stood there: others
 * cannot read it in /proc, and no child inherits it. */
void passphrase_init(struct passphrase *p);
void passphrase_free(struct passphrase *p);	/* wiped */

/* The passphrase of what (a file) as a C string in out, which the caller wipes
 * out.  Waits for somebody to type it.  False, with out all zero, when there is no
 * terminal, nothing was typed, it does not fit, or a stop was requested. */
bool passphrase_get(const struct passphrase *p, const char *what, char *out,
    size_t size);

#endif
