#include <stdlib.h>
#include <string.h>

#include "bson/doc.h"
#include "bson/docdiff.h"
#include "bson/docdiff_text.h"
#include "bson/walk.h"

#define TEXT_LONG ((size_t)64 * 1024)
#define TEXT_SHORT ((size_t)256)
#define TEXT_BUDGET ((size_t)256 * 1024)	/* then they are short */
#define PATH_BYTES ((size_t)4 * 1024)
#define ELLIPSIS "\xE2\x80\xA6"

/* One document or array that is looked into on both sides. */
struct level {
	const struct level *up;	/* what it is in; NULL: outermost */
	const char *key;	/* of it there; NULL: position */
	size_t key_len;
	size_t position;
};

struct docdiff_run {
	docdiff_fn *each;
	void *arg;
	struct err *err;
	const uint8_t *id;	/* the source's top-level _id, or NULL */
	size_t told;
	size_t spent;		/* bytes of texts told */
	uint64_t more;		/* differences not told */
	struct buf path, source, target;
};

/* A field of one side, and its pair on the other. */
struct field {
	const uint8_t *start;
	const uint8_t *pair;	/* NULL: the other side has none */
};

static bool diff_elements(struct docdiff_run *run, const struct level *lv,
    const struct walk_element *a, const struct walk_element *b);

/* Appends the names from the outermost to lv. */
static bool
put_path(struct buf *out, const struct level *lv)
{

	if (lv->up == NULL)
		return true;
	if (!put_path(out, lv->up) ||
	    (lv->up->up != NULL && !buf_append_byte(out, '.')))
		return false;
	return lv->key == NULL ? buf_printf(out, "%zu", lv->position) :
	    docdiff_name(out, lv->key, lv->key_len);
}

/* The path of lv, cut where it is too long; NULL without memory. */
static const char *
path_of(struct docdiff_run *run, const struct level *lv)
{
	struct buf *path = &run->path;
	const char *text;
	size_t n;

	buf_reset(path);
	if (put_path(path, lv) && (text = buf_str(path)) != NULL)
		return text;
	n = path->len < PATH_BYTES - 8 ? path->len : PATH_BYTES - 8;
	while (n > 0 && (path->data[n - 1] & 0xc0) == 0x80)
		n--;
	/* Whole characters only; the last one may be among them, or not. */
	buf_truncate(path, n > 0 && path->data[n - 1] >= 0xc0 ? n - 1 : n);
	return buf_append_str(path, ELLIPSIS) ? buf_str(path) : NULL;
}

/* Whether one more is told; it is counted otherwise. */
static bool
wants(struct docdiff_run *run)
{

	if (run->told == DOCDIFF_FIELDS_MAX) {
		run->more++;
		return false;
	}
	run->told++;
	return true;
}

static bool
no_memory(struct docdiff_run *run)
{

	return err_nomem(run->err, "comparing two documents");
}

/* Tells that the values at lv differ; one of them may be NULL. */
static bool
tell(struct docdiff_run *run, const struct level *lv,
    const struct walk_element *a, const struct walk_element *b)
{
	struct docdiff_texts texts = { .source = a, .target = b,
	    .limit = run->spent < TEXT_BUDGET ? TEXT_LONG : TEXT_SHORT };
	struct docdiff_field f = { 0 };

	if (!wants(run))
		return true;
	/* Positions are paired whatever the keys in the array are. */
	texts.keys = a != NULL && b != NULL && strcmp(a->key, b->key) != 0;
	if (!docdiff_texts(&texts, &run->source, &run->target))
		return no_memory(run);
	run->spent += run->source.len + run->target.len;
	if ((f.path = path_of(run, lv)) == NULL ||
	    (a != NULL && (f.source = buf_str(&run->source)) == NULL) ||
	    (b != NULL && (f.target = buf_str(&run->target)) == NULL))
		return no_memory(run);
	return run->each(run->arg, &f, run->err);
}

static bool
tell_order(struct docdiff_run *run, const struct level *lv)
{
	struct docdiff_field f = { .order = true };

	if (!wants(run))
		return true;
	if ((f.path = path_of(run, lv)) == NULL)
		return no_memory(run);
	return run->each(run->arg, &f, run->err);
}

