/*
 * Which collections are chosen and what each is called on the target: --db,
 * --include, --exclude, --rename and the databases named in the URIs.  Pure
 * decisions over catalogs that were read; no server is asked here.
 */
#ifndef JOB_PLAN_H
#define JOB_PLAN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/glob.h"
#include "job/move.h"

/* The databases to read: --db, else the one in the source's URI, else all (an
 * empty list).  Appends to *dbs. */
bool plan_databases(const struct spaceferry_options *o,
    const char *source_default, struct strings *dbs, struct err *err);

/* Whether --include and --exclude choose this namespace of the source. */
bool plan_chooses(const struct spaceferry_options *o, const char *ns);

/* Fills d->moves from d->source.catalog.  False with *err: two collections
 * with one name on the target, a view that would leave its base, a name that
 * is too long, nothing to move. */
bool plan_moves(struct data *d, const struct job *job, struct err *err);

/* The name of a source namespace on the target. */
bool plan_target_ns(const struct data *d, const struct spaceferry_options *o,
    const char *ns, char out[MONGO_NS_MAX], struct err *err);

/* For a comparison: what the target has as a view or a time-series has no ranges
 * of _id, so that collection is read as one stream on both sides.  Before its
 * partitions are made. */
void plan_comparison(struct data *d);

#endif
