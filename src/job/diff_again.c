#include <stdlib.h>
#include <string.h>

#include "base/cancel.h"
#include "bson/doc.h"
#include "bson/docdigest.h"
#include "job/diff_again.h"
#include "job/transform.h"

#define IDS_MAX ((size_t)4 * 1024 * 1024)	/* of one question */
#define REPLY_BYTES ((size_t)1024 * 1024)
#define LOOKS_MAX 10

/* One side: where it is read, and the document as it is compared. */
struct side_now {
	struct mongo_session *session;
	uint64_t writes;	/* at the start */
	bool writes_known;
	struct buf raw;
	struct buf compared;	/* empty: there is none */
};

struct diff_again {
	struct job *job;
	struct side_now source;
	struct side_now target;
	struct transform *transform;
	const struct move *move; /* that transform is for */
	struct buf id;
};

static bool
open_side(struct side_now *s, struct mongo_server *server, struct err *err)
{
	struct err ignored;

	buf_init(&s->raw, REWRITE_DOC_MAX + 65536);
	buf_init(&s->compared, REWRITE_DOC_MAX + 65536);
	if ((s->session = mongo_session_new(server, err)) == NULL)
		return false;
	s->writes_known = mongo_write_counter(s->session, &s->writes,
	    &ignored);
	return true;
}

static void
close_side(struct side_now *s)
{

	mongo_session_free(s->session);
	buf_free(&s->raw);
	buf_free(&s->compared);
}

bool
diff_again_open(struct diff_again **again, struct job *job, struct data *data,
    struct err *err)
{
	struct diff_again *a;

	*again = NULL;
	if (data->source.kind != END_MONGO || data->target.kind != END_MONGO ||
	    data->query.data != NULL)
		return true;
	if ((a = calloc(1, sizeof(*a))) == NULL)
		return err_nomem(err, "differences");
	a->job = job;
	buf_init(&a->id, REWRITE_DOC_MAX + 65536);
	if (!open_side(&a->source, data->source.server, err) ||
	    !open_side(&a->target, data->target.server, err)) {
		diff_again_close(a);
		return false;
	}
	/* What was written since the catalogs were read counts, too. */
	if (data->writes_known)
		a->source.writes = data->writes_before;
	*again = a;
	return true;
}

void
diff_again_close(struct diff_again *a)
{

	if (a == NULL)
		return;
	transform_free(a->transform);
	close_side(&a->source);
	close_side(&a->target);
	buf_free(&a->id);
	free(a);
}

static bool
was_written(struct side_now *s)
{
	struct err ignored;
	uint64_t now;

	return !s->writes_known ||
	    !mongo_write_counter(s->session, &now, &ignored) ||
	    now != s->writes;
}

bool
diff_again_needed(struct diff_again *a)
{

	return was_written(&a->source) || was_written(&a->target);
}

bool
diff_again_may(const struct move *m)
{

	return m->info->type == COLLECTION_PLAIN;
}

static bool
follow_move(struct diff_again *a, const struct move *m, struct err *err)
{
	struct transform_options options = { .job = a->job, .move = m };

	if (a->move == m)
		return true;
	transform_free(a->transform);
	a->move = NULL;
	if ((a->transform = transform_new(&options, err)) == NULL)
		return false;
	a->move = m;
	return true;
}

/* The index takes 1 and 1.0 for the same _id, and with a collation "a" and "A";
 * they are two documents here, as where they were first read. */
static bool
is_the_one(const struct diff_again *a, const struct buf *doc)
{
	struct buf id;
	bool same;

	buf_init(&id, a->id.max);
	same = doc_id(doc->data, doc->len, &id) && id.len == a->id.len &&
	    memcmp(id.data, a->id.data, id.len) == 0;
	buf_free(&id);
	return same;
}

/* What a document of s is compared by; *doc lives until the next call. */
static bool
as_compared(struct diff_again *a, const struct side_now *s,
    const uint8_t **doc, size_t *len, struct err *err)
{
	struct rewrite_counts unused = { 0 };
	struct tally ignored = { 0 };

	/* One that becomes too large is compared as it was. */
	if (s == &a->source && transform_document(a->transform, *doc, *len,
	    doc, len, &unused, err) == TRANSFORM_FAILED)
		return false;
	return transform_compared(a->transform, doc, len, &ignored, err);
}

