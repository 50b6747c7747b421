/*
 * One partition that differs: what drill.h does, over the range that both sides
 * have of it.
 */
#ifndef JOB_DRILL_PART_H
#define JOB_DRILL_PART_H

#include <stdbool.h>

#include "base/err.h"
#include "job/part.h"
#include "job/verify_data.h"

/* Adds to the move's missing, extra, different (or kept), names them, and sets
 * p's tallies to what was read last.  Blocks.  source and target: sessions of
 * the calling thread. */
bool drill_part(struct verify_data *v, struct part *p,
    struct mongo_session *source, struct mongo_session *target,
    struct err *err);

#endif
