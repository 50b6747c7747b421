#include <stdlib.h>
#include <string.h>

#include "bson/doc.h"
#include "bson/docdiff.h"
#include "job/diff_line.h"
#include "job/drill.h"

/* The fields of one document, copied: they are told together. */
struct fields {
	struct spaceferry_field *v;
	size_t n, cap;
};

static char *
copy_or_null(const char *s)
{

	return s != NULL ? strdup(s) : NULL;
}

static bool
add(void *arg, const struct docdiff_field *f, struct err *err)
{
	struct fields *list = arg;
	size_t cap = list->cap > 0 ? 2 * list->cap : 16;
	struct spaceferry_field *v, *to;

	if (list->n == list->cap) {
		if ((v = realloc(list->v, cap * sizeof(*v))) == NULL)
			return err_nomem(err, "fields");
		list->v = v;
		list->cap = cap;
	}
	to = &list->v[list->n++];
	*to = (struct spaceferry_field){
		.path = strdup(f->path),
		.source = copy_or_null(f->source),
		.target = copy_or_null(f->target),
		.order = f->order,
		.more = f->more,
	};
	return (to->path != NULL && (f->source == NULL || to->source != NULL) &&
	    (f->target == NULL || to->target != NULL)) ||
	    err_nomem(err, "fields");
}

static void
free_fields(struct fields *list)
{
	size_t i;

	for (i = 0; i < list->n; i++) {
		free((char *)(uintptr_t)list->v[i].path);
		free((char *)(uintptr_t)list->v[i].source);
		free((char *)(uintptr_t)list->v[i].target);
	}
	free(list->v);
}

static enum spaceferry_difference_kind
kind_of(const struct drill_found *f)
{

	switch (f->verdict) {
	case DRILL_MISSING:
		return SPACEFERRY_MISSING;
	case DRILL_EXTRA:
		return SPACEFERRY_EXTRA;
	default:
		return SPACEFERRY_DIFFERENT;
	}
}

/* Without an _id, as measurements may be, nothing else says which it is. */
static bool
is_nameless(const struct drill_found *f)
{
	struct buf id;
	bool named;

	buf_init(&id, REWRITE_DOC_MAX + 64);
	named = f->source != NULL ? doc_id(f->source, f->source_len, &id) :
	    doc_id(f->target, f->target_len, &id);
	buf_free(&id);
	return !named;
}

/* The fields that differ; all of them where one side has nothing. */
static bool
list_fields(const struct drill_found *f, struct fields *fields,
    struct err *err)
{
	static const uint8_t nothing[] = { 5, 0, 0, 0, 0 };

	if (f->verdict == DRILL_DIFFERENT)
		return docdiff(f->source, f->source_len, f->target,
		    f->target_len, add, fields, err);
	if (!is_nameless(f))
		return true;
	if (f->source != NULL)
		return docdiff(f->source, f->source_len, nothing,
		    sizeof(nothing), add, fields, err);
	return docdiff(nothing, sizeof(nothing), f->target, f->target_len, add,
	    fields, err);
}

bool
diff_line(struct differences *d, const struct drill_found *f, struct err *err)
{
	struct spaceferry_difference line = {
		.kind = kind_of(f), .ns = f->move->target_ns,
	};
	struct fields fields = { 0 };
	struct buf id;
	bool ok = true;

	buf_init(&id, DOCDIFF_ID_MAX);
	if (differences_wanted(d)) {
		ok = docdiff_id(f->source != NULL ? f->source : f->target,
		    f->source != NULL ? f->source_len : f->target_len, &id) ||
		    err_nomem(err, "differences");
		line.id = buf_str(&id);
		ok = ok && list_fields(f, &fields, err);
		line.fields = fields.v;
		line.n_fields = fields.n;
	}
	if (ok)
		differences_tell(d, &line);
	else
		err_prefix(err, "%s", f->move->target_ns);
	free_fields(&fields);
	buf_free(&id);
	return ok;
}