/* Reads one side to its compared form.  *same: as it was when last looked at. */
static bool
look(struct diff_again *a, struct side_now *s, bool *same, struct err *err)
{
	bool is_source = s == &a->source, found;
	struct rawdoc id = { a->id.data, a->id.len };
	const uint8_t *doc;
	size_t len;

	buf_reset(&s->raw);
	if (!mongo_fetch(s->session, is_source ? a->move->read_ns :
	    a->move->write_ns, &id, &s->raw, &found, err))
		return err_prefix(err, is_source ? "source" : "target");
	found = found && is_the_one(a, &s->raw);
	doc = s->raw.data;
	len = found ? s->raw.len : 0;
	if (found && !as_compared(a, s, &doc, &len, err))
		return false;
	*same = len == s->compared.len &&
	    (len == 0 || memcmp(doc, s->compared.data, len) == 0);
	buf_reset(&s->compared);
	return len == 0 || buf_append(&s->compared, doc, len) ||
	    err_nomem(err, "document");
}

/* What the two looks come to. */
static void
judge(const struct diff_again *a, struct drill_found *f)
{
	const struct buf *s = &a->source.compared, *t = &a->target.compared;

	f->source = s->len > 0 ? s->data : NULL;
	f->source_len = s->len;
	f->target = t->len > 0 ? t->data : NULL;
	f->target_len = t->len;
	if (s->len == 0 && t->len == 0)
		f->verdict = DRILL_SAME;
	else if (s->len == 0)
		f->verdict = DRILL_EXTRA;
	else if (t->len == 0)
		f->verdict = DRILL_MISSING;
	else
		f->verdict = doc_same(s->data, s->len, t->data, t->len) ?
		    DRILL_SAME : DRILL_DIFFERENT;
}

/* Sets the _id to ask for. */
static bool
begin(struct diff_again *a, const struct drill_found *f,
    struct err *err)
{
	const uint8_t *doc = f->source != NULL ? f->source : f->target;
	size_t len = f->source != NULL ? f->source_len : f->target_len;

	if (!follow_move(a, f->move, err))
		return false;
	buf_reset(&a->id);
	buf_reset(&a->source.compared);
	buf_reset(&a->target.compared);
	return doc_id(doc, len, &a->id) || err_set(err, ERR_DAMAGED,
	    "%s: a document has no _id", f->move->target_ns);
}

static struct digest
seen_of(const struct side_now *s)
{
	struct digest none = { 0, 0 };

	return s->compared.len > 0 ? docdigest(s->compared.data,
	    s->compared.len) : none;
}

bool
diff_again_glance(struct diff_again *a, const struct drill_found *f,
    struct diff_seen *seen, struct err *err)
{
	bool unused;

	if (!begin(a, f, err) ||
	    !look(a, &a->source, &unused, err) ||
	    !look(a, &a->target, &unused, err))
		return false;
	*seen = (struct diff_seen){ seen_of(&a->source), seen_of(&a->target) };
	return true;
}

bool
diff_again_look(struct diff_again *a, struct drill_found *f,
    const struct diff_seen *seen, struct err *err)
{
	bool source_same = false, target_same = false;
	unsigned looks;

	if (!begin(a, f, err))
		return false;
	for (looks = 0; looks < LOOKS_MAX; looks++) {
		if (looks > 0 && !cancel_sleep(DIFF_AGAIN_PAUSE_MS))
			return cancel_err(err);
		if (!look(a, &a->source, &source_same, err) ||
		    !look(a, &a->target, &target_same, err))
			return false;
		if (looks == 0) {
			source_same = digest_equal(seen->source,
			    seen_of(&a->source));
			target_same = digest_equal(seen->target,
			    seen_of(&a->target));
		}
		judge(a, f);
		if (f->verdict == DRILL_SAME || (source_same && target_same))
			break;
	}
	return true;
}

/* --- many at once --- */

/* One of those that are asked for. */
struct asked {
	struct digest id;
	size_t at;		/* in found and same */
	bool seen;
};

struct question {
	struct diff_again *again;
	const struct drill_found *found;
	bool *same;
	struct asked *v;	/* sorted */
	size_t n;
	struct buf filter;
};

static int
compare_asked(const void *a, const void *b)
{
	const struct asked *x = a, *y = b;

	return digest_compare(x->id, y->id);
}

static void
set_length(struct buf *b, size_t at)
{
	size_t n = b->len - at, i;

	for (i = 0; i < 4; i++)
		b->data[at + i] = (uint8_t)(n >> 8 * i);
}