/* Tells of a field in lv; a or b may be NULL. */
static bool
diff_field(struct docdiff_run *run, const struct level *lv,
    const struct walk_element *a, const struct walk_element *b)
{
	const struct walk_element *e = a != NULL ? a : b;
	struct level in = { .up = lv, .key = e->key, .key_len = e->key_len };

	if (a == NULL || b == NULL)
		return tell(run, &in, a, b);
	return diff_elements(run, &in, a, b);
}

static int
by_name(const void *a, const void *b)
{
	const struct field *x = a, *y = b;
	int order = strcmp((const char *)x->start + 1,
	    (const char *)y->start + 1);

	if (order != 0)
		return order;
	return x->start < y->start ? -1 : x->start > y->start;
}

static int
by_place(const void *a, const void *b)
{
	const struct field *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

/* The fields from p on, sorted by name.  NULL without memory. */
static struct field *
list_fields(const uint8_t *p, const uint8_t *end, size_t *n)
{
	struct walk_element e;
	struct field *list;
	const uint8_t *q;

	*n = 0;
	for (q = p; q != end && walk_next(q, end, &e);
	    q = e.value + e.value_len)
		++*n;
	if ((list = calloc(*n + 1, sizeof(*list))) == NULL)
		return NULL;
	*n = 0;
	for (q = p; q != end && walk_next(q, end, &e);
	    q = e.value + e.value_len)
		list[(*n)++].start = e.start;
	qsort(list, *n, sizeof(*list), by_name);
	return list;
}

/* Pairs two lists sorted by name, and sorts them by place. */
static void
pair_fields(struct field *a, size_t n_a, struct field *b, size_t n_b)
{
	size_t i = 0, k = 0;
	int order;

	while (i < n_a && k < n_b) {
		order = strcmp((const char *)a[i].start + 1,
		    (const char *)b[k].start + 1);
		if (order < 0) {
			i++;
		} else if (order > 0) {
			k++;
		} else {
			a[i].pair = b[k].start;
			b[k++].pair = a[i++].start;
		}
	}
	qsort(a, n_a, sizeof(*a), by_place);
	qsort(b, n_b, sizeof(*b), by_place);
}

/* Tells the pairs and what stands on one side only. */
static bool
diff_lists(struct docdiff_run *run, const struct level *lv,
    const struct field *list, const uint8_t *end, const uint8_t *pair_end)
{
	const uint8_t *last = NULL;
	struct walk_element a, b;
	bool moved = false;

	/* list ends in a field without a start. */
	for (; list->start != NULL; list++) {
		walk_next(list->start, end, &a);
		if (list->pair == NULL) {
			if (!diff_field(run, lv, &a, NULL))
				return false;
			continue;
		}
		walk_next(list->pair, pair_end, &b);
		if (!diff_field(run, lv, &a, &b))
			return false;
		if (list->start == run->id)
			continue;
		moved = moved || list->pair < last;
		last = list->pair;
	}
	return !moved || tell_order(run, lv);
}

/* The rest of two documents, from where their names differ on. */
static bool
diff_unordered(struct docdiff_run *run, const struct level *lv,
    const uint8_t *const at[2], const uint8_t *const end[2])
{
	struct field *a, *b = NULL;
	struct walk_element e;
	size_t n_a, n_b, i;
	bool ok = false;

	if ((a = list_fields(at[0], end[0], &n_a)) == NULL ||
	    (b = list_fields(at[1], end[1], &n_b)) == NULL) {
		no_memory(run);
		goto out;
	}
	pair_fields(a, n_a, b, n_b);
	if (!diff_lists(run, lv, a, end[0], end[1]))
		goto out;
	for (i = 0; i < n_b; i++) {
		if (b[i].pair != NULL)
			continue;
		walk_next(b[i].start, end[1], &e);
		if (!diff_field(run, lv, NULL, &e))
			goto out;
	}
	ok = true;
out:
	free(b);
	free(a);
	return ok;
}

static bool
diff_documents(struct docdiff_run *run, const struct level *lv,
    const struct walk_piece *source, const struct walk_piece *target)
{
	struct walk_element a, b;
	const uint8_t *at[2], *end[2];

	walk_open(source->bytes, source->len, &at[0], &end[0]);
	walk_open(target->bytes, target->len, &at[1], &end[1]);
	/* The usual case: the same fields in the same order. */
	while (at[0] != end[0] && at[1] != end[1]) {
		walk_next(at[0], end[0], &a);
		walk_next(at[1], end[1], &b);
		if (strcmp(a.key, b.key) != 0)
			break;
		if (!diff_field(run, lv, &a, &b))
			return false;
		at[0] = a.value + a.value_len;
		at[1] = b.value + b.value_len;
	}
	if (at[0] == end[0] && at[1] == end[1])
		return true;
	return diff_unordered(run, lv, at, end);
}

static bool
diff_arrays(struct docdiff_run *run, const struct level *lv,
    const struct walk_element *source, const struct walk_element *target)
{
	struct level in = { .up = lv };
	const uint8_t *p, *q, *p_end, *q_end;
	struct walk_element a, b;
	bool has_a, has_b, ok;

	walk_open(source->doc, source->doc_len, &p, &p_end);
	walk_open(target->doc, target->doc_len, &q, &q_end);
	for (; p != p_end || q != q_end; in.position++) {
		if ((has_a = p != p_end)) {
			walk_next(p, p_end, &a);
			p = a.value + a.value_len;
		}
		if ((has_b = q != q_end)) {
			walk_next(q, q_end, &b);
			q = b.value + b.value_len;
		}
		if (has_a && has_b && strcmp(a.key, b.key) == 0)
			ok = diff_elements(run, &in, &a, &b);
		else
			ok = tell(run, &in, has_a ? &a : NULL,
			    has_b ? &b : NULL);
		if (!ok)
			return false;
	}
	return true;
}

/* Two values that are at lv. */
static bool
diff_elements(struct docdiff_run *run, const struct level *lv,
    const struct walk_element *a, const struct walk_element *b)
{

	if (a->type == b->type && a->value_len == b->value_len &&
	    memcmp(a->value, b->value, a->value_len) == 0)
		return true;
	if (a->type == WALK_DOCUMENT && b->type == WALK_DOCUMENT)
		return diff_documents(run, lv,
		    &(struct walk_piece){ a->doc, a->doc_len },
		    &(struct walk_piece){ b->doc, b->doc_len });
	if (a->type == WALK_ARRAY && b->type == WALK_ARRAY)
		return diff_arrays(run, lv, a, b);
	return tell(run, lv, a, b);
}

bool
docdiff(const uint8_t *source, size_t source_len, const uint8_t *target,
    size_t target_len, docdiff_fn *each, void *arg, struct err *err)
{
	struct docdiff_run run = { .each = each, .arg = arg, .err = err };
	struct docdiff_field last = { .path = "" };
	struct level top = { 0 };
	struct walk_element id;
	bool ok;

	if (!walk_all(source, source_len, NULL, NULL))
		return err_set(err, ERR_DAMAGED, "malformed document on the "
		    "source (%zu bytes)", source_len);
	if (!walk_all(target, target_len, NULL, NULL))
		return err_set(err, ERR_DAMAGED, "malformed document on the "
		    "target (%zu bytes)", target_len);
	if (walk_find_id(source, source_len, &id))
		run.id = id.start;
	buf_init(&run.path, PATH_BYTES);
	buf_init(&run.source, 2 * TEXT_LONG);
	buf_init(&run.target, 2 * TEXT_LONG);
	ok = diff_documents(&run, &top,
	    &(struct walk_piece){ source, source_len },
	    &(struct walk_piece){ target, target_len });
	last.more = run.more;
	if (ok && run.more > 0)
		ok = each(arg, &last, err);
	buf_free(&run.target);
	buf_free(&run.source);
	buf_free(&run.path);
	return ok;
}

bool
docdiff_id(const uint8_t *doc, size_t len, struct buf *out)
{
	struct walk_element id;
	struct docdiff_texts texts = { .source = &id, .limit = TEXT_LONG };
	struct buf none;
	bool ok;

	if (!walk_find_id(doc, len, &id))
		return buf_append_str(out, "null");
	buf_init(&none, TEXT_LONG);
	ok = docdiff_texts(&texts, out, &none);
	buf_free(&none);
	return ok;
}
