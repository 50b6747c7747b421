/*
 * Archives and dumps in memory and in a fresh folder: shared by the tests of
 * archive/.  Header-only, because each unit test is one source file.
 */
#ifndef UNIT_ARCHIVE_FIXTURE_H
#define UNIT_ARCHIVE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "archive/archive.h"
#include "base/buf.h"
#include "base/file.h"
#include "codec/codec.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define ARCHIVES SF_FIXTURES "/archives/"
#define SEEN_MAX 64

/* --- streams --- */

struct memory {
	const uint8_t *data;
	size_t len, at;
	size_t chunk;		/* bytes a read gives at most, 0: all */
	long fail_at;		/* this read (from 0) fails; -1: none */
};

static inline bool
memory_read(void *arg, void *data, size_t size, size_t *len, struct err *err)
{
	struct memory *m = arg;

	if (m->fail_at-- == 0)
		return err_set(err, ERR_DISK, "the disk fails");
	*len = m->len - m->at < size ? m->len - m->at : size;
	if (m->chunk > 0 && *len > m->chunk)
		*len = m->chunk;
	if (*len > 0)
		memcpy(data, m->data + m->at, *len);
	m->at += *len;
	return true;
}

static inline bool
buf_write(void *arg, const void *data, size_t len, struct err *err)
{

	return buf_append(arg, data, len) || err_set(err, ERR_DISK, "it is full");
}

/* --- what a job does for compressed dumps --- */

static inline void *
filter_reader_open(const struct stream_in *raw, const char *name,
    struct stream_in *content, struct err *err)
{
	struct codec_reader *r;

	r = codec_reader_new(codec_by_name(name), raw, name, err);
	if (r != NULL)
		*content = codec_reader_stream(r);
	return r;
}

static inline void
filter_reader_close(void *reader)
{

	codec_reader_free(reader);
}

static inline void *
filter_writer_open(const struct stream_out *raw, const char *name,
    struct stream_out *content, struct err *err)
{
	struct codec_writer *w;

	w = codec_writer_new(codec_by_name(name), raw, err);
	if (w != NULL)
		*content = codec_writer_stream(w);
	return w;
}

static inline bool
filter_writer_finish(void *writer, struct err *err)
{

	return codec_writer_finish(writer, err);
}

static inline void
filter_writer_close(void *writer)
{

	codec_writer_free(writer);
}

static const struct archive_filter filter = { filter_reader_open,
    filter_reader_close, filter_writer_open, filter_writer_finish,
    filter_writer_close };

/* --- what has been read --- */

struct seen {
	struct buf docs[SEEN_MAX];
	size_t count[SEEN_MAX];
	bool ended[SEEN_MAX];
};

static inline void
seen_init(struct seen *s)
{
	size_t i;

	memset(s, 0, sizeof(*s));
	for (i = 0; i < SEEN_MAX; i++)
		buf_init(&s->docs[i], 1 << 24);
}

static inline void
seen_free(struct seen *s)
{
	size_t i;

	for (i = 0; i < SEEN_MAX; i++)
		buf_free(&s->docs[i]);
}

/* Reads to the end.  False with *err. */
static inline bool
read_all(struct archive_reader *r, struct seen *s, struct err *err)
{
	struct archive_item item;

	for (;;) {
		switch (archive_next(r, &item, err)) {
		case ARCHIVE_END:
			return true;
		case ARCHIVE_FAILED:
			return false;
		case ARCHIVE_COLLECTION_END:
			assert_true(item.collection < SEEN_MAX);
			assert_false(s->ended[item.collection]);
			s->ended[item.collection] = true;
			break;
		case ARCHIVE_DOC:
			assert_true(item.collection < SEEN_MAX);
			s->count[item.collection]++;
			assert_true(buf_append(&s->docs[item.collection],
			    item.doc, item.len));
		}
	}
}

/* The number of a collection. */
static inline size_t
number_of(const struct archive_reader *r, const char *db, const char *name)
{
	const struct archive_collection *c;
	size_t i;

	for (i = 0; i < archive_reader_count(r); i++) {
		c = archive_reader_collection(r, i);
		if (strcmp(c->db, db) == 0 && strcmp(c->name, name) == 0)
			return i;
	}
	fail_msg("no %s.%s", db, name);
	return 0;
}

static inline void
assert_same_collection(const struct archive_collection *a,
    const struct archive_collection *b)
{

	assert_string_equal(a->type, b->type);
	assert_int_equal(a->special, b->special);
	assert_int_equal(a->options_len, b->options_len);
	assert_memory_equal(a->options, b->options, a->options_len);
	assert_int_equal(a->indexes_len, b->indexes_len);
	if (a->indexes_len > 0)
		assert_memory_equal(a->indexes, b->indexes, a->indexes_len);
}

/* Both hold the same collections and documents, in whatever order. */
static inline void
assert_same(struct archive_reader *a, const struct seen *x,
    struct archive_reader *b, const struct seen *y)
{
	const struct archive_collection *c;
	size_t i, j;

	assert_int_equal(archive_reader_count(a), archive_reader_count(b));
	for (i = 0; i < archive_reader_count(a); i++) {
		c = archive_reader_collection(a, i);
		j = number_of(b, c->db, c->name);
		assert_same_collection(c, archive_reader_collection(b, j));
		assert_true(x->ended[i] && y->ended[j]);
		assert_int_equal(x->count[i], y->count[j]);
		assert_int_equal(x->docs[i].len, y->docs[j].len);
		if (x->docs[i].len > 0)
			assert_memory_equal(x->docs[i].data, y->docs[j].data,
			    x->docs[i].len);
	}
}

/* --- a fresh folder for each test --- */

static char root[64];

static inline int
make_root(void **state)
{

	(void)state;
	snprintf(root, sizeof(root), "/tmp/sf-test-archive-XXXXXX");
	return mkdtemp(root) == NULL || chdir(root) != 0;
}

static inline int
remove_root(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf '%s'", root);
	return chdir("/") != 0 || system(command) != 0;
}

/* A whole file. */
static inline void
slurp(const char *path, struct buf *out)
{
	struct err err;

	buf_init(out, 1 << 24);
	if (!file_read(path, out, &err))
		fail_msg("%s", err.message);
}

#endif
