/*
 * What every job needs and none should set up twice: the options with their
 * defaults filled in, the compiled rules, the report, the progress and the
 * thread that tells the caller about it.
 *
 * Order: job_open(), the job's own work, job_close().  A struct job is shared
 * by the job's threads; only changed may be written by them.
 */
#ifndef JOB_JOB_H
#define JOB_JOB_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/glob.h"
#include "base/progress.h"
#include "job/report.h"
#include "match/match.h"
#include "spaceferry.h"

struct differences;
struct snapshot_source;
struct ticker;

/* Which --files-url a rule leads to: links are looked up among its files. */
struct job_link_rule {
	bool lookup;
	size_t files;		/* index in options->files */
	const char *prefix;	/* comes before the tail in the key; points into
				 * the rule's TO */
};

struct job {
	const struct spaceferry_options *options;
	const char *command;
	uint64_t started_ns;
	struct report report;
	struct match_rules *rules;
	struct job_link_rule *link_rules; /* one per rule */
	size_t n_rules;
	struct strings rewrite_skip;
	struct strings rewrite_files;
	struct strings files_include;
	struct strings files_exclude;
	struct strings ignore;
	struct differences *differences; /* diff: each goes there, not into the
				 * report; NULL: none */
	struct snapshot_source *snapshot; /* the source (snapshot_source.h); NULL:
				 * none */
	struct snapshot_source *snapshot_to; /* diff, verify: the target */
	struct progress *progress;
	struct ticker *ticker;
	unsigned workers;	/* threads per parallel stage */
	size_t memory;		/* bytes that data in flight may take */
	uint64_t patience_ms;
	bool writes;		/* a migration that is no dry run */
	bool resumed;		/* set before the threads start */
	struct {		/* struct spaceferry_repeated, while it grows */
		atomic_uint_least64_t documents, bytes, files, file_bytes;
	} repeated;
	atomic_bool changed;	/* something on the target is not as before */
};

/* Fills *job and the head of *summary.  False with *err (rules that break the
 * contract, memory); job_close() is to be called all the same. */
bool job_open(struct job *job, const struct spaceferry_options *options,
    const char *command, struct spaceferry_summary *summary, struct err *err);

/* Ends the report and frees what job_open made.  ok and err: how the work
 * ended.  Returns the exit status. */
int job_close(struct job *job, bool ok, const struct err *err);

/* Counts documents or files that were written though they were on the target
 * already; nothing is counted unless the run resumed.  Thread-safe. */
void job_repeated_documents(struct job *job, uint64_t n, uint64_t bytes);
void job_repeated_files(struct job *job, uint64_t n, uint64_t bytes);

/* Whether the job holds two sides against each other and writes to neither:
 * verify, diff. */
bool job_compares(const struct job *job);

/* What becomes of a document that the target has otherwise: --delta implies
 * replacing it. */
enum spaceferry_on_conflict job_on_conflict(const struct job *job);

/* How many documents and files may be removed at most; false: no limit. */
bool job_max_delete(const struct job *job, uint64_t *most);

/* Whether documents that only the target has make the job end with 1. */
bool job_minds_extras(const struct job *job);

/* Copies a list of the public options; entries are owned by *out. */
bool job_copy_strings(const struct spaceferry_strings *from,
    struct strings *out);

#endif
