#include <stdio.h>
#include <string.h>

#include "base/cancel.h"
#include "bson/doc.h"
#include "doctor/ends.h"
#include "job/transform.h"
#include "mongo/catalog.h"
#include "mongo/inspect.h"
#include "mongo/source.h"

#define MIB (1024.0 * 1024)
#define M0_BYTES ((uint64_t)512 * 1024 * 1024)
#define FLEX_BYTES ((uint64_t)5 * 1024 * 1024 * 1024)
#define TRANSFER_BYTES ((uint64_t)10 * 1024 * 1024 * 1024)
#define SMALL_DEPTH 50

/* What is read of each collection at most: that many documents, some from each
 * of a few places; and how long all of them together may take. */
#define SAMPLE_DOCS 1000
#define SAMPLE_BYTES ((uint64_t)4 << 20)	/* less is read to its end */
#define SAMPLE_PLACES 8
#define SAMPLE_SPLIT_MOST 2000000	/* documents: finding places costs */
#define SAMPLE_MS 8000
#define REPLY_BYTES ((size_t)256 * 1024)

struct sample {
	struct doctor_ends *all;
	struct transform *transform;	/* of the move that is read */
	const struct move *move;
	uint64_t until;			/* cancel_now() */
	uint64_t docs, before, after;	/* of this move */
	uint64_t too_large_before;	/* it */
	uint64_t left;			/* documents for this place */
	bool whole;			/* the move was read to its end */
	/* of all */
	uint64_t seen, known, bytes, index_bytes, too_large;
	bool all_whole;
	unsigned depth;
	const char *deepest;		/* namespace */
	struct doctor_names large;
};

static bool
take(struct sample *s, const uint8_t *doc, size_t len, struct err *err)
{
	struct rewrite_counts counts;
	const uint8_t *out;
	unsigned depth;
	size_t out_len;

	memset(&counts, 0, sizeof(counts));
	s->docs++;
	s->before += len;
	if ((depth = doc_depth(doc, len)) > s->depth) {
		s->depth = depth;
		s->deepest = s->move->info->ns;
	}
	switch (transform_document(s->transform, doc, len, &out, &out_len,
	    &counts, err)) {
	case TRANSFORM_OK:
		s->after += out_len;
		return true;
	case TRANSFORM_TOO_LARGE:
		if (s->too_large++ == s->too_large_before)
			doctor_names_add(&s->large, s->move->info->ns);
		return true;
	case TRANSFORM_FAILED:
		break;
	}
	return false;
}

/* Reads from the beginning of a range (NULL: of the collection). */
static bool
read_place(void *arg, const struct mongo_range *range, struct err *err)
{
	struct sample *s = arg;
	struct mongo_read read = {
		.ns = s->move->read_ns,
		.info = s->move->info,
		.range = range,
		.filter = s->all->data.query.data != NULL ?
		    &s->all->data.query : NULL,
		.batch_bytes = REPLY_BYTES,
		.patience_ms = DOCTOR_STEP_MS,
	};
	enum mongo_next next = MONGO_END;
	struct mongo_cursor *cursor;
	const uint8_t *doc;
	uint64_t n = 0;
	bool ok = true;
	size_t len;

	cursor = mongo_cursor_new(s->all->source.end->session, &read, err);
	if (cursor == NULL)
		return false;
	while (ok && n < s->left && cancel_now() < s->until &&
	    (next = mongo_cursor_next(cursor, &doc, &len, err)) == MONGO_DOC) {
		ok = cancel_requested() ? cancel_err(err) :
		    take(s, doc, len, err);
		n++;
	}
	/* One more tells whether that was all. */
	if (ok && n == s->left && cancel_now() < s->until)
		next = mongo_cursor_next(cursor, &doc, &len, err);
	s->whole = s->whole && next == MONGO_END && cancel_now() < s->until;
	mongo_cursor_free(cursor);
	return ok && next != MONGO_FAILED;
}

