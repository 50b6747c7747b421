/*
 * Proves that the documents arrived: per partition, what must be there against
 * what the target gives back; where they differ, document by document.
 *
 * After copy the expected side is known from the stream; `verify`, and a run
 * that resumed another one's partitions, read the source again.
 */
#ifndef JOB_VERIFY_DATA_H
#define JOB_VERIFY_DATA_H

#include <stdbool.h>

#include "base/err.h"
#include "job/job.h"
#include "job/links.h"
#include "job/move.h"
#include "state/journal.h"

struct drill_teller;

struct verify_data {
	struct job *job;
	struct data *data;
	struct journal *journal; /* partitions that differ are reopened in it;
				 * NULL: none */
	struct links *links;	/* while reading the source; NULL: none */
	bool read_source;	/* sum the source side too */
	const struct drill_teller *teller; /* of what differs; NULL: it is named
				 * in the report */
	bool teller_each;	/* teller is a row of them, one for each of
				 * verify_data_threads() */
	bool only_differing;	/* of two MongoDBs: only partitions that
				 * differed when they were last compared */
	const bool *selected;	/* of two MongoDBs: only these moves; NULL: all */
	/* A document of the source that rewriting makes too large, so that it
	 * is left out; from any thread.  NULL: nobody is told. */
	bool (*too_large)(void *arg, struct move *m, const uint8_t *doc,
	    size_t len, struct err *err);
	void *too_large_arg;
	const char *phase;	/* for the progress; NULL: "verify" */
};

/* How many threads verify_data_run() may tell from. */
unsigned verify_data_threads(const struct job *job);

/* The progress' word for what v does. */
const char *verify_data_phase(const struct verify_data *v);

/* Reads, compares, names the differences in the report, fills each move's
 * target tally and counts.  Blocks.  False with *err when it could not finish;
 * differences alone are no error. */
bool verify_data_run(struct verify_data *v, struct err *err);

#endif
