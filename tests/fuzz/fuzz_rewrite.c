/*
 * Documents through the rewriter.  The input is lines, an empty line, bytes:
 *
 *	FROM TO			a rule (without any: two of our own)
 *	@db.c			the namespace
 *	-NS:PATH		a --rewrite-skip
 *	!			the bytes are not a document but say how to
 *				make one (see build_doc)
 *
 * What must hold is in the functions check_*.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bson/bson.h>

#include "bson/doc.h"
#include "bson/docdigest.h"
#include "bson/rewrite.h"
#include "bson/walk.h"

#define RULES_MAX 8
#define OUT_MAX (64u << 20)
#define BUILD_DEPTH_MAX 230	/* more than a document may have */

#define MUST(x) do { \
	if (!(x)) { \
		fprintf(stderr, "line %d: %s\n", __LINE__, #x); \
		abort(); \
	} \
} while (0)

struct input {
	char *text;		/* a copy of the lines, cut into strings */
	struct match_rule_spec specs[RULES_MAX];
	size_t n;
	const char *ns;
	struct strings skip;
	bool build;
	uint8_t *doc;		/* in a block of exactly its size */
	size_t len;
};

/* --- making a document of any bytes --- */

struct tape {
	const uint8_t *p, *end;
};

static uint8_t
next_byte(struct tape *t)
{

	return t->p < t->end ? *t->p++ : 0;
}

/* A few pieces from a table, or bytes of the tape. */
static void
put_text(struct buf *out, struct tape *t, bool nul_allowed)
{
	static const char *const pieces[] = {
		"https://old.example/", "/uploads/", "http://old.example", " ",
		"\"", "https:\\/\\/old.example\\/", "https%3A%2F%2Fold.example%2F",
		"//old.example/a", "old.example", "\xc3\xa9", "x", "&#x2F;",
		"a", "items", "url", "0",
	};
	uint8_t n = next_byte(t) % 5, b, raw;

	while (n-- > 0) {
		b = next_byte(t);
		if (b < 192) {
			buf_append_str(out, pieces[b % 16]);
			continue;
		}
		for (b &= 15; b > 0; b--) {
			raw = next_byte(t);
			if (raw != 0 || nul_allowed)
				buf_append_byte(out, raw);
		}
	}
}

static size_t
begin_length(struct buf *out)
{
	size_t at = out->len;

	buf_append(out, "\0\0\0\0", 4);
	return at;
}

static void
end_length(struct buf *out, size_t at, size_t n)
{
	size_t i;

	for (i = 0; i < 4; i++)
		out->data[at + i] = (uint8_t)(n >> (8 * i));
}

static void
put_string(struct buf *out, struct tape *t)
{
	size_t at = begin_length(out);

	put_text(out, t, true);
	buf_append_byte(out, 0);
	end_length(out, at, out->len - at - 4);
}

static void build_doc(struct buf *out, struct tape *t, unsigned depth);

static void
put_value(struct buf *out, struct tape *t, uint8_t type, unsigned depth)
{
	static const uint8_t sizes[] = { [0x01] = 8, [0x07] = 12, [0x08] = 1,
	    [0x09] = 8, [0x10] = 4, [0x11] = 8, [0x12] = 8, [0x13] = 16 };
	size_t at = out->len, i;

	switch (type) {
	case WALK_STRING:
	case WALK_CODE:
	case WALK_SYMBOL:
		put_string(out, t);
		break;
	case WALK_DOCUMENT:
	case WALK_ARRAY:
		build_doc(out, t, depth + 1);
		break;
	case WALK_BINARY:
		begin_length(out);
		buf_append_byte(out, next_byte(t) % 4);
		put_text(out, t, true);
		end_length(out, at, out->len - at - 5);
		break;
	case WALK_REGEX:
		put_text(out, t, false);
		buf_append_byte(out, 0);
		put_text(out, t, false);
		buf_append_byte(out, 0);
		break;
	case WALK_DBPOINTER:
		put_string(out, t);
		buf_append(out, "123456789012", 12);
		break;
	case WALK_CODE_WITH_SCOPE:
		begin_length(out);
		put_string(out, t);
		build_doc(out, t, depth + 1);
		end_length(out, at, out->len - at);
		break;
	default:
		for (i = 0; type < sizeof(sizes) && i < sizes[type]; i++)
			buf_append_byte(out, next_byte(t));
	}
}

