/*
 * Where code reads its environment: process.env.NAME, process.env['NAME'],
 * import.meta.env.NAME, const { A, B: b, C = 'x' } = process.env.
 *
 * The text is one that jscode_strip() has gone over.
 */
#ifndef APP_ENVUSE_H
#define APP_ENVUSE_H

#include <stdbool.h>
#include <stddef.h>

#include "app/span.h"

struct envuse {
	struct span name;
	const char *at;		/* in the text */
	bool optional;		/* has a default, or is only compared */
	struct span fallback;	/* the literal that is its default; len 0 */
};

typedef bool envuse_fn(void *arg, const struct envuse *use);

/* Calls fn for each, in the text's order.  False when fn said so. */
bool envuse_scan(struct span text, envuse_fn *fn, void *arg);

#endif
