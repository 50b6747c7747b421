/*
 * How large a collection is.
 *
 * Inside mongo/ only; a session's thread calls.
 */
#ifndef MONGO_CATALOG_STATS_H
#define MONGO_CATALOG_STATS_H

#include <stdbool.h>

#include "base/err.h"
#include "mongo/catalog.h"

/* Fills count, bytes and index_bytes of c.  Where the server does not tell,
 * they stay 0: nothing depends on them but forecasts.  False with *err when
 * the server is gone or a stop was requested. */
bool catalog_stats(struct mongo_session *s, struct collection_info *c,
    struct err *err);

#endif
