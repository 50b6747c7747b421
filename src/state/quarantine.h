/*
 * Documents that could not be moved, kept so that nothing is lost: the raw
 * BSON in one file per namespace (which bsondump and mongorestore read) and a
 * line of JSON for each with the reason, beside the journal
 * (docs/FORMAT.md).  What an earlier run left is kept until it is forgotten.
 *
 * Order: quarantine_sync() before a journal says that the partition which the
 * documents came from is done.  Thread-safe.
 */
#ifndef STATE_QUARANTINE_H
#define STATE_QUARANTINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "state/place.h"

struct quarantine;

/* Opens the quarantine in place, which outlives it; makes it with the first
 * document only.  NULL with *err. */
struct quarantine *quarantine_open(struct place *place, struct err *err);
void quarantine_free(struct quarantine *q);	/* NULL is allowed */

/* One document: ns as on the source, id canonical Extended JSON, reason a
 * stable word ("too_large", "validation", "unique_index",
 * "rewrite_collision"), message what the server said. */
struct quarantined {
	const char *ns;
	const uint8_t *doc;
	size_t len;
	const char *id;
	const char *reason;
	const char *message;
};

/* Written at once, on disk within a second of further calls for ns (in a store:
 * sent within PLACE_SEND_MS).  A document of
 * the same bytes that an earlier run left for ns is recognised, once, and not
 * written again. */
bool quarantine_add(struct quarantine *q, const struct quarantined *d,
    struct err *err);

/* Makes everything added so far durable. */
bool quarantine_sync(struct quarantine *q, struct err *err);

/* Forgets what an earlier run put there for ns (its documents are read
 * again). */
bool quarantine_forget(struct quarantine *q, const char *ns, struct err *err);

/* The folder, or its URL; NULL while nothing is in it; lives with q. */
const char *quarantine_path(struct quarantine *q);

/* Documents in it, those of earlier runs too. */
uint64_t quarantine_count(struct quarantine *q);

#endif
