/*
 * Verification where a side is an archive, which has no ranges to be compared
 * one by one: each collection is compared as a whole.
 */
#ifndef JOB_VERIFY_WHOLE_H
#define JOB_VERIFY_WHOLE_H

#include <stdbool.h>

#include "base/err.h"
#include "job/verify_data.h"

/* As verify_data_run(), whatever the ends are. */
bool verify_whole_run(struct verify_data *v, struct err *err);

#endif
