/*
 * One run of migrate or verify: the job with its data, files, links and state,
 * opened in the one right order and closed in the other.
 */
#ifndef JOB_RUN_H
#define JOB_RUN_H

#include <stdbool.h>

#include "base/err.h"
#include "job/files.h"
#include "job/job.h"
#include "job/links.h"
#include "job/move.h"
#include "job/state_key.h"
#include "state/journal.h"
#include "state/quarantine.h"

struct run {
	struct job job;
	struct data data;
	struct files files;
	struct links *links;
	struct state_key key;
	struct journal *journal;	/* NULL: none (dry run, verify) */
	struct quarantine *quarantine;
	struct place *looked;		/* state that is only read; NULL: none */
	bool has_data;
	bool has_files;
	bool began;			/* past the checks: counts mean something */
	bool data_opened;		/* data_close() is due */
	bool files_opened;
};

/* Opens everything that reads: rules, snapshots, stores, file lists, both
 * deployments.  Nothing on the target is changed.  False with *err; run_close()
 * is to be called all the same.  In two steps for who looks at the snapshot
 * before the ends are chosen, and may put other options in job.options. */
bool run_open_job(struct run *r, const struct spaceferry_options *options,
    const char *command, struct spaceferry_summary *summary, struct err *err);
bool run_open_ends(struct run *r, struct err *err);
bool run_open(struct run *r, const struct spaceferry_options *options,
    const char *command, struct spaceferry_summary *summary, struct err *err);

/* Fills the summary, frees everything, returns the exit status. */
int run_close(struct run *r, bool ok, struct err *err);

/* Closes the journal when everything arrived; leaves it unfinished when
 * something differs, so that the same command mends it. */
bool run_finish_journal(struct run *r, struct err *err);

/* Makes what the state is filed under; once. */
bool run_make_key(struct run *r, struct err *err);

/* Opens the manifests of an earlier migration between the same ends, where
 * there are any; makes none. */
bool run_find_manifests(struct run *r, struct err *err);

/* Counts, on the source, the documents that the collections' own validators
 * refuse. */
bool run_count_violations(struct run *r, struct err *err);

#endif
