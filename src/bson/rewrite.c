#include <stdlib.h>
#include <string.h>

#include "bson/docpaths.h"
#include "bson/rewrite.h"
#include "bson/walk.h"

/* Buffers larger than this are not kept for the next document. */
#define KEEP_MAX ((size_t)1 << 20)

/* What is done with the texts of a place (point 2 of the contract). */
enum place {
	PLACE_VALUE,		/* rewritten */
	PLACE_ID,		/* left alone, matches counted as ids */
	PLACE_SKIPPED		/* left alone, not counted */
};

/* One open document, array or scope. */
struct level {
	const uint8_t *end;	/* its terminator */
	size_t at;		/* where it begins in the source */
	ptrdiff_t grown;	/* by how much the bytes before it grew */
	size_t code_at;		/* a scope: where its element's value begins; */
	ptrdiff_t code_grown;	/* and the same for that; else 0 */
	const char *key;	/* of the element that holds it */
	size_t names;		/* how many of rewriter.names lead to it */
	enum place place;
	bool array;
	bool dbref;
};

struct rewriter {
	const struct match_rules *rules;
	struct rewrite_hooks hooks;
	struct docpaths skip;
	bool count_dbrefs;
	bool files;		/* a collection "….files" */
	struct buf text;	/* the new text of one value */
	struct buf path;
	struct level levels[WALK_DEPTH_MAX];
	const char *names[WALK_DEPTH_MAX]; /* levels' keys without indexes */
};

/* One document under work.  Source bytes up to from are copied or replaced;
 * grown is how much longer out has become by that. */
struct pass {
	struct rewriter *r;
	const uint8_t *doc;
	size_t len;
	const uint8_t *from;
	ptrdiff_t grown;
	size_t depth;		/* open levels */
	struct buf *out;
	size_t base;		/* out->len before */
	struct rewrite_counts counts;
	enum rewrite_outcome failure;
	struct err *err;
};

/* What a DBRef looks like from its first element on. */
static const char ref_start[] = "\x02$ref";

static bool
is_files(const char *ns)
{
	const char *collection = strchr(ns, '.');
	size_t n;

	if (collection == NULL)
		return false;
	n = strlen(++collection);
	return n >= 6 && strcmp(collection + n - 6, ".files") == 0;
}

struct rewriter *
rewriter_new(const struct rewriter_options *options, struct err *err)
{
	struct rewriter *r;

	if ((r = calloc(1, sizeof(*r))) == NULL) {
		err_nomem(err, "rewriter");
		goto fail;
	}
	if (!docpaths_init(&r->skip, options->skip, "--rewrite-skip",
	    options->ns, err))
		goto fail_r;
	r->rules = options->rules;
	r->hooks = options->hooks;
	r->count_dbrefs = options->count_dbrefs;
	r->files = is_files(options->ns);
	buf_init(&r->text, REWRITE_DOC_MAX);
	/* Names and dots are never more than the document they are of. */
	buf_init(&r->path, (size_t)INT32_MAX);
	return r;

fail_r:
	free(r);
fail:
	return NULL;
}

void
rewriter_free(struct rewriter *r)
{

	if (r == NULL)
		return;
	buf_free(&r->path);
	buf_free(&r->text);
	docpaths_free(&r->skip);
	free(r);
}

bool
rewrite_possible(const struct rewriter *r, const void *bytes, size_t len)
{

	if (match_possible(r->rules, bytes, len))
		return true;
	return r->count_dbrefs &&
	    memmem(bytes, len, ref_start, sizeof(ref_start)) != NULL;
}

static bool
malformed(struct pass *p)
{

	p->failure = REWRITE_FAILED;
	return err_set(p->err, ERR_DAMAGED,
	    "malformed document (%zu bytes)", p->len);
}

static bool
no_memory(struct pass *p)
{

	p->failure = REWRITE_FAILED;
	return err_nomem(p->err, "rewriting a document");
}

static bool
too_large(struct pass *p)
{

	p->failure = REWRITE_TOO_LARGE;
	return false;
}

/* A subdocument whose first two keys are $ref, a string, and $id. */
static bool
is_dbref(const uint8_t *doc, size_t len)
{
	struct walk_element e;
	const uint8_t *first, *end;

	if (len < 4 + sizeof(ref_start) ||
	    memcmp(doc + 4, ref_start, sizeof(ref_start)) != 0)
		return false;
	return walk_open(doc, len, &first, &end) &&
	    walk_next(first, end, &e) &&
	    walk_next(e.value + e.value_len, end, &e) &&
	    strcmp(e.key, "$id") == 0;
}

/* The dotted path of e, in the innermost open level; NULL without memory. */
static const char *
path_of(struct pass *p, const struct walk_element *e)
{
	struct rewriter *r = p->r;
	size_t i;

	buf_reset(&r->path);
	for (i = 1; i < p->depth; i++) {
		if (!buf_append_str(&r->path, r->levels[i].key) ||
		    !buf_append_byte(&r->path, '.'))
			return NULL;
	}
	if (!buf_append(&r->path, e->key, e->key_len))
		return NULL;
	return buf_str(&r->path);
}