/* Type, name, value; a byte of 0 to 15 ends the document. */
static void
build_doc(struct buf *out, struct tape *t, unsigned depth)
{
	static const char *const names[] = {
		"_id", "$ref", "$id", "$db", "filename", "a", "items", "url",
	};
	static const uint8_t types[] = { 2, 3, 4, 15, 2, 3, 1, 5, 6, 7, 8, 9,
	    10, 11, 12, 13, 14, 16, 17, 18, 19, 0x7f, 0xff, 2 };
	size_t at = begin_length(out);
	uint8_t b, type;

	while (depth < BUILD_DEPTH_MAX && (b = next_byte(t)) > 15) {
		type = types[b % sizeof(types)];
		buf_append_byte(out, type);
		b = next_byte(t);
		if (b < 128)
			buf_append_str(out, names[b % 8]);
		else
			put_text(out, t, false);
		buf_append_byte(out, 0);
		put_value(out, t, type, depth);
	}
	buf_append_byte(out, 0);
	end_length(out, at, out->len - at);
}

/* --- reading the input --- */

static void
read_line(struct input *in, char *line)
{
	char *space = strchr(line, ' ');

	if (*line == '@') {
		in->ns = line + 1;
	} else if (*line == '-') {
		if (in->skip.n < 8)
			strings_add(&in->skip, line + 1);
	} else if (*line == '!') {
		in->build = true;
	} else if (space != NULL && in->n < RULES_MAX) {
		*space = '\0';
		in->specs[in->n++] = (struct match_rule_spec){ line, space + 1 };
	}
}

static void
read_input(struct input *in, const uint8_t *data, size_t size)
{
	const uint8_t *blank = memmem(data, size, "\n\n", 2);
	size_t head = blank == NULL ? 0 : (size_t)(blank - data);
	struct tape tape = { data + (blank == NULL ? 0 : head + 2),
	    data + size };
	char *line, *save = NULL;
	struct buf doc;

	memset(in, 0, sizeof(*in));
	in->ns = "db.c";
	if ((in->text = malloc(head + 1)) == NULL)
		abort();
	memcpy(in->text, data, head);
	in->text[head] = '\0';
	for (line = strtok_r(in->text, "\n", &save); line != NULL;
	    line = strtok_r(NULL, "\n", &save))
		read_line(in, line);
	buf_init(&doc, OUT_MAX);
	if (in->build)
		build_doc(&doc, &tape, 0);
	else
		buf_append(&doc, tape.p, (size_t)(tape.end - tape.p));
	in->len = doc.len;
	in->doc = malloc(doc.len == 0 ? 1 : doc.len);
	if (doc.len > 0)
		memcpy(in->doc, doc.data, doc.len);
	buf_free(&doc);
}

static struct match_rules *
make_rules(const struct input *in)
{
	static const struct match_rule_spec own[] = {
		{ "https://old.example/", "https://new-host.example/" },
		{ "/uploads/", "/u/" },
	};
	struct match_rules *rules = NULL;
	struct err err;

	if (in->n > 0)
		rules = match_rules_new(in->specs, in->n, &err);
	return rules != NULL ? rules : match_rules_new(own, 2, &err);
}

/* --- what must hold --- */

/* The same places with other texts: all else is as it was. */
static void
check_only_texts_differ(const uint8_t *a, size_t a_len, const uint8_t *b,
    size_t b_len)
{
	const uint8_t *p, *q, *p_end, *q_end;
	struct walk_element x, y;

	MUST(walk_open(a, a_len, &p, &p_end) && walk_open(b, b_len, &q, &q_end));
	while (p != p_end) {
		MUST(walk_next(p, p_end, &x) && walk_next(q, q_end, &y));
		MUST(x.type == y.type && strcmp(x.key, y.key) == 0);
		if (x.doc != NULL)
			check_only_texts_differ(x.doc, x.doc_len, y.doc,
			    y.doc_len);
		else if (x.type != WALK_STRING && x.type != WALK_SYMBOL &&
		    x.type != WALK_CODE)
			MUST(x.value_len == y.value_len &&
			    memcmp(x.value, y.value, x.value_len) == 0);
		p = x.value + x.value_len;
		q = y.value + y.value_len;
	}
	MUST(q == q_end);
}

/* With its _id last it is the same document (if it has just one). */
static void
check_id_may_stand_anywhere(const uint8_t *doc, size_t len)
{
	struct walk_element id, other;
	const uint8_t *after;
	struct buf moved;

	if (!walk_find_id(doc, len, &id))
		return;
	after = id.value + id.value_len;
	buf_init(&moved, len);
	buf_append(&moved, doc, (size_t)(id.start - doc));
	buf_append(&moved, after, (size_t)(doc + len - after));
	end_length(&moved, 0, moved.len);
	if (!walk_find_id(moved.data, moved.len, &other)) {
		moved.len--;
		buf_append(&moved, id.start, (size_t)(after - id.start));
		buf_append_byte(&moved, 0);
		end_length(&moved, 0, moved.len);
		MUST(digest_equal(docdigest(doc, len),
		    docdigest(moved.data, moved.len)));
		MUST(digest_equal(docdigest_id(doc, len),
		    docdigest_id(moved.data, moved.len)));
		MUST(doc_same(doc, len, moved.data, moved.len));
	}
	buf_free(&moved);
}

