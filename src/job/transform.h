/*
 * What happens to documents between the two sides: URLs rewritten, digests
 * summed.  Migration, verification and the dry run must agree on it to the
 * byte, so all three come here.
 *
 * One struct transform per thread and collection.
 */
#ifndef JOB_TRANSFORM_H
#define JOB_TRANSFORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"
#include "flow/batch.h"
#include "job/job.h"
#include "job/links.h"
#include "job/move.h"

struct transform;

struct transform_options {
	struct job *job;
	const struct move *move;
	struct links *links;	/* NULL: links are not looked up */
	bool samples;		/* keep samples of rewritten values */
};

struct transform *transform_new(const struct transform_options *options,
    struct err *err);
void transform_free(struct transform *t);	/* NULL is allowed */

enum transform_outcome { TRANSFORM_OK, TRANSFORM_TOO_LARGE, TRANSFORM_FAILED };

/* One document as it must arrive: *out and *out_len are the source's bytes or
 * lie in the transform and live until the next call.  Adds to *counts. */
enum transform_outcome transform_document(struct transform *t,
    const uint8_t *doc, size_t len, const uint8_t **out, size_t *out_len,
    struct rewrite_counts *counts, struct err *err);

/* False when no document in these bytes can need rewriting. */
bool transform_may_change(struct transform *t, const void *bytes, size_t len);

/* The document's part in the collection's digest (canonical for time-series,
 * without what diff is to ignore). */
bool transform_tally(struct transform *t, const uint8_t *doc, size_t len,
    struct tally *sum, struct err *err);

/* The same, and turns *doc into the bytes that were summed; they lie in the
 * document or in the transform and live until the next call. */
bool transform_compared(struct transform *t, const uint8_t **doc, size_t *len,
    struct tally *sum, struct err *err);

#endif
