#include <bson/bson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "archive/archive_writer.h"
#include "archive/bsoncheck.h"
#include "archive/crc64.h"
#include "archive/metadata.h"
#include "archive/name.h"

static const uint8_t magic[] = { 0x6d, 0xe2, 0x99, 0x81 };
static const uint8_t terminator[] = { 0xff, 0xff, 0xff, 0xff };

/* From this version on the documents of a time-series collection go by its own
 * name: MAJOR * 100 + MINOR. */
#define VIEWLESS_TIMESERIES 803

const char *
archive_writer_version(const struct archive_head *head)
{
	const char *v = head->server_version;

	return v == NULL || *v == '\0' ? "0.0.0" : v;
}

static unsigned
version_number(const struct archive_head *head)
{
	unsigned major = 0, minor = 0;

	if (sscanf(archive_writer_version(head), "%3u.%3u", &major, &minor) < 1)
		return 0;
	return major * 100 + minor;
}

static bool
add_target(struct archive_writer *w, const struct archive_collection *c,
    bool buckets, struct err *err)
{
	struct archive_target *t = &w->targets[w->n++];

	if (!name_check_db(c->db, strlen(c->db), err) ||
	    !name_check_collection(c->db, c->name, strlen(c->name), err)) {
		err_prefix(err, "this cannot be written");
		if (err != NULL)
			err->kind = ERR_UNSUPPORTED;
		return false;
	}
	t->view = strcmp(c->type, "view") == 0;
	t->db = strdup(c->db);
	if (asprintf(&t->data, "%s%s", buckets && strcmp(c->type,
	    "timeseries") == 0 ? NAME_BUCKETS : "", c->name) < 0)
		t->data = NULL;
	return (t->db != NULL && t->data != NULL) ||
	    err_nomem(err, "writing an archive");
}

struct archive_writer *
archive_writer_make(const struct archive_head *head, struct err *err)
{
	bool buckets = version_number(head) < VIEWLESS_TIMESERIES;
	struct archive_writer *w;
	size_t i;

	if ((w = calloc(1, sizeof(*w))) == NULL || (w->targets =
	    calloc(head->n + 1, sizeof(*w->targets))) == NULL) {
		err_nomem(err, "writing an archive");
		goto fail;
	}
	for (i = 0; i < head->n; i++)
		if (!add_target(w, &head->collections[i], buckets, err))
			goto fail;
	w->current = w->n;
	return w;
fail:
	archive_writer_free(w);
	return NULL;
}

void
archive_writer_free(struct archive_writer *w)
{
	size_t i;

	if (w == NULL)
		return;
	archive_dump_writer_free(w);
	for (i = 0; i < w->n; i++) {
		free(w->targets[i].db);
		free(w->targets[i].data);
	}
	free(w->targets);
	free(w);
}

static bool
put(struct archive_writer *w, const void *data, size_t len, struct err *err)
{

	return w->out.write(w->out.arg, data, len, err);
}

/* Writes doc and destroys it. */
static bool
put_bson(struct archive_writer *w, bson_t *doc, bool ok, struct err *err)
{

	ok = ok ? put(w, bson_get_data(doc), doc->len, err) :
	    err_set(err, ERR_TOO_LARGE, "a description in the archive");
	bson_destroy(doc);
	return ok;
}

static bool
put_head(struct archive_writer *w, const struct archive_head *head,
    struct err *err)
{
	size_t n = head->concurrent;
	bson_t doc = BSON_INITIALIZER;

	if (n == 0 || n > head->n)
		n = head->n > INT32_MAX ? INT32_MAX : head->n;
	return put(w, magic, sizeof(magic), err) && put_bson(w, &doc,
	    BSON_APPEND_INT32(&doc, "concurrent_collections",
	    n == 0 ? 1 : (int32_t)n) &&
	    BSON_APPEND_UTF8(&doc, "version", "0.1") &&
	    BSON_APPEND_UTF8(&doc, "server_version",
	    archive_writer_version(head)) &&
	    BSON_APPEND_UTF8(&doc, "tool_version", ARCHIVE_TOOL), err);
}

static bool
put_collection(struct archive_writer *w, const struct archive_collection *c,
    struct err *err)
{
	bool beside = name_beside(c->name), ok;
	bson_t doc = BSON_INITIALIZER;
	struct buf json;

