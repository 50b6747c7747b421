#include <string.h>

#include "base/cancel.h"
#include "job/side.h"

#define REPLY_BYTES ((size_t)1024 * 1024)

/* The bytes that count on this side. */
static enum transform_outcome
as_expected(const struct side *side, const uint8_t **doc, size_t *len,
    struct rewrite_counts *counts, struct err *err)
{

	if (!side->is_source)
		return TRANSFORM_OK;
	return transform_document(side->transform, *doc, *len, doc, len,
	    counts, err);
}

static bool
take(const struct side *side, const uint8_t *doc, size_t len,
    struct rewrite_counts *counts, struct tally *sum, side_fn *each, void *arg,
    struct err *err)
{
	const uint8_t *raw = doc;
	size_t raw_len = len;
	struct tally one;

	switch (as_expected(side, &doc, &len, counts, err)) {
	case TRANSFORM_TOO_LARGE:
		if (!job_compares(side->job))
			return side->too_large == NULL ||
			    side->too_large(side->too_large_arg, raw, raw_len,
			    err);
		break;	/* never arrived: it is missing, as it was */
	case TRANSFORM_FAILED:
		return false;
	case TRANSFORM_OK:
		break;
	}
	memset(&one, 0, sizeof(one));
	if (!transform_compared(side->transform, &doc, &len, &one, err))
		return false;
	tally_add(sum, &one);
	return each == NULL || each(arg, doc, len, &one, err);
}

bool
side_read(const struct side *side, const struct part *p,
    struct rewrite_counts *counts, struct tally *sum, side_fn *each, void *arg,
    struct err *err)
{
	const struct move *m = p->move;
	const char *ns = side->is_source ? m->read_ns : m->write_ns;
	struct mongo_read read = {
		.ns = ns,
		.info = m->info,
		.range = m->stream ? NULL : &p->range,
		.filter = side->is_source && side->data->query.data != NULL ?
		    &side->data->query : NULL,
		.batch_bytes = REPLY_BYTES,
		.patience_ms = side->job->patience_ms,
		.at = side->at != NULL ? moment_at(side->at) : NULL,
	};
	struct rewrite_counts unused;
	struct mongo_cursor *cursor;
	enum mongo_next next;
	const uint8_t *doc;
	bool ok = true;
	size_t len;

	memset(&unused, 0, sizeof(unused));
	if ((cursor = mongo_cursor_new(side->session, &read, err)) == NULL)
		return false;
	while (ok && (next = mongo_cursor_next(cursor, &doc, &len, err)) !=
	    MONGO_END) {
		if (next == MONGO_FAILED)
			ok = side->at != NULL &&
			    moment_mend(side->at, cursor, err);
		else if (cancel_requested())
			ok = cancel_err(err);
		else
			ok = take(side, doc, len, counts != NULL ? counts :
			    &unused, sum, each, arg, err);
		if (next == MONGO_DOC && side->at != NULL)
			side->at->losses = 0;
	}
	mongo_cursor_free(cursor);
	if (!ok && err->kind != ERR_CANCELLED)
		err_prefix(err, "%s: %s",
		    side->is_source ? "source" : "target", ns);
	return ok;
}