static bool
read_move(struct sample *s, struct err *err)
{
	const struct collection_info *info = s->move->info;
	struct mongo_range all = { { NULL, 0 }, { NULL, 0 } };
	struct mongo_split split = {
		.info = info, .max_docs = info->count / SAMPLE_PLACES + 1,
		.max_bytes = UINT64_MAX, .range = read_place, .arg = s,
	};

	s->docs = s->before = s->after = 0;
	s->too_large_before = s->too_large;
	s->whole = true;
	if (cancel_now() >= s->until) {
		s->whole = false;
		return true;
	}
	s->left = info->bytes > SAMPLE_BYTES ? SAMPLE_DOCS : UINT64_MAX;
	if (s->move->stream)
		return read_place(s, NULL, err);
	if (s->left == UINT64_MAX || info->count <= SAMPLE_DOCS ||
	    info->count > SAMPLE_SPLIT_MOST)
		return read_place(s, &all, err);
	s->left = SAMPLE_DOCS / SAMPLE_PLACES;
	return mongo_split(s->all->source.end->session, &split, err);
}

static void
add_up(struct sample *s)
{
	const struct collection_info *info = s->move->info;
	double growth = s->before > 0 ? (double)s->after / (double)s->before :
	    1;

	s->seen += s->docs;
	s->known += s->whole ? s->docs : info->count;
	s->bytes += s->whole ? s->after :
	    (uint64_t)((double)info->bytes * growth);
	s->index_bytes += info->index_bytes;
	s->all_whole = s->all_whole && s->whole;
}

static bool
read_all(struct sample *s, struct err *err)
{
	struct doctor_ends *all = s->all;
	bool ok = true;
	size_t i;

	for (i = 0; ok && i < all->data.n_moves; i++) {
		struct transform_options options = {
			.job = &all->doctor->job, .move = &all->data.moves[i],
		};

		s->move = &all->data.moves[i];
		if (s->move->info->type == COLLECTION_VIEW)
			continue;
		/* Of an archive sizes are known, and no more. */
		if (all->source.end->kind != END_MONGO) {
			s->docs = s->before = s->after = 0;
			s->whole = false;
			add_up(s);
			continue;
		}
		if ((s->transform = transform_new(&options, err)) == NULL)
			return false;
		ok = read_move(s, err);
		transform_free(s->transform);
		add_up(s);
	}
	return ok;
}

/* "all N documents", "N of about M documents". */
static const char *
how_many(const struct sample *s, char out[96])
{

	if (s->all_whole)
		snprintf(out, 96, "all %llu documents",
		    (unsigned long long)s->seen);
	else
		snprintf(out, 96, "%llu of about %llu documents",
		    (unsigned long long)s->seen, (unsigned long long)s->known);
	return out;
}

static void
tell_documents(const struct sample *s)
{
	struct doctor_names names = s->large;
	char many[96];

	if (s->too_large > 0)
		doctor_fail(s->all->doctor, "documents", "make these documents "
		    "smaller, or --rewrite-skip their fields: they would go to "
		    "quarantine", "documents that pass 16 MiB once rewritten, "
		    "in %s (%s looked at)", doctor_names_text(&names),
		    how_many(s, many));
	else if (s->seen > 0 || s->known == 0)
		doctor_pass(s->all->doctor, "documents", "none passes 16 MiB "
		    "once rewritten (%s looked at)", how_many(s, many));
	else
		doctor_skip(s->all->doctor, "documents", "those in an archive "
		    "are not rewritten here: migrate --dry-run does that");
}

static void
tell_depth(const struct sample *s)
{
	char many[96];

	if (s->depth > SMALL_DEPTH)
		doctor_fail(s->all->doctor, "depth", "change the app's "
		    "documents, choose a dedicated tier (100 levels), or "
		    "--exclude the collection", "%s has documents of %u levels "
		    "in each other; this tier of Atlas takes %d",
		    s->deepest, s->depth, SMALL_DEPTH);
	else if (s->seen > 0 || s->known == 0)
		doctor_pass(s->all->doctor, "depth", "at most %u levels of the "
		    "%d that this tier of Atlas takes (%s looked at)",
		    s->depth, SMALL_DEPTH, how_many(s, many));
	else
		doctor_skip(s->all->doctor, "depth", "documents in an archive "
		    "are not looked into");
}