static void
check_readers(const uint8_t *doc, size_t len, bool valid)
{
	struct buf json, once, twice;

	buf_init(&json, OUT_MAX);
	buf_init(&once, OUT_MAX);
	buf_init(&twice, OUT_MAX);
	MUST(doc_json(doc, len, &json) == valid);
	MUST(!valid || bson_utf8_validate((const char *)json.data, json.len,
	    false));
	doc_id_json(doc, len, &json);
	doc_id(doc, len, &once);
	buf_reset(&once);
	docdigest_id(doc, len);
	docdigest(doc, len);
	MUST(docdigest_canonical(doc, len, "a", &once) == valid);
	if (valid) {
		MUST(once.len == len && doc_valid(once.data, once.len));
		MUST(docdigest_canonical(once.data, len, "a", &twice));
		MUST(memcmp(once.data, twice.data, len) == 0);
		check_id_may_stand_anywhere(doc, len);
	}
	buf_free(&twice);
	buf_free(&once);
	buf_free(&json);
}

struct heard {
	uint64_t links;
	uint64_t values;
	uint64_t hosts;
};

static void
hear_link(void *arg, const uint8_t *doc, size_t len, const char *path,
    const struct match_link *link)
{
	struct heard *h = arg;

	(void)doc;
	(void)link;
	MUST(strlen(path) < len);
	h->links++;
}

static void
hear_host(void *arg, const uint8_t *doc, size_t len, const char *path,
    const struct match_host *host)
{
	struct heard *h = arg;

	(void)doc;
	MUST(strlen(path) < len && host->len < len);
	h->hosts++;
}

static void
hear_value(void *arg, const struct rewrite_value *v)
{
	struct heard *h = arg;

	MUST(v->before_len != v->after_len ||
	    memcmp(v->before, v->after, v->after_len) != 0);
	h->values++;
}

static void
check_rewrite(const struct input *in, const struct match_rules *rules,
    bool valid)
{
	struct heard heard = { 0 };
	struct rewriter_options options = { .rules = rules, .ns = in->ns,
	    .skip = &in->skip, .hooks = {
	    .link = hear_link, .host = hear_host, .value = hear_value,
	    .arg = &heard } };
	struct rewrite_counts counts = { 0 }, again = { 0 };
	struct buf out, second;
	struct rewriter *r;
	enum rewrite_outcome outcome;
	const uint8_t *doc = in->doc;
	size_t len = in->len;
	char why[200];
	struct err err;

	if ((r = rewriter_new(&options, &err)) == NULL)
		return;
	buf_init(&out, OUT_MAX);
	buf_init(&second, OUT_MAX);
	outcome = rewrite_document(r, doc, len, &out, &counts, &err);
	MUST(outcome == REWRITE_FAILED || heard.values == counts.values);
	MUST(heard.links >= heard.values);
	MUST(heard.hosts >= counts.no_rule);
	MUST(outcome != REWRITE_TOO_LARGE);
	MUST(valid ? outcome != REWRITE_FAILED : outcome == REWRITE_FAILED ||
	    (outcome == REWRITE_SAME && !match_possible(rules, doc, len)));
	MUST(counts.documents == (outcome == REWRITE_CHANGED));
	if (outcome == REWRITE_CHANGED) {
		MUST(counts.values > 0 && match_possible(rules, doc, len));
		MUST(doc_valid(out.data, out.len));
		check_only_texts_differ(doc, len, out.data, out.len);
		outcome = rewrite_document(r, out.data, out.len, &second,
		    &again, &err);
		MUST(outcome == REWRITE_SAME ||
		    match_rules_unstable(rules, why, sizeof(why)));
	} else {
		MUST(counts.values == 0 && out.len == 0);
	}
	rewrite_count_metadata(rules, doc, len);
	buf_free(&second);
	buf_free(&out);
	rewriter_free(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct match_rules *rules;
	struct input in;
	bool valid;

	read_input(&in, data, size);
	rules = make_rules(&in);
	valid = doc_valid(in.doc, in.len);
	check_rewrite(&in, rules, valid);
	check_readers(in.doc, in.len, valid);
	match_rules_free(rules);
	strings_free(&in.skip);
	free(in.doc);
	free(in.text);
	return 0;
}
