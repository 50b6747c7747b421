#include <stdlib.h>
#include <string.h>

#include "base/cancel.h"
#include "bson/doc.h"
#include "job/diff_again.h"
#include "job/transform.h"

#define LOOKS_MAX 10
#define PAUSE_MS 50

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

/* Reads one side to its compared form.  *same: as it was when last looked at. */
static bool
look(struct diff_again *a, struct side_now *s, bool *same, struct err *err)
{
	bool is_source = s == &a->source, found;
	struct rawdoc id = { a->id.data, a->id.len };
	struct rewrite_counts unused = { 0 };
	struct tally ignored = { 0 };
	const uint8_t *doc;
	size_t len;

	buf_reset(&s->raw);
	if (!mongo_fetch(s->session, is_source ? a->move->read_ns :
	    a->move->write_ns, &id, &s->raw, &found, err))
		return err_prefix(err, is_source ? "source" : "target");
	found = found && is_the_one(a, &s->raw);
	doc = s->raw.data;
	len = s->raw.len;
	if (found && is_source) {
		switch (transform_document(a->transform, doc, len, &doc, &len,
		    &unused, err)) {
		case TRANSFORM_TOO_LARGE:
			break;	/* as it was */
		case TRANSFORM_FAILED:
			return false;
		case TRANSFORM_OK:
			break;
		}
	}
	if (found && !transform_compared(a->transform, &doc, &len, &ignored,
	    err))
		return false;
	if (!found)
		len = 0;
	*same = len == s->compared.len &&
	    (len == 0 || memcmp(doc, s->compared.data, len) == 0);
	buf_reset(&s->compared);
	return *same || len > 0 ? buf_append(&s->compared, doc, len) ||
	    err_nomem(err, "document") : true;
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

/* What drill saw counts as the first look. */
static bool
take_first_look(struct diff_again *a, const struct drill_found *f,
    struct err *err)
{
	const uint8_t *doc = f->source != NULL ? f->source : f->target;
	size_t len = f->source != NULL ? f->source_len : f->target_len;

	buf_reset(&a->id);
	buf_reset(&a->source.compared);
	buf_reset(&a->target.compared);
	if (!doc_id(doc, len, &a->id))
		return err_set(err, ERR_DAMAGED, "%s: a document has no _id",
		    f->move->target_ns);
	return buf_append(&a->source.compared, f->source,
	    f->source != NULL ? f->source_len : 0) &&
	    buf_append(&a->target.compared, f->target,
	    f->target != NULL ? f->target_len : 0) ? true :
	    err_nomem(err, "document");
}

bool
diff_again_look(struct diff_again *a, struct drill_found *f, struct err *err)
{
	bool source_same = false, target_same = false;
	unsigned looks;

	if (!follow_move(a, f->move, err) || !take_first_look(a, f, err))
		return false;
	for (looks = 0; looks < LOOKS_MAX; looks++) {
		if (looks > 0 && !cancel_sleep(PAUSE_MS))
			return cancel_err(err);
		if (!look(a, &a->source, &source_same, err) ||
		    !look(a, &a->target, &target_same, err))
			return false;
		judge(a, f);
		if (f->verdict == DRILL_SAME || (source_same && target_same))
			break;
	}
	return true;
}