/* {_id: {$in: [...]}}; false where it becomes too long. */
static bool
build_filter(struct question *q)
{
	static const uint8_t head[] = "\0\0\0\0\3_id\0\0\0\0\0\4$in\0\0\0\0";
	struct buf *b = &q->filter, id;
	bool ok = buf_append(b, head, sizeof(head));
	size_t i;

	buf_init(&id, IDS_MAX);
	for (i = 0; ok && i < q->n; i++) {
		const struct drill_found *f = &q->found[i];
		const uint8_t *doc = f->source != NULL ? f->source : f->target;
		size_t len = f->source != NULL ? f->source_len : f->target_len;

		buf_reset(&id);
		ok = doc_id(doc, len, &id) &&
		    buf_append_byte(b, id.data[4]) &&
		    buf_printf(b, "%zu", i) && buf_append_byte(b, 0) &&
		    buf_append(b, id.data + 9, id.len - 10);
		if (ok)
			q->v[i] = (struct asked){
				.id = docdigest_id(doc, len), .at = i,
			};
	}
	buf_free(&id);
	if (!ok || !buf_append(b, "\0\0\0", 3))
		return false;
	b->len -= 2;
	set_length(b, 18);
	b->len++;
	set_length(b, 9);
	b->len++;
	set_length(b, 0);
	return true;
}

/* Whether doc is what was found of it on this side. */
static bool
take_answer(struct question *q, const struct side_now *s, const uint8_t *doc,
    size_t len, struct err *err)
{
	struct asked key = { .id = docdigest_id(doc, len) }, *asked;
	bool is_source = s == &q->again->source;
	const struct drill_found *f;
	const uint8_t *then;
	size_t then_len;

	asked = bsearch(&key, q->v, q->n, sizeof(*q->v), compare_asked);
	if (asked == NULL)
		return true;	/* another one, to the index the same */
	if (!as_compared(q->again, s, &doc, &len, err))
		return false;
	f = &q->found[asked->at];
	then = is_source ? f->source : f->target;
	then_len = is_source ? f->source_len : f->target_len;
	asked->seen = true;
	if (then == NULL || then_len != len || memcmp(then, doc, len) != 0)
		q->same[asked->at] = false;
	return true;
}

static bool
ask(struct question *q, struct side_now *s, struct err *err)
{
	bool is_source = s == &q->again->source, ok;
	const struct move *m = q->again->move;
	struct rawdoc filter = { q->filter.data, q->filter.len };
	struct mongo_read read = {
		.ns = is_source ? m->read_ns : m->write_ns,
		.info = m->info,
		.filter = &filter,
		.batch_bytes = REPLY_BYTES,
		.patience_ms = q->again->job->patience_ms,
	};
	struct mongo_cursor *cursor;
	enum mongo_next next;
	const uint8_t *doc;
	size_t len, i;

	if ((cursor = mongo_cursor_new(s->session, &read, err)) == NULL)
		return false;
	for (i = 0; i < q->n; i++)
		q->v[i].seen = false;
	do {
		next = mongo_cursor_next(cursor, &doc, &len, err);
		ok = next == MONGO_END || (next == MONGO_DOC &&
		    take_answer(q, s, doc, len, err));
	} while (ok && next == MONGO_DOC);
	mongo_cursor_free(cursor);
	for (i = 0; i < q->n; i++) {
		const struct drill_found *f = &q->found[q->v[i].at];

		if (!q->v[i].seen && (is_source ? f->source : f->target) !=
		    NULL)
			q->same[q->v[i].at] = false;
	}
	return ok;
}

bool
diff_again_same(struct diff_again *a, const struct drill_found *found,
    size_t n, bool *same, struct err *err)
{
	struct question q = { .again = a, .found = found, .same = same,
	    .n = n };
	bool ok;

	if (!follow_move(a, found->move, err))
		return false;
	if ((q.v = calloc(n, sizeof(*q.v))) == NULL)
		return err_nomem(err, "differences");
	buf_init(&q.filter, IDS_MAX);
	memset(same, true, n * sizeof(*same));
	ok = build_filter(&q);
	if (ok) {
		qsort(q.v, n, sizeof(*q.v), compare_asked);
		ok = ask(&q, &a->source, err) && ask(&q, &a->target, err);
	}
	/* One by one, then: that is more patient, and says what is wrong. */
	if (!ok)
		memset(same, false, n * sizeof(*same));
	buf_free(&q.filter);
	free(q.v);
	return true;
}
