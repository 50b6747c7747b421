/*
 * The input's first byte chooses: an archive, as it is or read by one byte at a
 * time; or metadata in Extended JSON.  Nothing may be read out of bounds, what
 * is handed out is whole, and what is accepted is written and read back to the
 * same.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "archive/archive.h"
#include "archive/bsoncheck.h"
#include "archive/extjson.h"
#include "base/buf.h"

#define OUT_MAX (1 << 20)
#define MUST(x) do { if (!(x)) abort(); } while (0)

struct input {
	const uint8_t *data;
	size_t len;
	size_t chunk;
};

static bool
read_input(void *arg, void *data, size_t size, size_t *len, struct err *err)
{
	struct input *in = arg;

	(void)err;
	*len = in->len < size ? in->len : size;
	if (*len > in->chunk)
		*len = in->chunk;
	memcpy(data, in->data, *len);
	in->data += *len;
	in->len -= *len;
	return true;
}

static bool
write_output(void *arg, const void *data, size_t len, struct err *err)
{

	return buf_append(arg, data, len) || err_set(err, ERR_DISK, "full");
}

static void
check_collection(const struct archive_collection *c)
{
	size_t at, n, i;

	MUST(*c->db != '\0' && strpbrk(c->db, "/\\. \"$") == NULL);
	MUST(*c->name != '\0' && strlen(c->db) + strlen(c->name) < 256);
	MUST(bsoncheck_valid(c->options, c->options_len, &at));
	for (i = 0; i < c->indexes_len; i += n) {
		n = bsoncheck_u32(c->indexes + i);
		MUST(n <= c->indexes_len - i);
		MUST(bsoncheck_valid(c->indexes + i, n, &at));
	}
}

/* Reads to the end; the documents go to w, which may be NULL, and all. */
static bool
read_archive(struct archive_reader *r, struct archive_writer *w,
    struct buf *all)
{
	struct archive_item item;
	struct err err;
	size_t at;

	for (;;) {
		switch (archive_next(r, &item, &err)) {
		case ARCHIVE_END:
			return true;
		case ARCHIVE_FAILED:
			MUST(err.kind == ERR_DAMAGED);
			return false;
		case ARCHIVE_COLLECTION_END:
			MUST(item.collection < archive_reader_count(r));
			break;
		case ARCHIVE_DOC:
			MUST(item.collection < archive_reader_count(r));
			MUST(bsoncheck_valid(item.doc, item.len, &at));
			MUST(buf_append(all, item.doc, item.len));
			MUST(w == NULL || archive_write(w, item.collection,
			    item.doc, item.len, &err));
		}
	}
}

static void
check_written(const struct buf *archive, const struct buf *docs)
{
	struct input in = { archive->data, archive->len, archive->len };
	struct stream_in stream = { read_input, &in };
	struct archive_reader *r;
	struct buf again;
	struct err err;

	buf_init(&again, OUT_MAX);
	r = archive_reader_new(&stream, "written", &err);
	MUST(r != NULL && read_archive(r, NULL, &again));
	MUST(again.len == docs->len && (docs->len == 0 ||
	    memcmp(again.data, docs->data, docs->len) == 0));
	archive_reader_free(r);
	buf_free(&again);
}

static void
fuzz_archive(const uint8_t *data, size_t size, size_t chunk)
{
	struct input in = { data, size, chunk };
	struct stream_in stream = { read_input, &in };
	struct archive_head head = { .server_version = "6.0.5" };
	struct archive_reader *r;
	struct archive_writer *w = NULL;
	struct buf out, docs;
	struct stream_out to = { write_output, &out };
	struct err err;
	size_t i;

	if ((r = archive_reader_new(&stream, "archive", &err)) == NULL) {
		MUST(err.kind == ERR_DAMAGED || err.kind == ERR_UNSUPPORTED ||
		    err.kind == ERR_TOO_LARGE);
		return;
	}
	buf_init(&out, OUT_MAX);
	buf_init(&docs, OUT_MAX);
	for (i = 0; i < archive_reader_count(r); i++)
		check_collection(archive_reader_collection(r, i));
	if (archive_reader_count(r) > 0) {
		head.collections = archive_reader_collection(r, 0);
		head.n = archive_reader_count(r);
		/* (None where metadata have no Extended JSON.) */
		w = archive_writer_new(&to, &head, &err);
	}
	if (read_archive(r, w, &docs) && w != NULL) {
		MUST(archive_finish(w, &err));
		check_written(&out, &docs);
	}
	archive_writer_free(w);
	archive_reader_free(r);
	buf_free(&docs);
	buf_free(&out);
}

static void
fuzz_extjson(const uint8_t *data, size_t size)
{
	struct buf doc, json, again;
	struct err err;
	size_t at;

	buf_init(&doc, OUT_MAX);
	buf_init(&json, OUT_MAX);
	buf_init(&again, OUT_MAX);
	if (extjson_read((const char *)data, size, &doc, &err)) {
		MUST(bsoncheck_valid(doc.data, doc.len, &at));
		if (extjson_write(doc.data, doc.len, &json, &err)) {
			MUST(extjson_read((char *)json.data, json.len, &again,
			    &err));
			MUST(again.len == doc.len &&
			    memcmp(again.data, doc.data, doc.len) == 0);
		}
	} else {
		MUST(err.kind == ERR_DAMAGED || err.kind == ERR_TOO_LARGE);
	}
	buf_free(&again);
	buf_free(&json);
	buf_free(&doc);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{

	if (size == 0)
		return 0;
	if (*data == 'j')
		fuzz_extjson(data + 1, size - 1);
	else
		fuzz_archive(data + 1, size - 1, *data == '1' ? 1 : size);
	return 0;
}
