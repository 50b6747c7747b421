#include <stdlib.h>

#include "bson/doc.h"
#include "bson/docdigest.h"
#include "bson/docignore.h"
#include "bson/rewrite.h"
#include "job/transform.h"

#define CANONICAL_MAX (REWRITE_DOC_MAX + 65536)
#define ID_TEXT_MAX 4096

struct transform {
	struct transform_options options;
	struct rewriter *rewriter;
	struct buf out;
	struct buf canonical;
	struct docignore *ignore;
	struct buf stripped;
};

static struct links_place
place_of(const struct transform *t, const uint8_t *doc, size_t doc_len,
    const char *path)
{

	return (struct links_place){ .ns = t->options.move->info->ns,
	    .doc = doc, .doc_len = doc_len, .path = path };
}

static void
on_link(void *arg, const uint8_t *doc, size_t doc_len, const char *path,
    const struct match_link *link)
{
	struct transform *t = arg;
	struct links_place place = place_of(t, doc, doc_len, path);

	links_found(t->options.links, &place, link);
}

static void
on_host(void *arg, const uint8_t *doc, size_t doc_len, const char *path,
    const struct match_host *host)
{
	struct transform *t = arg;
	struct links_place place = place_of(t, doc, doc_len, path);

	links_no_rule(t->options.links, &place, host);
}

static void
on_value(void *arg, const struct rewrite_value *v)
{
	struct transform *t = arg;
	struct report *report = &t->options.job->report;
	struct report_value sample = {
		.ns = t->options.move->info->ns,
		.path = v->path,
		.before = v->before,
		.before_len = v->before_len,
		.after = v->after,
		.after_len = v->after_len,
	};
	struct buf id;

	if (!report_wants_samples(report))
		return;
	buf_init(&id, ID_TEXT_MAX);
	if (doc_id_json(v->doc, v->doc_len, &id) &&
	    (sample.id = buf_str(&id)) != NULL)
		report_sample(report, &sample);
	buf_free(&id);
}

struct transform *
transform_new(const struct transform_options *options, struct err *err)
{
	struct rewriter_options r = {
		.rules = options->job->rules,
		.ns = options->move->info->ns,
		.skip = &options->job->rewrite_skip,
		.count_dbrefs = options->job->options->n_rename > 0,
	};
	struct transform *t;

	if ((t = calloc(1, sizeof(*t))) == NULL) {
		err_nomem(err, "rewriter");
		return NULL;
	}
	t->options = *options;
	buf_init(&t->out, REWRITE_DOC_MAX);
	buf_init(&t->canonical, CANONICAL_MAX);
	buf_init(&t->stripped, REWRITE_DOC_MAX);
	r.hooks.link = options->links != NULL ? on_link : NULL;
	r.hooks.host = options->links != NULL ? on_host : NULL;
	r.hooks.value = options->samples ? on_value : NULL;
	r.hooks.arg = t;
	t->ignore = docignore_new(&options->job->ignore,
	    options->move->info->ns, err);
	if (t->ignore == NULL ||
	    (t->rewriter = rewriter_new(&r, err)) == NULL) {
		docignore_free(t->ignore);
		free(t);
		return NULL;
	}
	return t;
}

void
transform_free(struct transform *t)
{

	if (t == NULL)
		return;
	rewriter_free(t->rewriter);
	buf_free(&t->out);
	buf_free(&t->canonical);
	buf_free(&t->stripped);
	docignore_free(t->ignore);
	free(t);
}

bool
transform_may_change(struct transform *t, const void *bytes, size_t len)
{

	/* Inside a bucket values are compressed, and its bounds depend on
	 * them: it goes as it is. */
	return !t->options.move->buckets &&
	    rewrite_possible(t->rewriter, bytes, len);
}

enum transform_outcome
transform_document(struct transform *t, const uint8_t *doc, size_t len,
    const uint8_t **out, size_t *out_len, struct rewrite_counts *counts,
    struct err *err)
{

	*out = doc;
	*out_len = len;
	if (t->options.move->buckets)
		return TRANSFORM_OK;
	buf_reset(&t->out);
	switch (rewrite_document(t->rewriter, doc, len, &t->out, counts, err)) {
	case REWRITE_SAME:
		return TRANSFORM_OK;
	case REWRITE_CHANGED:
		*out = t->out.data;
		*out_len = t->out.len;
		return TRANSFORM_OK;
	case REWRITE_TOO_LARGE:
		return TRANSFORM_TOO_LARGE;
	case REWRITE_FAILED:
		break;
	}
	return TRANSFORM_FAILED;
}

/* A measurement in its one order of fields. */
static bool
canonical(struct transform *t, const uint8_t **doc, size_t *len,
    struct err *err)
{
	const struct collection_info *info = t->options.move->info;

	if (info->type != COLLECTION_TIMESERIES || t->options.move->buckets)
		return true;
	buf_reset(&t->canonical);
	if (!docdigest_canonical(*doc, *len, info->meta_field, &t->canonical))
		return err_set(err, ERR_DAMAGED,
		    "%s: a measurement is not valid BSON", info->ns);
	*doc = t->canonical.data;
	*len = t->canonical.len;
	return true;
}

static bool
strip(struct transform *t, const uint8_t **doc, size_t *len, struct err *err)
{
	bool stripped;

	if (!docignore_any(t->ignore))
		return true;
	buf_reset(&t->stripped);
	if (!docignore_strip(t->ignore, *doc, *len, &t->stripped, &stripped))
		return err_set(err, ERR_DAMAGED, "%s: a document is not valid "
		    "BSON", t->options.move->info->ns);
	if (stripped) {
		*doc = t->stripped.data;
		*len = t->stripped.len;
	}
	return true;
}

bool
transform_compared(struct transform *t, const uint8_t **doc, size_t *len,
    struct tally *sum, struct err *err)
{
	struct tally one = { .count = 1 };

	if (!strip(t, doc, len, err) || !canonical(t, doc, len, err))
		return false;
	one.bytes = *len;
	one.digest = docdigest(*doc, *len);
	tally_add(sum, &one);
	return true;
}

bool
transform_tally(struct transform *t, const uint8_t *doc, size_t len,
    struct tally *sum, struct err *err)
{

	return transform_compared(t, &doc, &len, sum, err);
}
