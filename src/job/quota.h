/*
 * How much is to be moved, beside how much the target holds: Atlas' small tiers
 * count documents as they are, uncompressed, and indexes (dbStats' dataSize +
 * indexSize), and block all writes when that is passed.
 */
#ifndef JOB_QUOTA_H
#define JOB_QUOTA_H

#include <stdbool.h>

#include "base/err.h"
#include "job/job.h"
#include "job/move.h"

/* For a target that is M0 or Flex (which of them it does not tell): false with
 * ERR_TOO_LARGE when not even Flex holds the chosen collections; a note in the
 * report when M0 does not.  With --query nobody knows, so there is no more than
 * the note. */
bool quota_check(const struct data *d, struct job *job, struct err *err);

/* Puts the figures and what can be done into the hint of an ERR_QUOTA of the
 * target's; other errors stay as they are.  No thread copies any more.
 * Returns false, as what failed. */
bool quota_explain(const struct data *d, struct err *err);

/* The same for --delta, where documents may be missing for it. */
bool quota_explain_delta(struct err *err);

#endif