	buf_init(&json, ARCHIVE_DOC_MAX);
	if (!beside && !metadata_write(c, &json, err)) {
		buf_free(&json);
		bson_destroy(&doc);
		return err_prefix(err, "metadata of %s.%s", c->db, c->name);
	}
	ok = BSON_APPEND_UTF8(&doc, "db", c->db) &&
	    BSON_APPEND_UTF8(&doc, "collection", c->name) &&
	    bson_append_utf8(&doc, "metadata", -1, beside ? "" :
	    (const char *)json.data, (int)json.len) &&
	    BSON_APPEND_INT32(&doc, "size", 0) &&
	    BSON_APPEND_UTF8(&doc, "type", beside ? "" : c->type);
	buf_free(&json);
	return put_bson(w, &doc, ok && doc.len <= ARCHIVE_DOC_MAX, err);
}

struct archive_writer *
archive_writer_new(const struct stream_out *out,
    const struct archive_head *head, struct err *err)
{
	struct archive_writer *w;
	size_t i;
	bool ok;

	if ((w = archive_writer_make(head, err)) == NULL)
		return NULL;
	w->out = *out;
	ok = put_head(w, head, err);
	for (i = 0; ok && i < head->n; i++)
		ok = put_collection(w, &head->collections[i], err);
	if (ok && put(w, terminator, sizeof(terminator), err))
		return w;
	archive_writer_free(w);
	return NULL;
}

/* The head of a block of target t, or of its end. */
static bool
put_block(struct archive_writer *w, const struct archive_target *t, bool eof,
    struct err *err)
{
	bson_t doc = BSON_INITIALIZER;

	return put_bson(w, &doc, BSON_APPEND_UTF8(&doc, "db", t->db) &&
	    BSON_APPEND_UTF8(&doc, "collection", t->data) &&
	    BSON_APPEND_BOOL(&doc, "EOF", eof) &&
	    BSON_APPEND_INT64(&doc, "CRC", eof ? (int64_t)t->crc : 0), err);
}

static bool
close_block(struct archive_writer *w, struct err *err)
{

	if (w->current == w->n)
		return true;
	w->current = w->n;
	return put(w, terminator, sizeof(terminator), err);
}

/* Makes the block of target i the open one. */
static bool
open_block(struct archive_writer *w, size_t i, struct err *err)
{

	if (w->current == i)
		return true;
	if (!close_block(w, err) || !put_block(w, &w->targets[i], false, err))
		return false;
	w->current = i;
	w->targets[i].begun = true;
	return true;
}

/* Whether the lengths of the documents add up. */
static bool
whole(const uint8_t *docs, size_t len)
{
	size_t n;

	while (len > 0) {
		n = len < BSONCHECK_SMALLEST ? 0 : bsoncheck_u32(docs);
		if (n < BSONCHECK_SMALLEST || n > len || docs[n - 1] != 0)
			return false;
		docs += n;
		len -= n;
	}
	return true;
}

bool
archive_write(struct archive_writer *w, size_t collection, const uint8_t *docs,
    size_t len, struct err *err)
{
	struct archive_target *t = &w->targets[collection];

	if (collection >= w->n || t->view || t->ended || !whole(docs, len))
		return err_set(err, ERR_INTERNAL, "what should be written is no "
		    "part of the archive");
	if (len == 0)
		return true;
	if (w->dump != NULL)
		return archive_dump_write(w, collection, docs, len, err);
	t->crc = crc64_update(t->crc, docs, len);
	return open_block(w, collection, err) && put(w, docs, len, err);
}

bool
archive_write_end(struct archive_writer *w, size_t collection, struct err *err)
{
	struct archive_target *t = &w->targets[collection];

	if (t->ended)
		return true;
	t->ended = true;
	if (w->dump != NULL)
		return archive_dump_end(w, collection, err);
	/* mongodump has a block, if empty, even of a view. */
	return (t->begun || open_block(w, collection, err)) &&
	    close_block(w, err) && put_block(w, t, true, err) &&
	    put(w, terminator, sizeof(terminator), err);
}

bool
archive_finish(struct archive_writer *w, struct err *err)
{
	size_t i;

	for (i = 0; i < w->n; i++)
		if (!archive_write_end(w, i, err))
			return false;
	return w->dump == NULL || archive_dump_finish(w, err);
}
