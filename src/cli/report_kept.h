/*
 * The differences that diff tells, as many as a page can bear: the first ones,
 * cut where they are long; the rest is counted.
 *
 * report_kept_add() is called from one thread at a time (callbacks of
 * spaceferry.h), and never together with who reads the fields.
 */
#ifndef CLI_REPORT_KEPT_H
#define CLI_REPORT_KEPT_H

#include <stddef.h>
#include <stdint.h>

#include "spaceferry.h"

#define REPORT_KEPT_MOST 500		/* differences */
#define REPORT_KEPT_BYTES ((size_t)1024 * 1024)	/* of text in all of them */
#define REPORT_KEPT_FIELDS 20		/* of one document */
#define REPORT_KEPT_TEXT 1000		/* bytes of one value */

struct report_kept_field {
	char *path;
	char *source;		/* NULL: that side has no such field */
	char *target;
	bool order;
};

struct report_kept_item {
	enum spaceferry_difference_kind kind;
	const char *type;	/* "missing", "index" …: see spaceferry.h */
	char *where;		/* namespace, or the store of a file; NULL */
	char *what;		/* _id, name or key; NULL */
	char *source;		/* of metadata and files */
	char *target;
	struct report_kept_field *fields;
	size_t n_fields;
	size_t more_fields;	/* not kept */
};

struct report_kept {
	struct report_kept_item *items;
	size_t n;
	size_t bytes;
	uint64_t more;		/* differences that were not kept */
};

void report_kept_add(struct report_kept *k,
    const struct spaceferry_difference *d);
void report_kept_free(struct report_kept *k);	/* zero-filled is empty */

#endif
