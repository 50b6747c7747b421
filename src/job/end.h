/*
 * One end of the data: where documents come from or go to.  A MongoDB, an
 * archive or a dump directory; what is the same for all of them is here, so
 * that plan, state and messages need not know which it is.
 *
 * Order: end_open(), end_read_catalog(), any use, end_close().  A struct end
 * belongs to the main thread; workers take sessions of their own from server.
 */
#ifndef JOB_END_H
#define JOB_END_H

#include <stdbool.h>

#include "base/err.h"
#include "base/glob.h"
#include "mongo/catalog.h"
#include "mongo/client.h"

enum end_kind { END_MONGO, END_ARCHIVE, END_DUMP, END_DOCUMENTS };

struct end {
	enum end_kind kind;
	const char *role;	/* "source" or "target", for messages */
	struct mongo_server *server;
	struct mongo_session *session; /* of the main thread */
	struct catalog *catalog; /* as it was at the start */
};

/* Opens text, a URI.  options: for a MongoDB.  Blocks up to the patience.
 * False with *err, which names the role; end_close() is to be called all the
 * same. */
struct end_options {
	const char *role;
	const char *text;
	struct mongo_options mongo;
};
bool end_open(struct end *e, const struct end_options *options,
    struct err *err);
void end_close(struct end *e);

/* Reads the catalog of these databases (all when empty). */
bool end_read_catalog(struct end *e, const struct strings *dbs,
    bool with_stats, struct err *err);

/* For messages: no password in it.  Lives with e. */
const char *end_name(const struct end *e);

/* What identifies it for the state's key.  Lives with e. */
const char *end_identity(const struct end *e);

/* The database that it names, NULL if none.  Lives with e. */
const char *end_default_db(const struct end *e);

#endif
