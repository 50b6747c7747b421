/*
 * Where a sequence of documents is cut into runs, for backups: 512 KiB to 2 MiB,
 * 1 MiB on average, a larger document alone.  The places depend on the documents
 * (a hash of _id) and not on where reading began, so that the same documents
 * become the same runs again, whatever was added or removed elsewhere.
 *
 * docs/FORMAT.md, "Runs", has the rule for a second implementation.  Pure
 * functions; thread-safe.
 */
#ifndef BSON_DOCRUN_H
#define BSON_DOCRUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DOCRUN_MIN ((size_t)512 * 1024)
#define DOCRUN_MAX ((size_t)2 * 1024 * 1024)

/* One sequence: seed set, the rest zero at its beginning. */
struct docrun {
	uint64_t seed;		/* a secret: sizes of runs do not tell which
				 * known documents they hold */
	size_t len;		/* bytes of the run at hand */
};

/* XXH3-64 under seed of the type and value of doc's _id; of all of doc where it
 * has none. */
uint64_t docrun_hash(uint64_t seed, const uint8_t *doc, size_t len);

/* Takes the next document; true when a new run begins with it. */
bool docrun_cuts(struct docrun *r, const uint8_t *doc, size_t len);

#endif
