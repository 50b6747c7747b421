/*
 * Two documents compared, shown, and stripped of fields.  The input: a byte n,
 * then n edits of three bytes (where, little-endian, and what is written there),
 * then a document.  The other one is what follows it, if that is a document,
 * else the same with the edits.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bson/doc.h"
#include "bson/docdiff.h"
#include "bson/docignore.h"
#include "cli/extended.h"

#define OUT_MAX (64u << 20)

#define MUST(x) do { \
	if (!(x)) { \
		fprintf(stderr, "line %d: %s\n", __LINE__, #x); \
		abort(); \
	} \
} while (0)

struct document {
	uint8_t *p;		/* in a block of exactly its size */
	size_t len;
};

/* Valid JSON, which the shell's form is made of. */
static void
check_text(struct buf *out, const char *text)
{

	buf_init(out, OUT_MAX);
	if (text == NULL)
		return;
	MUST(extended_show(out, text));
	buf_reset(out);
	MUST(extended_compact(out, text));
	MUST(out->len == strlen(text));	/* compact it was */
}

static bool
note(void *arg, const struct docdiff_field *f, struct err *err)
{
	struct buf source, target;
	uint64_t *n = arg;

	(void)err;
	*n += f->more > 0 ? f->more : 1;
	check_text(&source, f->source);
	check_text(&target, f->target);
	if (f->source != NULL && f->target != NULL)
		MUST(strcmp(f->source, f->target) != 0);
	else if (f->source == NULL && f->target == NULL)
		MUST(f->order || f->more > 0);
	buf_free(&target);
	buf_free(&source);
	return true;
}

static uint64_t
compare(const struct document *a, const struct document *b)
{
	uint64_t n = 0;
	struct err err;
	bool ok = docdiff(a->p, a->len, b->p, b->len, note, &n, &err);

	MUST(ok == (doc_valid(a->p, a->len) && doc_valid(b->p, b->len)));
	return n;
}

/* What differs is told, what does not is not, from either side. */
static void
check_diff(const struct document *a, const struct document *b)
{
	uint64_t n = compare(a, b);

	MUST(compare(a, a) == 0);
	if (!doc_valid(a->p, a->len) || !doc_valid(b->p, b->len))
		return;
	MUST((n == 0) == doc_same(a->p, a->len, b->p, b->len));
	MUST(compare(b, a) == n);
}

/* A sound document stays one, and has nothing more to be taken out. */
static void
check_ignore(const struct docignore *ignore, const struct document *d)
{
	struct buf once, twice;
	bool stripped;

	buf_init(&once, OUT_MAX);
	buf_init(&twice, OUT_MAX);
	if (docignore_strip(ignore, d->p, d->len, &once, &stripped) &&
	    doc_valid(d->p, d->len)) {
		MUST(doc_valid(once.data, once.len));
		MUST(stripped == (once.len < d->len));
		MUST(docignore_strip(ignore, once.data, once.len, &twice,
		    &stripped));
		MUST(!stripped && once.len == twice.len);
		MUST(memcmp(once.data, twice.data, once.len) == 0);
	}
	buf_free(&twice);
	buf_free(&once);
}

static struct document
copy(const uint8_t *p, size_t len)
{
	struct document d = { malloc(len > 0 ? len : 1), len };

	MUST(d.p != NULL);
	if (len > 0)
		memcpy(d.p, p, len);
	return d;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char *entries[] = { (char *)(uintptr_t)"a.b:a.b",
	    (char *)(uintptr_t)"*:o.*", (char *)(uintptr_t)"*:s" };
	static const struct strings list = { entries, 3 };
	const uint8_t *edits = data + 1;
	struct docignore *ignore;
	struct document a, b;
	struct err err;
	size_t n, i, at, len;

	if (size < 1 || (n = data[0]) > (size - 1) / 3)
		return 0;
	data += 1 + 3 * n;
	size -= 1 + 3 * n;
	len = size < 4 ? 0 : (size_t)data[0] | (size_t)data[1] << 8 |
	    (size_t)data[2] << 16 | (size_t)data[3] << 24;
	if (len == 0 || len > size)
		len = size;
	a = copy(data, len);
	b = doc_valid(data + len, size - len) ?
	    copy(data + len, size - len) : copy(data, len);
	for (i = 0; i < n; i++) {
		at = (size_t)edits[3 * i] | (size_t)edits[3 * i + 1] << 8;
		if (at < b.len)
			b.p[at] = edits[3 * i + 2];
	}
	check_diff(&a, &b);
	MUST((ignore = docignore_new(&list, "a.b", &err)) != NULL);
	check_ignore(ignore, &a);
	check_ignore(ignore, &b);
	docignore_free(ignore);
	free(b.p);
	free(a.p);
	return 0;
}
