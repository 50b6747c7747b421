/*
 * The manifest of moved files: for each key what was sent and what the store
 * answered.  It outlives success, so that the next run skips what is there and
 * equal, and verification knows what must be there.  A file of checksummed
 * lines beside the journal (docs/FORMAT.md); about 150 bytes a file are held in
 * memory.
 *
 * Thread-safe.
 */
#ifndef STATE_MANIFEST_H
#define STATE_MANIFEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/hash.h"
#include "state/place.h"

struct manifest;

struct manifest_entry {
	uint64_t size;		/* of the source object */
	int64_t mtime_ns;	/* of the source object; 0 if not known */
	uint8_t sha256[HASH_SHA256_SIZE]; /* of what was sent (after rewriting) */
	uint64_t sent_size;	/* of what was sent */
	int64_t sent_mtime_ns;	/* as the target lists it; 0 if not known */
	char etag[256];		/* as returned, opaque; "" if none */
	char headers[24];	/* short digest of the headers it was sent with */
};

/* Opens name in place, which outlives it, making it if missing.  NULL with
 * *err: ERR_DAMAGED, ERR_UNSUPPORTED, ERR_DISK, ERR_DENIED or what a store
 * says. */
struct manifest *manifest_open(struct place *place, const char *name,
    struct err *err);

/* The same for looking only, as it is now: place need not be locked, nothing
 * is written, a missing one is empty.  What would write to it is
 * ERR_INTERNAL. */
struct manifest *manifest_read(struct place *place, const char *name,
    struct err *err);
void manifest_free(struct manifest *m);	/* NULL is allowed; keeps the file */

/* True with *entry when key is known. */
bool manifest_get(struct manifest *m, const char *key,
    struct manifest_entry *entry);

/* Records key; durable after manifest_sync(). */
bool manifest_put(struct manifest *m, const char *key,
    const struct manifest_entry *entry, struct err *err);
bool manifest_remove(struct manifest *m, const char *key, struct err *err);
size_t manifest_count(struct manifest *m);

/* Unfinished multipart uploads: key -> upload id, durable on return; ""
 * forgets it. */
bool manifest_put_upload(struct manifest *m, const char *key,
    const char *upload_id, const struct manifest_entry *entry,
    struct err *err);
/* False when there is none, or when it was for other contents (sha256). */
bool manifest_get_upload(struct manifest *m, const char *key,
    const uint8_t sha256[HASH_SHA256_SIZE], char *upload_id, size_t size);

/* Makes what was recorded durable; compacts the file when most of its lines
 * are stale. */
bool manifest_sync(struct manifest *m, struct err *err);

#endif
