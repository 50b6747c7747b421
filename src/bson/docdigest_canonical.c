#include <stdlib.h>
#include <string.h>

#include "bson/docdigest.h"
#include "bson/walk.h"

/* What is put in order beneath a document. */
enum deep {
	DEEP_NONE,		/* nothing: its values are copied */
	DEEP_META,		/* the value of the meta field */
	DEEP_ALL		/* every document */
};

struct canonical {
	const char *meta_field;
	struct buf *out;
};

static bool put_value(const struct canonical *c,
    const struct walk_element *e, bool deep);

/* By the bytes of their names, one that begins another first.  Equal names
 * keep their order, which qsort() alone does not promise. */
static int
compare(const void *a, const void *b)
{
	const struct walk_element *x = a, *y = b;
	int order = strcmp(x->key, y->key);

	if (order != 0)
		return order;
	return x->start < y->start ? -1 : x->start > y->start;
}

/* The elements of a document known to be sound; *n how many.  NULL when memory
 * is out. */
static struct walk_element *
elements(const uint8_t *doc, size_t len, size_t *n)
{
	struct walk_element *v, e;
	const uint8_t *first, *p, *end;
	size_t i;

	*n = 0;
	if (!walk_open(doc, len, &first, &end))
		return NULL;
	for (p = first; p != end; p = e.value + e.value_len) {
		if (!walk_next(p, end, &e))
			return NULL;
		(*n)++;
	}
	if ((v = calloc(*n + 1, sizeof(*v))) == NULL)
		return NULL;
	for (p = first, i = 0; p != end; i++) {
		walk_next(p, end, &v[i]);
		p = v[i].value + v[i].value_len;
	}
	return v;
}

static bool
is_deep(const struct canonical *c, const struct walk_element *e,
    enum deep deep)
{

	if (deep == DEEP_META)
		return c->meta_field != NULL && strcmp(e->key, c->meta_field) == 0;
	return deep == DEEP_ALL;
}

/* Depth is bounded: the caller has checked the whole document. */
static bool
put_doc(const struct canonical *c, const uint8_t *doc, size_t len, bool sorted,
    enum deep deep)
{
	struct walk_element *v;
	size_t n, i;
	bool ok = false;

	if ((v = elements(doc, len, &n)) == NULL)
		return false;
	if (sorted)
		qsort(v, n, sizeof(*v), compare);
	if (!buf_append(c->out, doc, 4))
		goto out;
	for (i = 0; i < n; i++) {
		if (!buf_append(c->out, v[i].start,
		    (size_t)(v[i].value - v[i].start)))
			goto out;
		if (!put_value(c, &v[i], is_deep(c, &v[i], deep)))
			goto out;
	}
	ok = buf_append_byte(c->out, 0);
out:
	free(v);
	return ok;
}

static bool
put_value(const struct canonical *c, const struct walk_element *e, bool deep)
{

	if (!deep || (e->type != WALK_DOCUMENT && e->type != WALK_ARRAY))
		return buf_append(c->out, e->value, e->value_len);
	return put_doc(c, e->doc, e->doc_len, e->type == WALK_DOCUMENT,
	    DEEP_ALL);
}

bool
docdigest_canonical(const uint8_t *doc, size_t len, const char *meta_field,
    struct buf *out)
{
	struct canonical c = { .meta_field = meta_field, .out = out };
	size_t before = out->len;

	if (!walk_all(doc, len, NULL, NULL))
		return false;
	if (!put_doc(&c, doc, len, true, DEEP_META)) {
		out->len = before;
		return false;
	}
	return true;
}
