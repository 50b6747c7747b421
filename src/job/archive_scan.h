/*
 * One pass over a whole archive, dump or file of documents before anything is
 * written: that it is sound to its end, what each collection holds, and where
 * a collection may be cut into partitions (by the ordinals of its documents:
 * an archive knows no ranges).  Of a snapshot all that is known already.
 *
 * Filled once, then read only.
 */
#ifndef JOB_ARCHIVE_SCAN_H
#define JOB_ARCHIVE_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/err.h"
#include "base/progress.h"
#include "job/archive_in.h"
#include "mongo/catalog.h"
#include "mongo/users.h"

struct archive_seen {
	char ns[MONGO_NS_MAX];
	struct tally tally;
	uint64_t order;		/* changes with the order of the documents */
	uint64_t *ends;		/* of partitions: the ordinal behind the last
				 * document; the last one is the count */
	size_t n_ends;
};

struct archive_scan {
	struct archive_seen *v;	/* all collections but views, as they are in
				 * the archive */
	size_t n;
	char contents[65];	/* SHA-256 over metadata and tallies: another
				 * archive has another */
};

/* The same from what a snapshot says of itself: nothing is read.  NULL when memory
 * is out, ERR_DAMAGED for a name that is too long. */
struct archive_scan *archive_scan_snapshot(const struct snapshot_source *s,
    struct err *err);

/* Reads in to its end (a snapshot: archive_scan_snapshot()).  accounts: users and
 * roles in it are added there; NULL: nobody asks for them.  progress may be NULL.
 * NULL with *err: ERR_DAMAGED, ERR_CANCELLED, … */
struct archive_scan *archive_scan_new(struct archive_in *in,
    struct users *accounts, struct progress *progress, struct err *err);
void archive_scan_free(struct archive_scan *s);	/* NULL is allowed */

/* NULL when the archive has no documents' place for ns. */
const struct archive_seen *archive_scan_find(const struct archive_scan *s,
    const char *ns);

/* The name of a collection: "db.name".  False with ERR_DAMAGED when it is too
 * long. */
bool archive_scan_ns(const struct archive_collection *c,
    char out[MONGO_NS_MAX], struct err *err);

#endif
