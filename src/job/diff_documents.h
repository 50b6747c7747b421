/*
 * The documents that differ, as diff tells them.  What drill finds waits here
 * in a small batch; if nobody wrote to either side until all of it was read, it
 * is told as it was found.  Otherwise each is fetched again from both sides, as
 * often as needed for it to hold still: what agrees by then was only on its way,
 * and is counted as settled.
 *
 * Order: diff_documents_open(), diff_documents_found() as a drill_teller, from
 * any thread, diff_documents_close(), which tells the rest.
 */
#ifndef JOB_DIFF_DOCUMENTS_H
#define JOB_DIFF_DOCUMENTS_H

#include <stdbool.h>

#include "base/err.h"
#include "job/drill.h"

struct diff_documents;

/* NULL with *err.  Blocks: it asks both sides how much was written so far. */
struct diff_documents *diff_documents_open(struct job *job, struct data *data,
    struct err *err);

/* For struct drill_teller (both), arg is the struct diff_documents. */
bool diff_documents_found(void *arg, const struct drill_found *f,
    struct err *err);

/* Tells what waits, and puts the count of settled ones into the summary.  d is
 * gone afterwards; NULL is allowed.  ok false: nothing more is told. */
bool diff_documents_close(struct diff_documents *d, bool ok, struct err *err);

#endif
