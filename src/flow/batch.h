/*
 * A batch: the unit that travels through the queues.  Raw BSON documents of
 * one partition of one collection, one behind the other, never decoded as a
 * whole.  Each begins with its own length (little-endian int32), so a batch is
 * walked without an index.
 *
 * A batch belongs to one thread or one queue at a time.
 */
#ifndef FLOW_BATCH_H
#define FLOW_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/digest.h"
#include "flow/credit.h"

struct batch {
	struct buf docs;	/* the documents, concatenated */
	size_t n;		/* how many */
	void *part;		/* the job's own: the partition they are of */
	struct tally source;	/* what was read, as it came */
	struct tally target;	/* what must arrive (set after rewriting) */
	struct credit *credit;	/* where charged came from; NULL: nowhere */
	size_t charged;		/* bytes to give back */
};

/* An empty batch that can hold max bytes of documents; charged bytes of credit
 * (taken by the caller) are given back by batch_free.  NULL when out of
 * memory; the credit stays the caller's then. */
struct batch *batch_new(size_t max, struct credit *credit, size_t charged);
void batch_free(void *batch);		/* NULL is allowed; fits queue_free_fn */

/* Appends one document.  False when it does not fit. */
bool batch_add(struct batch *b, const uint8_t *doc, size_t len);

/* Walks the documents: *at starts at 0; NULL at the end. */
const uint8_t *batch_next(const struct batch *b, size_t *at, size_t *len);

#endif
