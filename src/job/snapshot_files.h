/*
 * The files of one place of a snapshot as a store that can only be read: so that
 * files are restored, verified and compared by the same code that moves them.
 *
 * Keys, sizes, times and SHA-256 (as ETag, in hex) are those of the snapshot; a
 * copy of what its details say of the place is held in memory: for each file its
 * key and about 110 bytes, and 32 for each MiB of it.  An open file of up to
 * memory bytes is fetched once, however often it is read, and held; of a larger
 * one there is one blob at a time.
 *
 * Each blob is proven by its name, and all of a file by its SHA-256 before the
 * end of it is handed out: who has read to the end without an error has what was
 * backed up.  Nothing can be put or removed (ERR_UNSUPPORTED).
 *
 * Order and threads as for any store; source outlives it.
 */
#ifndef JOB_SNAPSHOT_FILES_H
#define JOB_SNAPSHOT_FILES_H

#include "base/err.h"
#include "job/snapshot_source.h"
#include "store/store.h"

/* place: its name; NULL: the only one.  memory: for each open file; less than a
 * blob counts as one.  Reads the details once.  Blocks.  NULL
 * with *err: ERR_USAGE (no such place; the hint lists them), ERR_DAMAGED, what
 * the repository said. */
struct store *snapshot_files_open(const struct snapshot_source *source,
    const char *place, const struct store_options *options, size_t memory,
    struct err *err);

#endif
