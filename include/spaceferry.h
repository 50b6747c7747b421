/*
 * libspaceferry: moves a web app's MongoDB data and uploaded files to another
 * place, rewrites URLs on the way, and proves that all of it arrived.
 *
 * This is the whole public face: one call per job, a struct of options, a
 * callback for progress and log, and a struct that says what happened.  The
 * program `spaceferry` is a thin layer over it.
 *
 * Order of calls: spaceferry_init() once, before threads start; any number of
 * jobs, one at a time per process; spaceferry_cleanup().  Jobs block until
 * they end; spaceferry_cancel() makes the running one stop soon.
 */
#ifndef SPACEFERRY_H
#define SPACEFERRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* FROM=TO as the command line and the config file give it. */
struct spaceferry_pair {
	const char *from;
	const char *to;
};

/* One --files with the --files-url that follows it (NULLs when absent).  Of
 * backup, place.from is what is backed up and place.to NULL; of restore, place.to
 * is where files go, place.from the name they were backed up under (NULL: there
 * is only one). */
struct spaceferry_files {
	struct spaceferry_pair place;
	struct spaceferry_pair url;
};

/* A list of strings; v may be NULL when n is 0. */
struct spaceferry_strings {
	const char *const *v;
	size_t n;
};

enum spaceferry_on_conflict {
	SPACEFERRY_ABORT,	/* default: a non-empty target stops the run */
	SPACEFERRY_SKIP,
	SPACEFERRY_REPLACE
};

enum spaceferry_level { SPACEFERRY_DEBUG, SPACEFERRY_INFO, SPACEFERRY_WARNING };

/* What moves at one time: a collection, or the files.  While nothing moves
 * because a host is away there is one more, the first: phase "waiting", name
 * says for what, items are the seconds waited, items_total those until it is
 * given up. */
struct spaceferry_progress {
	const char *phase;	/* "check" (an archive), "blobs", "read", "copy",
				 * "compare", "indexes", "verify", "files",
				 * "waiting" */
	const char *name;	/* namespace, or the store's name */
	uint64_t items;		/* documents or files done */
	uint64_t items_total;	/* 0: not known */
	uint64_t bytes;
	uint64_t bytes_total;	/* 0: not known */
	bool finished;
};

/* One field in which a document of the source, after rewriting, and that of the
 * target differ.  path is dotted, array elements are numbers.  source and target
 * are canonical Extended JSON; NULL: that side has no such field.  With order
 * only the order of the fields of the document at path ("": the whole) differs,
 * and both are NULL.  With more > 0 it is the last one, and stands for so many
 * that are not listed.  Long values are cut, and bytes that Extended JSON does
 * not show are added: see bson/docdiff.h for their form. */
struct spaceferry_field {
	const char *path;
	const char *source;
	const char *target;
	bool order;
	uint64_t more;
};

enum spaceferry_difference_kind {
	SPACEFERRY_MISSING,	/* a document that the target has not */
	SPACEFERRY_EXTRA,	/* one that only the target has */
	SPACEFERRY_DIFFERENT,	/* one that both have */
	SPACEFERRY_METADATA,	/* an index, option, validator or view */
	SPACEFERRY_FILE
};

/* One difference, as diff tells it.  Lives for the call. */
struct spaceferry_difference {
	enum spaceferry_difference_kind kind;
	const char *ns;		/* as on the target; NULL of a file */
	const char *id;		/* of a document: canonical Extended JSON */
	const struct spaceferry_field *fields; /* of a different one, or of one
				 * without an _id */
	size_t n_fields;
	const char *type;	/* metadata: "index", "option", "validator",
				 * "view"; file: "missing", "extra",
				 * "different" */
	const char *name;	/* of metadata */
	const char *source;	/* metadata: Extended JSON or NULL; file: what */
	const char *target;	/* is known of it in words, or NULL */
	const char *key;	/* of a file */
	const char *store;	/* the file's target, no secrets in it */
};

enum spaceferry_verdict {
	SPACEFERRY_PASS,
	SPACEFERRY_WARN,
	SPACEFERRY_FAIL,
	SPACEFERRY_SKIPPED	/* could not be looked at, for what failed above */
};

/* One check of doctor. */
struct spaceferry_check {
	const char *group;	/* "source", "target", "fit", "files", "app",
				 * "machine", "outside" */
	const char *name;	/* stable word: "dns", "tls", "quota" … */
	enum spaceferry_verdict verdict;
	char *seen;		/* what was found, one line */
	char *remedy;		/* how to mend it; "" when there is nothing to */
};

/* How many snapshots of each kind a retention policy keeps; 0: none are kept for
 * that reason.  All zero: no policy. */
