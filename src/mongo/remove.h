/*
 * Removes documents by _id, and only those whose _id has just these bytes: the
 * server holds 1 and 1.0, or, under a collation, é and e for the same _id, and
 * the one may have taken the other's place meanwhile.
 *
 * One session, one thread.
 */
#ifndef MONGO_REMOVE_H
#define MONGO_REMOVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "mongo/client.h"

/* Documents {"_id": …}, one behind the other, len bytes in all. */
struct mongo_ids {
	const char *ns;
	const uint8_t *docs;
	size_t len;
};

/* Adds to *removed how many there were.  Blocks; tried again within the
 * server's patience (a document that is removed when the answer is lost is not
 * counted).  False with *err: ERR_DENIED, ERR_NETWORK, … */
bool mongo_remove(struct mongo_session *s, const struct mongo_ids *ids,
    uint64_t *removed, struct err *err);

#endif
