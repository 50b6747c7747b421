/*
 * One end of the data: where documents come from or go to.  A MongoDB, an
 * archive, a dump directory, a file of documents or a snapshot; what is the same
 * for all of them is here, so that plan, state and messages need not know which it is.
 *
 * Order: end_open(), end_read_catalog(), any use, end_close().  A struct end
 * belongs to the main thread; workers take sessions of their own from server,
 * or passes over the archive of their own from place.
 */
#ifndef JOB_END_H
#define JOB_END_H

#include <stdbool.h>

#include "base/err.h"
#include "base/glob.h"
#include "base/progress.h"
#include "job/archive_in.h"
#include "job/archive_place.h"
#include "job/archive_scan.h"
#include "mongo/catalog.h"
#include "mongo/client.h"
#include "mongo/users.h"

enum end_kind { END_MONGO, END_ARCHIVE };

#define END_VERSION_MAX 64

struct end {
	enum end_kind kind;
	const char *role;	/* "source" or "target", for messages */
	struct catalog *catalog; /* as it was at the start */
	/* END_MONGO */
	struct mongo_server *server;
	struct mongo_session *session; /* of the main thread */
	/* END_ARCHIVE: an archive, a dump, documents or a snapshot */
	struct archive_place place;
	char *identity;
	bool write;		/* it is yet to be written: its catalog is
				 * empty */
	struct archive_scan *scan; /* what is in it; NULL: stdin, write */
	struct archive_in *in;	/* stdin: its only pass, to be taken by who
				 * reads it */
	char version[END_VERSION_MAX]; /* of its server, "" if not known */
	struct users accounts;	/* users and roles in it, where they were asked
				 * for; of stdin once it was read */
	char only_db[MONGO_NS_MAX]; /* the one database in it; "" if there are
				 * none or several */
};

/* Opens text: a URI, or what archive_place_is() says.  options: for a MongoDB;
 * job: for the others.  write: it is the target of a run that writes.  Blocks
 * up to the patience.  False with *err, which names the role; end_close() is to
 * be called all the same. */
struct end_options {
	const char *role;
	const char *text;
	struct mongo_options mongo;
	const struct spaceferry_options *job;
	const struct snapshot_source *snapshot; /* that text names, opened; it
				 * outlives the end */
	bool write;
};
bool end_open(struct end *e, const struct end_options *options,
    struct err *err);
void end_close(struct end *e);

/* Reads the catalog of these databases (all when empty), in place of one that
 * was read before.  Of an archive in a file all is read, and checked.  progress
 * (NULL: none) shows that. */
struct end_reading {
	const struct strings *dbs;
	bool with_stats;
	bool with_accounts;	/* users and roles of an archive, too */
	bool just_written;	/* a dump that gets its sums after this */
	struct progress *progress;
};
bool end_read_catalog(struct end *e, const struct end_reading *reading,
    struct err *err);

/* For messages: no password in it.  Lives with e. */
const char *end_name(const struct end *e);

/* What identifies it for the state's key.  Lives with e. */
const char *end_identity(const struct end *e);

/* What is in it, for the state's fingerprint: "" where it may change.  Lives
 * with e. */
const char *end_contents(const struct end *e);

/* The database that its URI names, or that is the only one in an archive that
 * was read; NULL if none.  Lives with e. */
const char *end_default_db(const struct end *e);

/* "6.0.5", "" when it is not known.  Lives with e. */
const char *end_version(const struct end *e);

#endif
