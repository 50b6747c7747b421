/*
 * What a deployment holds, without its documents: collections with their
 * options, indexes, sizes; and how that is made again on another deployment
 * and compared with it.
 *
 * A catalog is read once and then belongs to one owner; it may be read by any
 * number of threads.
 */
#ifndef MONGO_CATALOG_H
#define MONGO_CATALOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/glob.h"
#include "mongo/client.h"

#define MONGO_NS_MAX 256

enum collection_type {
	COLLECTION_PLAIN,
	COLLECTION_VIEW,
	COLLECTION_TIMESERIES
};

/* A raw BSON document owned by whoever holds the struct. */
struct rawdoc {
	uint8_t *data;		/* NULL: absent */
	size_t len;
};

struct index_info {
	char *name;
	struct rawdoc spec;	/* as listIndexes gave it, without "ns" */
	bool ttl;		/* has expireAfterSeconds */
	bool unique;
};

struct collection_info {
	char *db;
	char *name;
	char ns[MONGO_NS_MAX];	/* "db.name" */
	enum collection_type type;
	bool capped;
	bool clustered;
	struct rawdoc options;	/* as listCollections gave them */
	uint8_t uuid[16];	/* zeros for views; of a time-series' buckets */
	char *view_on;		/* views only */
	char *meta_field;	/* time-series, if any */
	char *time_field;	/* time-series only */
	bool expires;		/* options have expireAfterSeconds */
	struct rawdoc id_index;	/* the one on _id, as listIndexes gave it */
	struct index_info *indexes;	/* the others */
	size_t n_indexes;
	uint64_t count;		/* from collStats: an estimate (time-series:
				 * measurements, counted) */
	uint64_t bytes;		/* uncompressed documents, estimate */
	uint64_t index_bytes;
};

struct catalog {
	struct collection_info *v; /* plain and time-series first, then views,
				 * each after what it views */
	size_t n;
	size_t cap;		/* of v */
};

/* Reads the catalog of databases dbs (all but admin, config, local when
 * empty), leaving out system.* other than system.js, and the buckets of
 * time-series.  with_stats: also count, bytes, index_bytes.  NULL with *err;
 * a database that does not exist gives no collections. */
struct catalog *catalog_read(struct mongo_session *s,
    const struct strings *dbs, bool with_stats, struct err *err);

/* The same without indexes: one command per database. */
struct catalog *catalog_list(struct mongo_session *s,
    const struct strings *dbs, struct err *err);
void catalog_free(struct catalog *c);	/* NULL is allowed */

/* Appends the names of the databases (all but admin, config, local) that the
 * URI's user may see. */
bool catalog_databases(struct mongo_session *s, struct strings *dbs,
    struct err *err);

/* A catalog made of what is known from elsewhere (a dump): catalog_new(), then
 * catalog_add() for each collection (those that catalog_read() leaves out are
 * passed over), then catalog_sort().  ERR_DAMAGED when what is given is no
 * description of a collection. */
struct catalog_entry {
	const char *db;
	const char *name;
	enum collection_type type;
	const uint8_t *options;	/* one raw document */
	size_t options_len;
	const uint8_t *indexes;	/* raw documents one behind the other */
	size_t indexes_len;
	uint64_t count;
	uint64_t bytes;
};
struct catalog *catalog_new(struct err *err);
bool catalog_add(struct catalog *c, const struct catalog_entry *e,
    struct err *err);
bool catalog_sort(struct catalog *c, struct err *err);

/* The reverse: appends info's options as one raw document (of a view with
 * view_on, not NULL, as its base) and its indexes, the one on _id first, one
 * behind the other.  False when out of memory. */
bool catalog_describe(const struct collection_info *info, const char *view_on,
    struct buf *options, struct buf *indexes);

/* By namespace, NULL when absent. */
const struct collection_info *catalog_find(const struct catalog *c,
    const char *ns);

/* Makes collection ns on the target as info describes it, without secondary
 * indexes.  later_expiry: leave expireAfterSeconds for
 * catalog_set_expiry().  A view's pipeline is taken as it is; view_on names
 * the renamed base.  Options that the target refuses are left out, with a
 * warning in the log, where the collection holds the same documents without
 * them (catalog_compare() tells them later).  True when it already exists with
 * the same options. */
struct catalog_create {
	const char *ns;
	const struct collection_info *info;
	const char *view_on;	/* target's name of the base; NULL: as in info */
	bool later_expiry;
};
bool catalog_create(struct mongo_session *s, const struct catalog_create *c,
    struct err *err);
bool catalog_set_expiry(struct mongo_session *s, const char *ns,
    const struct collection_info *info, struct err *err);
/* system.js, which no server drops, is emptied. */
bool catalog_drop(struct mongo_session *s, const char *ns, struct err *err);

/* Drops a database with all that is in it; true when there is none. */
bool catalog_drop_database(struct mongo_session *s, const char *db,
    struct err *err);

/* Builds the indexes of info (TTL ones or the others) on ns: one createIndexes,
 * on any error one by one, without what the target refuses of their options
 * where they find the same without it (as catalog_create()).  Each failure is
 * told to failed (name, reason) and does not cost the others; false only when
 * nothing more can be done (network after the patience, quota, cancelled).
 * Goes over a connection of its own without a socket timeout; when a stop is
 * requested the build is killed on the server, if its user may (else it is
 * waited for). */
struct catalog_index_build {
	const char *ns;
	const struct collection_info *info;
	bool ttl;		/* the TTL indexes; else all others */
	void (*failed)(void *arg, const char *index, const struct err *why);
	void *arg;
};
bool catalog_build_indexes(struct mongo_session *s,
    const struct catalog_index_build *b, struct err *err);

/* True for an index of the kind geoHaystack. */
bool catalog_is_haystack(const struct index_info *i);

/* One difference in metadata.  Strings live for the call. */
struct catalog_difference {
	const char *kind;	/* "index", "option", "validator", "view" */
	const char *name;
	const char *source;	/* canonical Extended JSON, NULL when absent */
	const char *target;
	bool harmless;		/* to be told, but it changes nothing for who
				 * reads or writes: storage options left out,
				 * the form in which old servers wrote a key */
};
typedef void catalog_differs_fn(void *arg, const struct catalog_difference *d);

/* Compares options and indexes of one collection; names that --rename changed
 * (a view's base) are expected as view_on says (NULL: as in source). */
void catalog_compare(const struct collection_info *source,
    const struct collection_info *target, const char *view_on,
    catalog_differs_fn *differs, void *arg);

#endif
