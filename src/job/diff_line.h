/*
 * One document that differs as the caller gets it: its _id and, where both
 * sides have it, the fields.
 */
#ifndef JOB_DIFF_LINE_H
#define JOB_DIFF_LINE_H

#include <stdbool.h>

#include "base/err.h"
#include "job/differences.h"
#include "job/drill.h"

/* Tells f; a different one has both documents.  False with *err: memory, a
 * malformed document. */
bool diff_line(struct differences *d, const struct drill_found *f,
    struct err *err);

#endif
