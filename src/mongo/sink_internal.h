/*
 * The parts of the sink, for its own files: what is written, in which way, and
 * who settles what the server objects to.
 *
 *   sink.c           cuts a batch into runs that one command can carry
 *   sink_insert.c    sends a run and sorts the server's answers
 *   sink_conflict.c  documents whose _id is there already
 *   sink_replace.c   deletes them and inserts ours
 *   sink_stamp.c     Timestamp(0,0) on servers that would replace it
 */
#ifndef MONGO_SINK_INTERNAL_H
#define MONGO_SINK_INTERNAL_H

#include "base/retry.h"
#include "mongo/classify.h"
#include "mongo/session.h"
#include "mongo/sink.h"

/* How a document has to be sent. */
enum sink_way {
	SINK_BULK,		/* as libmongoc sends many */
	SINK_COMMAND,		/* as a command of our own making: without an
				 * _id (libmongoc would add one), or with a flag
				 * that libmongoc does not know */
	SINK_STAMP		/* inserted, then corrected */
};

struct sink_item {
	const uint8_t *doc;
	uint32_t len;
	enum sink_way way;
};

struct mongo_sink {
	struct mongo_session *session;
	struct mongo_sink_options o;	/* o.ns is ours */
	struct session_ns ns;
	mongoc_collection_t *coll;
	bool keeps_stamps;	/* the server knows bypassEmptyTsReplacement */
	bool bypassed;		/* what sink_bypasses() said last */
	struct retry retry;
	struct sink_item *items;	/* of the chunk being written */
	struct mongo_written *written;	/* the caller's */
};

/* What came of one attempt to write. */
struct sink_result {
	bson_t reply;
	bson_error_t e;
	bool ok;		/* nothing at all to complain of */
};
void sink_result_free(struct sink_result *r);

/* One entry of writeErrors. */
struct sink_error {
	size_t index;
	int32_t code;
	const char *message;	/* in the reply */
	bool on_id;		/* E11000 on _id itself */
};

/* Walks writeErrors: *at starts zeroed.  False at the end. */
struct sink_error_walk {
	bool started;
	bson_iter_t it;
};
bool sink_next_error(const bson_t *reply, struct sink_error_walk *w,
    struct sink_error *out);

/* True when the write concern was not met: what was written may yet be lost.
 * Leaves *why (may be NULL) before the fields that say why. */
bool sink_concern_failed(const bson_t *reply, bson_iter_t *why);

/* How many documents the server says it inserted. */
uint64_t sink_inserted(const bson_t *reply);

/* Inserts n items of one way, whatever it takes: conflicts are settled,
 * refused documents told.  items may be reordered.  False with *err when the
 * run cannot go on. */
bool sink_insert(struct mongo_sink *k, struct sink_item *items, size_t n,
    struct err *err);

/* An error of the whole command: *err says which; true when the same may be
 * sent again (it has been waited). */
bool sink_may_repeat(struct mongo_sink *k, const struct sink_result *r,
    struct err *err);

/* Settles n items whose _id is there: equal, kept, replaced or refused.  Those
 * that are not there after all are moved to the front and counted in *gone. */
bool sink_conflict(struct mongo_sink *k, struct sink_item *items, size_t n,
    size_t *gone, struct err *err);

/* Documents to be put in place of those that are there, in groups. */
struct replacement;
struct replacement *sink_replace_new(struct mongo_sink *k);
void sink_replace_free(struct replacement *r);	/* NULL is allowed */
/* item may be changed afterwards, its document not; old is copied. */
bool sink_replace_add(struct replacement *r, const struct sink_item *item,
    const uint8_t *old, size_t old_len, struct err *err);
bool sink_replace_flush(struct replacement *r, struct err *err);

/* Inserts one document that has a zero Timestamp, and corrects what the server
 * made of it. */
bool sink_stamp(struct mongo_sink *k, struct sink_item *item, struct err *err);

/* Corrects it: it is there, but for its Timestamps.  If the server refuses
 * that, it is taken away, told as refused, and *counted is one less. */
bool sink_stamp_correct(struct mongo_sink *k, const struct sink_item *item,
    uint64_t *counted, struct err *err);

/* Tells the caller of a document that did not get in. */
void sink_refuse(struct mongo_sink *k, const struct sink_item *item,
    const struct sink_error *why);

/* Adds one insert to a bulk, unchecked. */
bool sink_add(mongoc_bulk_operation_t *bulk, const struct sink_item *item,
    const bson_t *no_checks, bson_error_t *e);

/* True while bypassDocumentValidation is asked for: whoever builds a command
 * asks, and sink_may_repeat() goes by what that command was told (another
 * thread may have been refused meanwhile). */
bool sink_bypasses(struct mongo_sink *k);

/* Runs one write command of our own making, once. */
void sink_command(struct mongo_sink *k, const bson_t *cmd,
    struct sink_result *r);

/* Appends {_id: {$eq: the item's}} to *filter.  False without an _id. */
bool sink_append_id(bson_t *filter, const struct sink_item *item);

#endif