/* What is done with the texts in e, of the level lv. */
static enum place
place_of(const struct pass *p, const struct level *lv,
    const struct walk_element *e)
{

	if (lv->place != PLACE_VALUE || lv->array)
		return lv->place;
	if (p->r->skip.n > 0 &&
	    docpaths_cover(&p->r->skip, p->r->names, lv->names, e->key))
		return PLACE_SKIPPED;
	if (p->depth == 1 && (strcmp(e->key, "_id") == 0 ||
	    (p->r->files && strcmp(e->key, "filename") == 0)))
		return PLACE_ID;
	if (lv->dbref && (strcmp(e->key, "$ref") == 0 ||
	    strcmp(e->key, "$id") == 0 || strcmp(e->key, "$db") == 0))
		return PLACE_ID;
	return PLACE_VALUE;
}

static void
count(struct pass *p, const char *text, size_t len, uint64_t *counter)
{
	struct match_result result = { 0 };

	match_count(p->r->rules, text, len, &result);
	*counter += result.matches;
}

struct link_context {
	struct pass *p;
	const struct walk_element *e;
	const char *path;
};

static const char *
path_in(struct link_context *c)
{

	if (c->path == NULL && (c->path = path_of(c->p, c->e)) == NULL)
		c->path = "";
	return c->path;
}

static void
tell_link(const struct match_link *link, void *arg)
{
	struct link_context *c = arg;
	struct pass *p = c->p;

	p->r->hooks.link(p->r->hooks.arg, p->doc, p->len, path_in(c), link);
}

static void
tell_host(const struct match_host *host, void *arg)
{
	struct link_context *c = arg;
	struct pass *p = c->p;

	p->r->hooks.host(p->r->hooks.arg, p->doc, p->len, path_in(c), host);
}

static bool
tell_value(struct pass *p, const struct walk_element *e)
{
	struct rewrite_value value = {
		.doc = p->doc, .doc_len = p->len,
		.before = e->text, .before_len = e->text_len,
		.after = (const char *)p->r->text.data,
		.after_len = p->r->text.len,
	};

	if ((value.path = path_of(p, e)) == NULL)
		return no_memory(p);
	p->r->hooks.value(p->r->hooks.arg, &value);
	return true;
}

/* Copies the source up to to, and n bytes more. */
static bool
put(struct pass *p, const uint8_t *to, const void *more, size_t n)
{
	size_t run = (size_t)(to - p->from);

	/* What is written is part of the result: no need to see the rest. */
	if (p->out->len - p->base + run + n > REWRITE_DOC_MAX)
		return too_large(p);
	if (!buf_reserve(p->out, run + n))
		return no_memory(p);
	buf_append(p->out, p->from, run);
	buf_append(p->out, more, n);
	p->from = to;
	return true;
}

static void
store_u32(uint8_t *to, size_t n)
{

	to[0] = (uint8_t)n;
	to[1] = (uint8_t)(n >> 8);
	to[2] = (uint8_t)(n >> 16);
	to[3] = (uint8_t)(n >> 24);
}

/* Puts the new text in the place of that of e. */
static bool
splice(struct pass *p, const struct walk_element *e)
{
	const struct buf *text = &p->r->text;
	const uint8_t *old = (const uint8_t *)e->text;
	uint8_t length[4];

	store_u32(length, text->len + 1);
	if (!put(p, old - 4, length, sizeof(length)))
		return false;
	p->from = old;
	if (!put(p, old, text->data, text->len))
		return false;
	p->from = old + e->text_len;
	p->grown += (ptrdiff_t)text->len - (ptrdiff_t)e->text_len;
	return true;
}

static bool
rewrite_text(struct pass *p, const struct walk_element *e)
{
	struct rewriter *r = p->r;
	struct link_context context = { .p = p, .e = e };
	struct match_result result = { 0 };

	buf_reset(&r->text);
	if (!match_text(r->rules, e->text, e->text_len, &r->text, &result,
	    r->hooks.link == NULL ? NULL : tell_link, &context))
		return buf_reserve(&r->text, r->text.max) ?
		    too_large(p) : no_memory(p);
	p->counts.no_rule += result.no_rule;
	if (result.hosts && r->hooks.host != NULL)
		match_hosts(r->rules, e->text, e->text_len, tell_host,
		    &context);
	if (result.matches == 0 || (r->text.len == e->text_len &&
	    memcmp(r->text.data, e->text, e->text_len) == 0))
		return true;
	p->counts.values++;
	return splice(p, e) && (r->hooks.value == NULL || tell_value(p, e));
}

