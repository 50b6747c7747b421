/*
 * Names the documents that keep a unique index from being built: the server's
 * error tells the key, not the documents.
 *
 * Blocks; one session, one thread.
 */
#ifndef MONGO_DUPLICATES_H
#define MONGO_DUPLICATES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "mongo/catalog.h"
#include "mongo/client.h"

/* Two documents with equal keys, each as a raw {"_id": value}; they live for
 * the call. */
typedef void mongo_duplicate_fn(void *arg, const struct rawdoc *one,
    const struct rawdoc *other);

/* Tells at most max pairs of documents of ns with equal keys under index (of
 * more than two with one key, the first and the last).  Keys inside arrays are
 * not looked into.  False with *err when the server cannot say. */
bool mongo_duplicates(struct mongo_session *s, const char *ns,
    const struct index_info *index, uint64_t max, mongo_duplicate_fn *tell,
    void *arg, struct err *err);

#endif