#define SPACEFERRY_KEEP_NONE UINT32_MAX /* as last: none, even if that leaves
				 * nothing */
struct spaceferry_keep {
	uint32_t last;
	uint32_t hourly, daily, weekly, monthly, yearly; /* the newest of each */
	uint64_t within_ms;	/* all that are not older, by the newest one */
};

/* One snapshot of a repository. */
struct spaceferry_snapshot {
	char *id;		/* 8 hex digits */
	char *time;		/* "2026-11-23T15:52:46Z", when it began */
	char **tags;
	size_t n_tags;
	uint64_t stored;	/* bytes of objects that it needs */
	uint64_t added;		/* bytes that it was the first to need */
	uint64_t read;		/* bytes of documents and files that were read */
	bool open;		/* what follows could be read: an identity was
				 * given, or it is not encrypted */
	char *source;		/* the ends, no secrets in them; NULL */
	uint64_t collections, documents, files;
	char *reason;		/* prune: why it is kept, "last, daily";
				 * otherwise "" */
	bool removed;		/* prune: it was, or would be (dry run) */
};

/* What is in a repository, and what a run changed there. */
struct spaceferry_repository {
	char *name;		/* URL, no secrets in it; NULL: no repository */
	uint64_t blobs, bytes;	/* in it, afterwards */
	uint64_t snapshots;	/* in it, afterwards */
	uint64_t blobs_added, bytes_added;
	uint64_t blobs_removed, bytes_removed; /* dry run: would be */
	uint64_t bytes_read;	/* backup: of documents and files */
	uint64_t bytes_read_week; /* backup: by this and all of the last 7 days */
};

/* What the caller is told while a job runs.  Each may be NULL.  progress is
 * called about twice a second from a thread of its own, the others from any
 * thread; never two at a time. */
struct spaceferry_callbacks {
	void (*progress)(void *arg, const struct spaceferry_progress *v,
	    size_t n);
	void (*log)(void *arg, enum spaceferry_level level, const char *line);
	void (*difference)(void *arg, const struct spaceferry_difference *d);
	void (*check)(void *arg, const struct spaceferry_check *c);
	void (*snapshot)(void *arg, const struct spaceferry_snapshot *s);
	/* Asks for the passphrase of what (a file), once for each; false when
	 * there is none.  The caller of it wipes out. */
	bool (*passphrase)(void *arg, const char *what, char *out, size_t size);
	void *arg;
};

#define SPACEFERRY_DELETE_NONE UINT64_MAX /* as max_delete */

/* All options of all jobs.  Zero-filled is valid: every field has
 * its default then.  Nothing is copied: strings must live until the job ends. */
struct spaceferry_options {
	/* mongodb:// or mongodb+srv:// URI, "archive:FILE", "archive:-" (stdin
	 * or stdout), "dump:FOLDER", as from also "documents:FILE"; with repo
	 * "snapshot:ID" or "snapshot:latest", ID being the first digits of one
	 * (of prune: the one to be removed); or NULL */
	const char *from;
	const char *to;
	const char *ns;		/* "documents:": "database.collection" */
	const char *compress;	/* of an archive: "gzip", "zstd", "none"; NULL:
				 * by its name, .gz, .zst or else */
	struct spaceferry_strings db;
	struct spaceferry_strings include; /* globs over namespaces */
	struct spaceferry_strings exclude;
	const char *query;	/* Extended JSON filter, or NULL */
	const struct spaceferry_pair *rename; /* namespaces, '*' allowed */
	size_t n_rename;
	const struct spaceferry_files *files;
	size_t n_files;
	struct spaceferry_strings files_include; /* globs over keys */
	struct spaceferry_strings files_exclude;
	const struct spaceferry_pair *rewrite;
	size_t n_rewrite;
	struct spaceferry_strings rewrite_skip;	/* NS:PATH */
	struct spaceferry_strings rewrite_files; /* globs over keys */
	enum spaceferry_on_conflict on_conflict;
	bool drop;
	bool delta;		/* move only what differs; implies REPLACE */
	bool delete_extra;	/* with delta: remove what only the target has */
	uint64_t max_delete;	/* with delete_extra: if it were more than that,
				 * nothing is removed; 0: no limit,
				 * SPACEFERRY_DELETE_NONE: none at all */
	struct spaceferry_strings ignore; /* diff: NS:PATH not to be compared */
	bool users_and_roles;	/* those of the chosen databases too */
	bool dry_run;
	bool restart;		/* drop an unfinished journal */
	bool consistent;	/* fail where the source cannot be read at one
				 * cluster time */
	bool download;		/* read every object back */
	unsigned jobs;		/* 0: chosen by the number of processors */
	uint64_t memory;	/* bytes; 0: 64 MiB */
	uint64_t bandwidth;	/* bytes per second; 0: no limit */
	uint64_t patience_ms;	/* 0: 10 minutes */
	const char *state;	/* folder or store; NULL: the default place */
	uint64_t limit;		/* samples and named differences; 0: 20 (diff:
				 * all differences) */
	const char *app;	/* doctor: the app's source tree, or NULL */
	const char *env_file;	/* doctor: its environment, or NULL */
	const char *app_url;	/* doctor: where it runs now, or NULL */
	const char *repo;	/* the repository: a folder or store */
	struct spaceferry_strings recipients;	/* "age1…": who can read it */
	struct spaceferry_strings recipients_files;
	struct spaceferry_strings identities;	/* files of secret keys */
	struct spaceferry_strings tags; /* backup: of the new snapshot; else only
				 * snapshots that have all of them */
	struct spaceferry_keep keep; /* prune; backup: prunes by it afterwards */
	bool drill;		/* restore: into a scratch place, compare, remove */
	bool read_data;		/* check: read every blob */
	double read_data_percent; /* check: so many of them, chosen at random; 0:
				 * none, unless read_data */
	bool repair;		/* check: put damaged objects aside, so that the
				 * next backup stores them anew */
	uint64_t max_age_ms;	/* check: the newest snapshot may be so old; 0:
				 * any age */
	const char *before;	/* backup: shell commands; before failing ends */
	const char *after;	/* the run, after gets SPACEFERRY_STATUS */
	const char *ping;	/* backup: URL told of start, success, failure */
	const char *metrics;	/* backup: file for Prometheus, or NULL */
	const char *cache_control; /* of uploaded files; NULL: none */
	const char *content_disposition; /* "auto" (NULL), "inline",
				 * "attachment" */
	struct spaceferry_callbacks callbacks;
};

