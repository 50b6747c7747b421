/*
 * The documents of a snapshot as one pass of reading, collection by collection,
 * as an archive's: what job/archive_in.h is for snapshots.  Only archive_in*.c
 * include this.
 *
 * Order: snapshot_in_open(), the choice of what is read, snapshot_in_next() to
 * its end, snapshot_in_free().  One thread.
 */
#ifndef JOB_SNAPSHOT_IN_H
#define JOB_SNAPSHOT_IN_H

#include <stdbool.h>
#include <stddef.h>

#include "archive/archive.h"
#include "base/err.h"
#include "job/archive_in.h"
#include "job/snapshot_fetch.h"
#include "job/snapshot_source.h"

struct snapshot_in;

/* source outlives it. */
struct snapshot_in *snapshot_in_open(const struct snapshot_source *source,
    struct err *err);
void snapshot_in_free(struct snapshot_in *in);	/* NULL is allowed */

/* As archive_in_choose(), archive_in_judge(). */
void snapshot_in_choose(struct snapshot_in *in, struct archive_choice *choices);
void snapshot_in_judge(struct snapshot_in *in, struct mongo_server *server,
    const struct judge *judge);

/* As archive_next().  A collection that was read from its first document must
 * have the tally that the snapshot says: else ERR_DAMAGED. */
enum archive_next snapshot_in_next(struct snapshot_in *in,
    struct archive_item *item, struct err *err);

#endif
