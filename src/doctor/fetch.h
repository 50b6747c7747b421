/* One GET as a browser without credentials makes it: redirects are followed,
 * the beginning of the answer is kept. */
#ifndef DOCTOR_FETCH_H
#define DOCTOR_FETCH_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "base/buf.h"
#include "base/err.h"

#define DOCTOR_FETCH_KEPT ((size_t)64 * 1024)

struct doctor_fetched {
	long status;		/* of the last answer */
	long redirect;		/* of the first redirect; 0: there was none */
	char url[2048];		/* that gave the last answer */
	char type[128];		/* its Content-Type, "" without one */
	char cors[256];		/* its Access-Control-Allow-Origin, "" */
	struct buf body;	/* at most DOCTOR_FETCH_KEPT of it */
	uint64_t size;		/* of all of it */
	time_t date;		/* the server's clock; 0: it does not say */
};

/* origin: the page that asks, or NULL.  Gives up after 10 s in which nothing
 * moves.  False with *err where no answer came or a redirect leads nowhere
 * (ERR_UNSUPPORTED); doctor_fetch_free() is due in either case. */
bool doctor_fetch(const char *url, const char *origin,
    struct doctor_fetched *f, struct err *err);
void doctor_fetch_free(struct doctor_fetched *f);

/* base and key joined as --files-url means it, percent-encoded, https for a
 * base that begins with two slashes.  False when base is no whole URL (a path,
 * or with a $1), or out is full. */
bool doctor_fetch_join(struct buf *out, const char *base, const char *key);

#endif