/* Count, bytes and digest (32 hex digits; "" when not computed). */
struct spaceferry_tally {
	uint64_t count;
	uint64_t bytes;
	char digest[33];
};

/* A difference in options or indexes; values are Extended JSON or NULL. */
struct spaceferry_metadata {
	char *kind;		/* "index", "option", "validator", "view" */
	char *name;
	char *source;
	char *target;
};

/* One collection of the summary, named as on the target. */
struct spaceferry_collection {
	char *ns;
	const char *type;	/* "collection", "view", "timeseries" */
	bool ok;
	struct spaceferry_tally source;
	struct spaceferry_tally target;
	uint64_t rewritten_documents;
	uint64_t rewritten_values;
	struct {
		uint64_t keys, ids, binary, regex, metadata, no_rule;
	} unrewritten;
	struct spaceferry_metadata *metadata;
	size_t n_metadata;
	uint64_t missing;
	uint64_t extra;
	uint64_t different;
	uint64_t kept;
	uint64_t expired;
	uint64_t quarantined;
	uint64_t conflicts;	/* dry run: documents already on the target */
	uint64_t violations;	/* dry run: against the validator */
};

struct spaceferry_file_counts {
	uint64_t count;
	uint64_t bytes;
	uint64_t uploaded;	/* dry run: would be */
	uint64_t skipped;
	uint64_t failed;
	uint64_t missing;
	uint64_t extra;
	uint64_t different;
};

/* What a run that resumed wrote although it was on the target already: at most
 * that, since what was there before the first run cannot be told apart. */
struct spaceferry_repeated {
	uint64_t documents;
	uint64_t bytes;		/* of those documents */
	uint64_t files;
	uint64_t file_bytes;
};

/* One line about one thing, for people and for "errors" in the summary. */
struct spaceferry_finding {
	const char *kind;	/* stable: "missing", "dangling_link", "auth" … */
	char *message;
	char *hint;		/* "" when there is none */
};

/* A sample of a rewritten value (dry run). */
struct spaceferry_sample {
	char *ns;
	char *id;		/* canonical Extended JSON */
	char *path;
	char *before;		/* cut around the first change */
	char *after;
};

/* A host of the rules, as it stands in the documents.  Links by a rule whose
 * FROM is a path ("/uploads") have the host "".  Where "*" or other ports make
 * more than SPACEFERRY_HOSTS_MAX of them, those with the fewest links are summed
 * under "*.old.example" or "old.example:*". */
