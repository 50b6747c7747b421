/*
 * An app's package.json: what it depends on and how it is built and started.
 */
#ifndef APP_PACKAGE_H
#define APP_PACKAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "app/span.h"
#include "base/err.h"

struct package;

/* NULL with *err (ERR_DAMAGED naming the line, ERR_NOMEM). */
struct package *package_parse(const char *text, size_t len, struct err *err);
void package_free(struct package *p);	/* NULL is allowed */

/* True when the package of that name is a dependency of any kind, or only its
 * types are (@types/name). */
bool package_has(const struct package *p, struct span name);

/* The version asked for, NULL when it is no dependency.  Lives as long as p. */
const char *package_version(const struct package *p, const char *name);

/* A script's text; NULL. */
const char *package_script(const struct package *p, const char *name);

#endif
