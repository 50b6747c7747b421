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

/* Its parts, for doctor, each false as above.  small: the target is one of
 * Atlas' small tiers.  Names too long; indexes of kinds that the target has no
 * more; databases that differ in case only (asks the target). */
bool preflight_names(const struct data *d, bool small, struct err *err);
bool preflight_indexes(const struct data *d, struct err *err);
bool preflight_case(struct data *d, struct err *err);

#endif
