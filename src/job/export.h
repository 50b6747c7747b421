/*
 * The steps of a run whose target is an archive or a dump directory: it is
 * written, given its name once it is whole, then read back and compared.
 */
#ifndef JOB_EXPORT_H
#define JOB_EXPORT_H

#include <stdbool.h>

#include "base/err.h"
#include "job/run.h"

/* All of them.  Blocks.  False with *err; a file is there whole or not at all. */
bool export_data(struct run *r, struct err *err);

#endif
