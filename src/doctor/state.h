/*
 * Where a run would keep its state, and what earlier ones left there.
 *
 * Order: doctor_state_note() as soon as both ends are open (or at once where
 * there are none), doctor_state() later, doctor_state_free() always.
 */
#ifndef DOCTOR_STATE_H
#define DOCTOR_STATE_H

#include <stdbool.h>

#include "doctor/doctor.h"
#include "job/move.h"
#include "state/journal.h"

/* Remembers what the state of this migration is filed under.  data: both ends
 * open and their catalogs read; NULL: files alone are moved.  Where a store
 * cannot be opened nothing is known.  False with *err when memory is out. */
bool doctor_state_note(struct doctor *d, const struct data *data,
    struct err *err);

/* The journal of this migration, to be looked at and freed; after
 * doctor_state_note().  Takes what reading it takes.  NULL where it is not
 * known or cannot be read, which doctor_state() tells. */
struct journal *doctor_state_journal(struct doctor *d, struct err *err);

/* Tells the checks.  False with *err when doctor cannot go on. */
bool doctor_state(struct doctor *d, struct err *err);

void doctor_state_free(struct doctor *d);

#endif
