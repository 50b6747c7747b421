/*
 * What a next.config.* says that matters on another host, read as text:
 * computed values are not known.
 */
#ifndef APP_NEXTCONFIG_H
#define APP_NEXTCONFIG_H

#include <stdbool.h>
#include <stddef.h>

#include "app/span.h"
#include "base/glob.h"

struct nextconfig {
	bool images;		/* there is an images: {…} */
	bool unoptimized;	/* with unoptimized: true */
	struct strings host;	/* its remotePatterns' and domains' hosts */
	struct strings inlined;	/* the names in env: {…} */
	bool standalone;	/* output: 'standalone' */
};

/* Reads text that jscode_strip() has gone over.  *c is to be freed in any case.
 * False when out of memory. */
bool nextconfig_read(struct nextconfig *c, struct span text);
void nextconfig_free(struct nextconfig *c);

/* True when next/image would load from host: "*" stands for one label, "**" for
 * several. */
bool nextconfig_allows(const struct nextconfig *c, const char *host);

#endif