/* The text of one element. */
static bool
visit_text(struct pass *p, const struct walk_element *e, enum place place)
{

	uint64_t *counter;

	if (place == PLACE_SKIPPED)
		return true;
	if (place == PLACE_ID || e->type == WALK_DBPOINTER)
		counter = &p->counts.ids;
	else if (e->type == WALK_BINARY)
		counter = &p->counts.binary;
	else if (e->type == WALK_REGEX)
		counter = &p->counts.regex;
	else
		return rewrite_text(p, e);
	count(p, e->text, e->text_len, counter);
	if (e->type == WALK_REGEX)
		count(p, walk_regex_options(e),
		    strlen(walk_regex_options(e)), counter);
	return true;
}

/* The key that a skipped path ends in is one of what holds it. */
static void
visit_key(struct pass *p, const struct level *lv, const struct walk_element *e)
{

	if (lv->place == PLACE_VALUE)
		count(p, e->key, e->key_len, &p->counts.keys);
	else if (lv->place == PLACE_ID)
		count(p, e->key, e->key_len, &p->counts.ids);
}

/* Enters the document in e, which lies in the level lv; *next becomes its
 * first element. */
static bool
enter(struct pass *p, const struct level *lv, const struct walk_element *e,
    enum place place, ptrdiff_t code_grown, const uint8_t **next)
{
	struct level *new;

	if (p->depth == WALK_DEPTH_MAX)
		return malformed(p);
	new = &p->r->levels[p->depth];
	*new = (struct level){
		.at = (size_t)(e->doc - p->doc),
		.grown = p->grown,
		.key = e->key,
		.names = lv->names + (lv->array ? 0 : 1),
		.place = place,
		.array = e->type == WALK_ARRAY,
		.dbref = e->type == WALK_DOCUMENT &&
		    is_dbref(e->doc, e->doc_len),
	};
	if (e->type == WALK_CODE_WITH_SCOPE) {
		new->code_at = (size_t)(e->value - p->doc);
		new->code_grown = code_grown;
	}
	if (!lv->array)
		p->r->names[lv->names] = e->key;
	if (!walk_open(e->doc, e->doc_len, next, &new->end))
		return malformed(p);
	p->counts.dbrefs += new->dbref;
	p->depth++;
	return true;
}

/* One element at *next, which moves on. */
static bool
visit(struct pass *p, const uint8_t **next)
{
	const struct level *lv = &p->r->levels[p->depth - 1];
	struct walk_element e;
	enum place place;
	ptrdiff_t grown = p->grown;

	if (!walk_next(*next, lv->end, &e))
		return malformed(p);
	*next = e.value + e.value_len;
	place = place_of(p, lv, &e);
	visit_key(p, lv, &e);
	if (e.text != NULL && !visit_text(p, &e, place))
		return false;
	return e.doc == NULL || enter(p, lv, &e, place, grown, next);
}

/* Sets right the length at this place of the source, when what it counts has
 * grown since grown was noted; it has been copied then. */
static void
mend_length(struct pass *p, size_t at, ptrdiff_t grown)
{
	uint8_t *length;

	if (p->grown == grown)
		return;
	length = p->out->data + p->base + (ptrdiff_t)at + grown;
	store_u32(length, (size_t)((ptrdiff_t)walk_u32(p->doc + at) +
	    p->grown - grown));
}

static void
leave(struct pass *p)
{
	const struct level *lv = &p->r->levels[--p->depth];

	mend_length(p, lv->at, lv->grown);
	if (lv->code_at != 0)
		mend_length(p, lv->code_at, lv->code_grown);
}

/* All elements from next on. */
static bool
visit_all(struct pass *p, const uint8_t *next)
{

	while (p->depth > 0) {
		const uint8_t *end = p->r->levels[p->depth - 1].end;

		if (next == end) {
			leave(p);
			next = end + 1;
		} else if (!visit(p, &next)) {
			return false;
		}
	}
	return p->counts.values == 0 || put(p, p->doc + p->len, NULL, 0);
}

enum rewrite_outcome
rewrite_document(struct rewriter *r, const uint8_t *doc, size_t len,
    struct buf *out, struct rewrite_counts *counts, struct err *err)
{
	struct pass p = { .r = r, .doc = doc, .len = len, .from = doc,
	    .out = out, .base = out->len, .err = err };
	const uint8_t *first;
	bool ok;

	r->levels[0] = (struct level){ .place = PLACE_VALUE };
	if (!walk_open(doc, len, &first, &r->levels[0].end)) {
		malformed(&p);
		return p.failure;
	}
	if (!rewrite_possible(r, doc, len))
		return REWRITE_SAME;
	p.depth = 1;
	ok = visit_all(&p, first);
	if (r->text.cap > KEEP_MAX)
		buf_free(&r->text);
	if (r->path.cap > KEEP_MAX)
		buf_free(&r->path);
	if (!ok) {
		out->len = p.base;
		return p.failure;
	}
	p.counts.documents = p.counts.values > 0;
	rewrite_counts_add(counts, &p.counts);
	return p.counts.values > 0 ? REWRITE_CHANGED : REWRITE_SAME;
}
