/*
 * What is to be moved: both deployments opened and read, the collections
 * chosen, each with its name on the target.  The plan of migrate, verify and
 * the dry run alike.
 *
 * Order: data_open(), then any use, data_close().  The plan itself does not
 * change after data_open; what a job learns about a collection on the way is
 * in the fields under "results", guarded as said there.
 */
#ifndef JOB_MOVE_H
#define JOB_MOVE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/err.h"
#include "bson/rewrite.h"
#include "job/end.h"
#include "job/job.h"
#include "mongo/judge.h"
#include "mongo/catalog.h"
#include "mongo/client.h"
#include "mongo/source.h"

struct moment;
struct part;

/* One collection on its way. */
struct move {
	const struct collection_info *info; /* on the source */
	char target_ns[MONGO_NS_MAX];
	char view_on[MONGO_NS_MAX]; /* views: the base's name on the target,
				 * without its database */
	bool stream;		/* one partition, restarted whole: capped and
				 * time-series */
	bool buckets;		/* a time-series as its raw buckets: the form
				 * that archives hold */
	char read_ns[MONGO_NS_MAX]; /* where its documents are on the source: */
	char write_ns[MONGO_NS_MAX]; /* and on the target: info->ns and
				 * target_ns, or their buckets */
	struct part *parts;	/* job/part.h; none for views */
	size_t n_parts;

	/* Results; under data.lock while threads run. */
	struct tally source;	/* all documents, after rewriting */
	struct tally target;	/* read back */
	struct rewrite_counts rewritten;
	uint64_t metadata_matches;
	uint64_t missing, extra, different, kept, expired, quarantined;
	uint64_t conflicts, violations;
	bool expiry_later;	/* expireAfterSeconds is set once it verified */
	bool refused_violations; /* dry run: the target would refuse them */
	uint64_t failed_indexes;
	bool read_now;		/* not at the time of the rest (moment.h) */
	bool replaced;		/* another one since the interrupted run began */
	bool drifted;		/* dropped or replaced on the source meanwhile */
	struct spaceferry_metadata *metadata;
	size_t n_metadata;
	struct progress_item *progress;
};

struct data {
	struct end source;
	struct end target;
	struct rawdoc query;	/* --query; data NULL for none */
	struct judge judge;	/* of a snapshot the target is asked which
				 * documents query chooses; db NULL: is not */
	char judge_db[MONGO_NS_MAX];
	struct move *moves;	/* views last */
	size_t n_moves;
	bool same_deployment;
	uint64_t writes_before;	/* the source's write counter at the start */
	bool writes_known;
	struct moment *moment;	/* job/moment.h; NULL before the checks */
	bool drift_noted;	/* job/drift.h: who reads will do so again, so
				 * that drift is no error */
	size_t drifts;		/* found, of those that leave something out */
	bool judged;		/* compared to the end: "ok" may be said */
	pthread_mutex_t lock;	/* guards results and parts' results */
};

/* Connects to both ends, reads both catalogs, chooses and names.  False with
 * *err; data_close() is to be called all the same. */
bool data_open(struct data *d, struct job *job, struct err *err);
void data_close(struct data *d);

/* What data_open() is made of, for who opens the ends and reads the catalogs
 * itself: data_init() first (data_close() is due after it, whatever it says);
 * data_check_ends() once both ends are open: ERR_SAME, ERR_USAGE where an
 * archive cannot do what is asked; data_check_plan() once moves are planned:
 * ERR_SAME, time-series that cannot be read. */
bool data_init(struct data *d, const struct job *job, struct err *err);
bool data_check_ends(struct data *d, const struct job *job, struct err *err);
bool data_check_plan(struct data *d, struct err *err);

/* For data_open(): decides who answers --query, and tries it out.  data_ask() lets
 * a pass over the source ask it.  move_query.c. */
bool data_find_judge(struct data *d, struct err *err);
void data_ask(const struct data *d, struct archive_in *in);

/* Appends the databases that the plan writes to, once each. */
bool data_target_databases(const struct data *d, struct strings *dbs,
    struct err *err);

/* Copies the results into the summary, one entry per move. */
bool data_summarise(struct data *d, struct job *job, struct err *err);

#endif
