/*
 * What the target would never take, told before anything is changed rather
 * than in the middle of a run: names that are too long there, kinds of index
 * that are no more, limits of Atlas' small tiers.
 */
#ifndef JOB_PREFLIGHT_H
#define JOB_PREFLIGHT_H

#include <stdbool.h>

#include "base/err.h"
#include "job/job.h"
#include "job/move.h"

/* Asks the target which tier it is and looks through the plan.  False with
 * ERR_UNSUPPORTED or ERR_TOO_LARGE and what to do; what only may turn out too small becomes a
 * note in the report. */
bool preflight_check(struct data *d, struct job *job, struct err *err);

#endif
