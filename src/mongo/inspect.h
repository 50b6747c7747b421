/*
 * Small questions about a deployment that was opened, and the one try to write
 * that leaves nothing behind.  For doctor.
 *
 * A session's thread calls; each blocks for a command or a few.
 */
#ifndef MONGO_INSPECT_H
#define MONGO_INSPECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "mongo/catalog.h"
#include "mongo/client.h"

/* What Atlas counts of a database: uncompressed documents and indexes, in
 * bytes (dbStats' dataSize + indexSize). */
bool inspect_db_bytes(struct mongo_session *s, const char *db, uint64_t *bytes,
    struct err *err);

/* featureCompatibilityVersion, "6.0"; "" where the user may not ask. */
bool inspect_compatibility(struct mongo_session *s, char out[16],
    struct err *err);

/* Whether a document of ns matches filter.  The server looks for max_ms at
 * most, then it is false with ERR_UNSUPPORTED or ERR_NETWORK (code 50). */
bool inspect_matches(struct mongo_session *s, const char *ns,
    const struct rawdoc *filter, uint64_t max_ms, bool *any, struct err *err);

/* True when these options, or an index of info, name the field (top level). */
bool inspect_has_option(const struct collection_info *info, const char *field);
bool inspect_has_index_option(const struct collection_info *info,
    const char *field);

/* Makes a collection of a random name in db, inserts a document, removes it,
 * drops the collection: also after a failure, and when a stop is requested
 * meanwhile.  False with the first thing that failed; *left is the name of what
 * could not be removed, "" as a rule. */
#define INSPECT_NAME_SIZE 64
bool inspect_write(struct mongo_session *s, const char *db,
    char left[INSPECT_NAME_SIZE], struct err *err);

#endif