/* What the target holds that stays. */
static bool
used_bytes(struct doctor_ends *all, uint64_t *used, struct err *err)
{
	struct strings dbs = { NULL, 0 };
	const struct catalog *c = all->data.target.catalog;
	uint64_t bytes;
	bool ok;
	size_t i;

	*used = 0;
	ok = catalog_databases(all->target.end->session, &dbs, err);
	for (i = 0; ok && i < dbs.n; i++) {
		if (inspect_db_bytes(all->target.end->session, dbs.v[i],
		    &bytes, err))
			*used += bytes;
		else
			ok = err->kind == ERR_DENIED;
	}
	strings_free(&dbs);
	for (i = 0; ok && all->doctor->job.options->drop &&
	    i < all->data.n_moves; i++) {
		const struct collection_info *there = catalog_find(c,
		    all->data.moves[i].target_ns);

		bytes = there == NULL ? 0 : there->bytes + there->index_bytes;
		*used -= bytes < *used ? bytes : *used;
	}
	return ok;
}

static void
tell_quota(const struct sample *s, uint64_t used)
{
	uint64_t need = s->bytes + s->index_bytes, sum = need + used;
	/* Who holds more than M0 may is Flex. */
	uint64_t quota = used > M0_BYTES ? FLEX_BYTES : M0_BYTES;
	struct doctor_finding f = { "quota", SPACEFERRY_PASS, "" };
	char many[96];

	if (sum > quota) {
		f.verdict = SPACEFERRY_FAIL;
		f.remedy = sum > FLEX_BYTES ? "choose a dedicated tier, or move "
		    "less: --exclude, --query" : "choose a larger tier (Flex "
		    "holds 5 GB: if this is Flex, all is well), or move less: "
		    "--exclude, --query";
	} else if (sum > quota / 10 * 9) {
		f.verdict = SPACEFERRY_WARN;
		f.remedy = "little is left for the app to grow: choose a larger "
		    "tier soon, or move less";
	}
	doctor_tell(s->all->doctor, &f, "%.1f MiB of documents%s and %.1f MiB of "
	    "indexes come, %.1f MiB are there: %.1f of %s MiB (%s looked at)",
	    (double)s->bytes / MIB, s->all->doctor->job.n_rules == 0 ? "" :
	    s->seen > 0 ? " once rewritten" : " before they are rewritten",
	    (double)s->index_bytes / MIB,
	    (double)used / MIB, (double)sum / MIB, quota == M0_BYTES ? "512" :
	    "5120", how_many(s, many));
}

static void
tell_transfer(const struct sample *s)
{

	if (s->bytes > TRANSFER_BYTES)
		doctor_warn(s->all->doctor, "transfer", "M0 is slowed down "
		    "after 10 GB in 7 days in one direction: move in parts, or "
		    "choose a larger tier", "%.1f MiB go in, and out again to be "
		    "verified", (double)s->bytes / MIB);
	else
		doctor_pass(s->all->doctor, "transfer", "about %.1f MiB go in, "
		    "and out again to be verified; M0 is slowed down after "
		    "10240 MiB in 7 days", (double)s->bytes / MIB);
}

enum doctor_next
doctor_fit_size(struct doctor_ends *all, struct err *err)
{
	struct sample s;
	uint64_t used;

	memset(&s, 0, sizeof(s));
	s.all = all;
	s.all_whole = true;
	s.until = cancel_now() + (uint64_t)SAMPLE_MS * 1000000;
	if (!read_all(&s, err))
		return doctor_failed(all->doctor, "documents", err);
	tell_documents(&s);
	if (!all->small) {
		doctor_pass(all->doctor, "quota", "%.1f MiB of documents and "
		    "%.1f MiB of indexes come; the target has no quota that it "
		    "tells", (double)s.bytes / MIB, (double)s.index_bytes / MIB);
		return DOCTOR_GO;
	}
	tell_depth(&s);
	if (!used_bytes(all, &used, err))
		return doctor_failed(all->doctor, "quota", err);
	tell_quota(&s, used);
	tell_transfer(&s);
	return DOCTOR_GO;
}
