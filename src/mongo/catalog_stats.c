#include <stdio.h>

#include "base/log.h"
#include "mongo/catalog_stats.h"
#include "mongo/session.h"

#define SAMPLE_DOCS 1000

/* Adds up a number of storageStats; a sharded collection has several. */
static uint64_t
sum(const struct buf *docs, const char *path)
{
	bson_iter_t it, at;
	uint64_t total = 0;
	size_t pos = 0;
	double value;
	bson_t doc;

	while (session_next_doc(docs, &pos, &doc)) {
		if (!bson_iter_init(&it, &doc) ||
		    !bson_iter_find_descendant(&it, path, &at) ||
		    !BSON_ITER_HOLDS_NUMBER(&at))
			continue;
		value = bson_iter_as_double(&at);
		if (value > 0)
			total += (uint64_t)value;
	}
	return total;
}

/* Runs an aggregation given as Extended JSON and collects its few answers.
 * False only when going on makes no sense. */
static bool
aggregate(struct mongo_session *s, const struct collection_info *c,
    const char *json, struct buf *out, struct err *err)
{
	char what[SESSION_NS_SIZE];
	bson_t cmd, pipeline, empty;
	struct session_call call = {
		.db = c->db, .command = &cmd, .what = what,
	};
	bson_error_t e;
	bool ok;

	snprintf(what, sizeof(what), "size of %s", c->ns);
	if (!bson_init_from_json(&pipeline, json, -1, &e))
		return err_set(err, ERR_INTERNAL, "%s: %s", what, e.message);
	bson_init(&cmd);
	bson_init(&empty);
	BSON_APPEND_UTF8(&cmd, "aggregate", c->name);
	BSON_APPEND_ARRAY(&cmd, "pipeline", &pipeline);
	BSON_APPEND_DOCUMENT(&cmd, "cursor", &empty);
	ok = session_collect(s, &call, out, err);
	bson_destroy(&empty);
	bson_destroy(&cmd);
	bson_destroy(&pipeline);
	if (ok || err_retryable(err->kind) || err->kind == ERR_CANCELLED ||
	    err->kind == ERR_NOMEM)
		return ok;
	log_debug("%s", err->message);
	err_clear(err);
	return true;
}

/* The server counts buckets, not measurements: those are counted, and their
 * size is taken from the first ones. */
static bool
measurements(struct mongo_session *s, struct collection_info *c,
    struct buf *answer, struct err *err)
{
	static const char count[] =
	    "[{\"$group\":{\"_id\":null,\"n\":{\"$sum\":1}}}]";
	char sample[160];
	uint64_t sampled;

	answer->len = 0;
	if (!aggregate(s, c, count, answer, err))
		return false;
	c->count = sum(answer, "n");
	snprintf(sample, sizeof(sample), "[{\"$limit\":%d},{\"$group\":"
	    "{\"_id\":null,\"n\":{\"$sum\":1},\"bytes\":{\"$sum\":"
	    "{\"$bsonSize\":\"$$ROOT\"}}}}]", SAMPLE_DOCS);
	answer->len = 0;
	if (!aggregate(s, c, sample, answer, err))
		return false;
	if ((sampled = sum(answer, "n")) > 0)
		c->bytes = (uint64_t)((double)sum(answer, "bytes") /
		    (double)sampled * (double)c->count);
	return true;
}

bool
catalog_stats(struct mongo_session *s, struct collection_info *c,
    struct err *err)
{
	static const char stats[] = "[{\"$collStats\":{\"storageStats\":{}}}]";
	struct buf answer;
	bool ok;

	buf_init(&answer, (size_t)16 * 1024 * 1024);
	ok = aggregate(s, c, stats, &answer, err);
	if (ok) {
		c->count = sum(&answer, "storageStats.count");
		c->bytes = sum(&answer, "storageStats.size");
		c->index_bytes = sum(&answer, "storageStats.totalIndexSize");
	}
	if (ok && c->type == COLLECTION_TIMESERIES)
		ok = measurements(s, c, &answer, err);
	buf_free(&answer);
	return ok;
}
