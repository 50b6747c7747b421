/*
 * The lines of a snapshot's details, written and read (docs/FORMAT.md,
 * "Details"): what was backed up, each collection with its metadata and the
 * blobs of its documents in their order, each place of files with its files and
 * theirs, and an end that counts it all.
 *
 *	{"snapshot":{"id":…,"time":…,"host":…,"tool":…,"source":…,"server":…,
 *	    "consistent_at":["S.I"],"files":["END",…]}}
 *	{"collection":{"ns":"db.c","type":"collection","metadata":"{…}",
 *	    "count":n,"bytes":n,"digest":"…","runs":n}}
 *	{"run":["<name>",bytes,documents]}	(as many as "runs" says)
 *	{"place":{"name":"END","files":n,"bytes":n}}
 *	{"file":{"key":…,"size":n,"mtime_ns":n,"sha256":…,"blobs":["<name>",…]}}
 *	{"end":{"collections":n,"documents":n,"places":n,"files":n}}
 *
 * Pure functions; thread-safe.
 */
#ifndef REPO_DETAIL_H
#define REPO_DETAIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/glob.h"
#include "base/hash.h"
#include "repo/repo.h"

#define DETAIL_LINE_MAX ((size_t)64 * 1024 * 1024)

enum detail_kind {
	DETAIL_SNAPSHOT, DETAIL_COLLECTION, DETAIL_RUN, DETAIL_PLACE,
	DETAIL_FILE, DETAIL_END
};

struct detail_snapshot {
	char *id;
	char *time;
	char *host;
	char *tool;		/* "spaceferry 0.1.0" */
	char *source;		/* no secrets; "" when there is no database */
	char *server;		/* its version, "" */
	struct strings consistent_at;
	struct strings files;	/* names of the places */
};

struct detail_collection {
	char *ns;
	char *type;		/* "collection", "view", "timeseries" (its runs
				 * are buckets) */
	char *metadata;		/* as mongodump's NAME.metadata.json */
	struct tally tally;	/* of the documents in its runs */
	uint64_t runs;
};

struct detail_run {
	uint8_t name[REPO_NAME_SIZE];
	uint64_t bytes;
	uint64_t documents;
};

struct detail_place {
	char *name;
	uint64_t files;
	uint64_t bytes;
};

struct detail_file {
	char *key;
	uint64_t size;
	int64_t mtime_ns;
	uint8_t sha256[HASH_SHA256_SIZE];
	uint8_t (*blobs)[REPO_NAME_SIZE];
	size_t n_blobs;
};

struct detail_end {
	uint64_t collections, documents, places, files;
};

struct detail {
	enum detail_kind kind;
	union {
		struct detail_snapshot snapshot;
		struct detail_collection collection;
		struct detail_run run;
		struct detail_place place;
		struct detail_file file;
		struct detail_end end;
	};
};

/* Appends the line, without \n.  False when memory is out or something is no
 * UTF-8 (ERR_REFUSED). */
bool detail_write(const struct detail *d, struct buf *line, struct err *err);

/* Reads one.  Unknown members are passed over, an unknown kind of line is
 * ERR_UNSUPPORTED, anything else wrong ERR_DAMAGED.  detail_free() it. */
bool detail_read(const char *line, size_t len, struct detail *d,
    struct err *err);
void detail_free(struct detail *d);

/* Holds the lines of a whole against each other as they come: their order, the
 * runs of each collection with its count and bytes, the files of each place, the
 * end's counts.  Zero-filled at first; nothing to free. */
struct detail_order {
	bool any, ended;
	enum detail_kind last;
	uint64_t runs, bytes, documents; /* still to come, of the collection */
	uint64_t files, file_bytes;	/* of the place */
	struct detail_end seen;
};
/* ERR_DAMAGED when d may not come now. */
bool detail_order_take(struct detail_order *o, const struct detail *d,
    struct err *err);
/* True once the end has come. */
bool detail_order_done(const struct detail_order *o, struct err *err);

#endif
