/*
 * What became of the source's collections while they were moved: one that was
 * dropped reads as empty without an error, one that was renamed likewise, and
 * one that was made anew under the same name is another one.  Their UUIDs tell.
 */
#ifndef JOB_DRIFT_H
#define JOB_DRIFT_H

#include <stdbool.h>

#include "base/err.h"
#include "job/job.h"
#include "job/move.h"

/* Reads the source's catalog again and names every chosen collection that is
 * no longer what it was when the run began (an error in the report, or a note
 * with d->drift_noted, and move.drifted; d->drifts counts), and those that are
 * new.  Does nothing where the source is a file.  Blocks.  False with *err when
 * the catalog cannot be read. */
bool drift_check(struct data *d, struct job *job, struct err *err);

/* Tells by a note, and in the summary, whether somebody wrote to the source since
 * the run began, as far as the server says.  Does nothing for a file. */
void drift_note_writes(struct data *d, struct job *job);

#endif