#define SPACEFERRY_HOSTS_MAX 256
struct spaceferry_host {
	char *host;		/* lower case; with its port, unless that is the
				 * default one */
	uint64_t rewritten;	/* links to it that were rewritten */
	uint64_t no_rule;	/* where it stands in no match: as counted in
				 * the collections' no_rule, and other ports */
	uint64_t uncovered;	/* of these, the links: a rule is missing.  The
				 * others are bare names, e-mail addresses … */
	char *missing_rule;	/* the FROM of a rule that would cover them, as
				 * "https://old.example"; NULL: uncovered is 0 */
	char *sample;		/* "db.coll _id 1, a.b: the text around", of an
				 * uncovered one if there is; NULL: no_rule is 0 */
};

/* What --delta did. */
struct spaceferry_delta {
	bool ran;		/* else the rest means nothing */
	uint64_t inserted;
	uint64_t replaced;
	uint64_t deleted;
	uint64_t bytes;		/* of documents sent */
	uint64_t files_deleted;
};

/* What happened.  Everything in it belongs to it. */
struct spaceferry_summary {
	bool ok;
	const char *command;
	bool dry_run;
	char *source;		/* the ends, no secrets in them; NULL: none */
	char *target;
	char *source_version;	/* of their servers; NULL: not known */
	char *target_version;
	double elapsed_seconds;
	bool source_changed;
	char **consistent_at;	/* "seconds.increment" of each cluster time */
	size_t n_consistent_at;
	struct spaceferry_collection *collections;
	size_t n_collections;
	struct spaceferry_file_counts files;
	bool resumed;		/* an interrupted run was gone on with */
	struct spaceferry_repeated repeated;
	uint64_t links_rewritten;
	uint64_t links_dangling;
	uint64_t unreferenced_files;
	char *quarantine;	/* path or URL, NULL: nothing is in it */
	struct spaceferry_finding *errors;
	size_t n_errors;
	struct spaceferry_finding *notes; /* warnings and named findings that do
				 * not change the exit status */
	size_t n_notes;
	struct spaceferry_sample *samples;
	size_t n_samples;
	uint64_t target_bytes;	/* dry run: data + indexes on the target */
	struct spaceferry_host *hosts; /* most links first */
	size_t n_hosts;
	uint64_t settled;	/* diff: documents that differed while they were
				 * written to, and agree now */
	struct spaceferry_delta delta;
	struct spaceferry_check *checks; /* doctor, check */
	size_t n_checks;
	struct spaceferry_snapshot *snapshots; /* backup: the new one; restore:
				 * the one restored; snapshots, prune: all */
	size_t n_snapshots;
	struct spaceferry_repository repository;
};

/* Sets the libraries up.  False when one of them cannot be. */
bool spaceferry_init(void);
void spaceferry_cleanup(void);

/* Makes the running job stop soon.  Async-signal-safe. */
void spaceferry_cancel(void);

/* Each runs one job to its end and returns the exit status of the program
 * (0 done and verified, 1 differences, 2 nothing changed and only a person can
 * help, 3 the same command resumes).  *summary is filled on every exit and
 * freed with spaceferry_summary_free(). */
int spaceferry_migrate(const struct spaceferry_options *options,
    struct spaceferry_summary *summary);
/* The same engine with one end that is an archive or a dump directory. */
int spaceferry_export(const struct spaceferry_options *options,
    struct spaceferry_summary *summary);
int spaceferry_import(const struct spaceferry_options *options,
    struct spaceferry_summary *summary);
int spaceferry_verify(const struct spaceferry_options *options,
    struct spaceferry_summary *summary);

/* Tells every difference through callbacks.difference; writes to neither
 * side. */
int spaceferry_diff(const struct spaceferry_options *options,
    struct spaceferry_summary *summary);
/* Looks for what would stop a migration with these options; tells each check
 * through callbacks.check as it is made.  1: a check failed. */
int spaceferry_doctor(const struct spaceferry_options *options,
    struct spaceferry_summary *summary);

/* Stores a snapshot of the source and the files in the repository. */
int spaceferry_backup(const struct spaceferry_options *options,
    struct spaceferry_summary *summary);
/* A migration whose source is a snapshot (from; NULL: the latest). */
int spaceferry_restore(const struct spaceferry_options *options,
    struct spaceferry_summary *summary);
/* Tells each snapshot through callbacks.snapshot, oldest first. */
int spaceferry_snapshots(const struct spaceferry_options *options,
    struct spaceferry_summary *summary);
/* Looks for damage in the repository; tells each finding through
 * callbacks.check.  1: there is some. */
int spaceferry_check(const struct spaceferry_options *options,
    struct spaceferry_summary *summary);
/* Removes what the policy does not keep, and blobs that nothing needs. */
int spaceferry_prune(const struct spaceferry_options *options,
    struct spaceferry_summary *summary);

/* Frees what is in *summary, not summary itself. */
void spaceferry_summary_free(struct spaceferry_summary *summary);

#endif
