/*
 * How the run's options judge a document that differs, and its name in the
 * report: what drill does where nobody else wants to be told.
 */
#ifndef JOB_DRILL_NAME_H
#define JOB_DRILL_NAME_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "job/drill.h"

struct drill_judgement {
	uint64_t *counter;	/* of the move; under data.lock */
	const char *kind;
	const char *words;
	bool is_error;
};

/* What f counts as: TTL expiry and --on-conflict are minded. */
struct drill_judgement drill_judge(const struct job *job,
    const struct drill_found *f);

/* Counts f in its move. */
void drill_count(struct data *data, const struct drill_judgement *j);

/* Appends the _id as canonical Extended JSON, or a few words in its place. */
void drill_id_text(const uint8_t *doc, size_t len, struct buf *out);

/* Says that n documents were changed while they were compared: an error where
 * something is to be proven; m (one of those that differ) counts them. */
void drill_unsettled(struct job *job, struct data *data, struct move *m,
    uint64_t n);

/* Counts f and names it in the report. */
void drill_name(struct job *job, struct data *data,
    const struct drill_found *f);

#endif
