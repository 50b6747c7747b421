/*
 * The find command, sent as a command: only so can it carry a readConcern with
 * atClusterTime, and only so does each getMore have a batchSize of its own.
 *
 * Inside mongo/ only; a session's thread calls.
 */
#ifndef MONGO_FIND_H
#define MONGO_FIND_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "mongo/session.h"
#include "mongo/source.h"

/* Zero and NULL leave a field out of the command. */
struct find {
	const bson_t *opts;	/* from session_start(); find_one() needs none */
	const struct rawdoc *filter;
	const struct mongo_time *at;
	uint64_t batch_docs;
	bool natural;		/* hint {$natural: 1} */
	bool by_id;		/* hint {_id: 1}, with min and max if present */
	const struct rawdoc *low;
	const struct rawdoc *high;
	bool max_key;		/* only the document whose _id is MaxKey */
	bool ids_only;
	uint64_t skip;
	uint64_t limit;
	uint64_t max_ms;	/* maxTimeMS */
	/* find_one(): the one of least rank in its batch; NULL: the first. */
	uint64_t (*rank)(void *arg, const uint8_t *doc, size_t len);
	void *rank_arg;
};

/* Sends it.  *reply is initialised whatever happens; the caller destroys it. */
bool find_open(struct mongo_session *s, const struct session_ns *ns,
    const struct find *f, bson_t *reply, struct err *err);

struct find_more {
	int64_t id;
	uint64_t batch_docs;
	const bson_t *opts;
};
bool find_more(struct mongo_session *s, const struct session_ns *ns,
    const struct find_more *m, bson_t *reply, struct err *err);

/* Kills the cursor; failures do not matter. */
void find_kill(struct mongo_session *s, const struct session_ns *ns,
    const bson_t *opts, int64_t id);

/* Runs a find that one reply answers and returns its first document in *out
 * (empty before); *found false when there is none.  Tried again within the
 * server's patience. */
bool find_one(struct mongo_session *s, const struct session_ns *ns,
    const struct find *f, struct rawdoc *out, bool *found, struct err *err);

#endif
