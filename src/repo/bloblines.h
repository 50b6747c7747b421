/*
 * An object that lists blobs, as snapshots and the notes of interrupted runs do
 * (docs/FORMAT.md, "Lists of blobs"): a head of JSON, a line for each blob, an
 * end with their number and a digest of all before it.
 *
 * Written into memory, read as it comes: bounded by one line.  What a reader
 * was told counts once bloblines_read() returned true.  For src/repo only.
 */
#ifndef REPO_BLOBLINES_H
#define REPO_BLOBLINES_H

#include <jansson.h>

#include "repo/snapshot.h"

#define BLOBLINES_VERSION 1

/* --- writing --- */

struct bloblines_writer {
	struct buf text;	/* what was written so far */
	uint64_t blobs, stored;
	bool failed;		/* memory, or too much */
};

/* format: as in the head, "spaceferry snapshot"; head (consumed; NULL: memory
 * was out) holds what else shall be there. */
void bloblines_begin(struct bloblines_writer *w, const char *format,
    json_t *head);
void bloblines_add(struct bloblines_writer *w, const struct repo_blob *blob,
    bool detail);
/* Ends it.  False with *err: what failed since bloblines_begin(). */
bool bloblines_end(struct bloblines_writer *w, struct err *err);
void bloblines_free(struct bloblines_writer *w);

/* --- reading --- */

struct bloblines_reader {
	const char *format;
	/* The rest of the head. */
	bool (*head)(void *arg, const json_t *head, struct err *err);
	/* NULL: nobody is told. */
	bool (*blob)(void *arg, const struct repo_blob *blob, bool detail,
	    struct err *err);
	void *arg;
	bool head_only;		/* the rest is neither read nor checked */
	/* Filled: */
	uint64_t blobs, stored;	/* the sum of their sizes */
	uint64_t size;
};

/* Reads the object called key.  ERR_DAMAGED says in which line and what;
 * ERR_UNSUPPORTED: of a newer version; ERR_NOT_FOUND; head's and blob's; what
 * the store says. */
bool bloblines_read(struct repo_session *s, const char *key,
    struct bloblines_reader *r, struct err *err);

#endif
