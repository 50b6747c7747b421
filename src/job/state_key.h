/*
 * What a migration's state is filed under (the ends) and what must not change
 * while it is unfinished (the fingerprint).
 */
#ifndef JOB_STATE_KEY_H
#define JOB_STATE_KEY_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "job/files.h"
#include "job/move.h"
#include "state/journal.h"

#define STATE_PARTS_MAX 8

struct state_key {
	struct buf key;
	struct buf values[STATE_PARTS_MAX];
	const char *fingerprint[STATE_PARTS_MAX][2];
	size_t n;
};

/* Composes both from the options and the open ends; d or f may be NULL where
 * the job has no data or no files. */
bool state_key_make(struct state_key *k, const struct job *job,
    const struct data *d, const struct files *f, struct err *err);
void state_key_free(struct state_key *k);

/* Opens the journal under this key.  ERR_CONFLICT also where --delta would undo
 * what the last run made of names and URLs. */
struct journal *state_key_open_journal(struct state_key *k,
    const struct job *job, struct err *err);

#endif
