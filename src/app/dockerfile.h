/*
 * A Dockerfile, as far as a reader needs it who wants to know what the final
 * image is: instructions with continuation lines joined, and stages.
 *
 * Values are texts: $NAME in them is not replaced.  Here-documents are skipped;
 * `# escape=` and ONBUILD are not known, nor what stands behind 64 KiB.
 */
#ifndef APP_DOCKERFILE_H
#define APP_DOCKERFILE_H

#include <stdbool.h>
#include <stddef.h>

#include "app/span.h"
#include "base/err.h"

struct dockerfile_line {
	char word[16];		/* the instruction, upper case */
	char *rest;		/* its arguments, on one line */
	unsigned line;		/* where it begins, from 1 */
	size_t stage;		/* from 0; before the first FROM: 0 */
};

struct dockerfile {
	struct dockerfile_line *instruction;
	size_t n;
	size_t n_stages;
	long *parent;		/* of each stage: the stage it is FROM, or -1 */
};

/* Fills *d, to be freed in any case.  False only when out of memory. */
bool dockerfile_parse(struct dockerfile *d, const char *text, size_t len,
    struct err *err);
void dockerfile_free(struct dockerfile *d);

/* True when stage is the last one or one it is made FROM: what stands there is
 * in the image that runs. */
bool dockerfile_in_image(const struct dockerfile *d, size_t stage);

/* The last instruction of that word in the image; NULL. */
const struct dockerfile_line *dockerfile_last(const struct dockerfile *d,
    const char *word);

/* The last ENV that sets name in the image, its value (quotes taken off) in
 * *value.  NULL: none does. */
const struct dockerfile_line *dockerfile_env(const struct dockerfile *d,
    const char *name, struct span *value);

/* The first ARG of that name in any stage; NULL. */
const struct dockerfile_line *dockerfile_arg(const struct dockerfile *d,
    const char *name);

/* The first instruction of that word whose arguments hold text; NULL. */
const struct dockerfile_line *dockerfile_says(const struct dockerfile *d,
    const char *word, const char *text);

#endif
