/*
 * Asks a server which of some documents a filter matches, without storing them:
 * for documents that come from where no server is, but are to be chosen as one
 * would choose them.
 *
 * The documents are sent in an aggregation ($documents), and each is judged by
 * itself in a pipeline of its own ($lookup), so that the filter sees it at the
 * top level, whatever its fields are called, and the answer is its number.  It
 * agrees with find() on stored documents (dotted paths, arrays, types, $expr,
 * $jsonSchema, names that occur twice, names with $ or dots; with the
 * collection's collation) but for these: $where and what needs an index ($text,
 * $near) are refused by the server, field names of no bytes are refused here, and
 * arrays whose elements are not numbered 0, 1, 2 … are judged as if they were.
 *
 * Thread-safe, with a session for each thread.
 */
#ifndef MONGO_JUDGE_H
#define MONGO_JUDGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "mongo/catalog.h"
#include "mongo/client.h"

struct judge {
	const char *db;		/* whoever asks must have some right there */
	struct rawdoc query;
};

/* Tries the filter out on no document, before anything depends on it.  Blocks.
 * False with *err: ERR_UNSUPPORTED (a server before 6.0; what cannot be judged
 * so), what the server says of the filter. */
bool judge_check(struct mongo_session *s, const struct judge *j,
    struct err *err);

/* Judges the n whole documents that lie one behind the other in docs: left_out[i]
 * is true when the filter does not match.  options: those of their collection,
 * for its collation.  Blocks; tried again within the patience.  False with *err:
 * ERR_UNSUPPORTED for a document so large that it cannot be asked about. */
struct judge_documents {
	const uint8_t *docs;
	size_t len;
	size_t n;
	struct rawdoc options;
};
bool judge_documents(struct mongo_session *s, const struct judge *j,
    const struct judge_documents *d, bool *left_out, struct err *err);

#endif
