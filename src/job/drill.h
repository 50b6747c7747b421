/*
 * One partition that differs, document by document: both sides are read once
 * more as pairs of hashes (_id, document), joined in memory, and only the
 * documents that differ are named.
 */
#ifndef JOB_DRILL_H
#define JOB_DRILL_H

#include <stdbool.h>

#include "base/err.h"
#include "job/part.h"
#include "job/verify_data.h"

/* Adds to the move's missing, extra, different (or kept) and names them.
 * Blocks.  source and target: sessions of the calling thread. */
bool drill_part(struct verify_data *v, struct part *p,
    struct mongo_session *source, struct mongo_session *target,
    struct err *err);

#endif
