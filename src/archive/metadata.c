#include <bson/bson.h>
#include <stdlib.h>
#include <string.h>

#include "archive/bsoncheck.h"
#include "archive/extjson.h"
#include "archive/metadata.h"

static const uint8_t empty_document[] = { 5, 0, 0, 0, 0 };

static bool
copy(const void *bytes, size_t len, uint8_t **out, size_t *out_len,
    struct err *err)
{

	if ((*out = malloc(len + 1)) == NULL)
		return err_nomem(err, "metadata");
	memcpy(*out, bytes, len);
	(*out)[len] = 0;
	*out_len = len;
	return true;
}

/* The documents of an array, one behind the other, each with a "key". */
static bool
read_indexes(struct metadata *m, bson_iter_t *value, struct err *err)
{
	const uint8_t *doc;
	bson_iter_t index, key;
	uint32_t len;
	struct buf all;
	size_t n = 0;
	bool ok;

	if (BSON_ITER_HOLDS_NULL(value))
		return true;
	if (!BSON_ITER_HOLDS_ARRAY(value) || !bson_iter_recurse(value, &index))
		return err_set(err, ERR_DAMAGED, "\"indexes\" is no array");
	bson_iter_array(value, &len, &doc);
	buf_init(&all, len);
	for (ok = true; ok && bson_iter_next(&index); n++) {
		if (!BSON_ITER_HOLDS_DOCUMENT(&index)) {
			ok = err_set(err, ERR_DAMAGED, "index %zu is no "
			    "document", n + 1);
			break;
		}
		bson_iter_document(&index, &len, &doc);
		if (!bson_iter_recurse(&index, &key) ||
		    !bson_iter_find(&key, "key") ||
		    !BSON_ITER_HOLDS_DOCUMENT(&key))
			ok = err_set(err, ERR_DAMAGED, "index %zu has no "
			    "\"key\"", n + 1);
		else if (!buf_append(&all, doc, len))
			ok = err_nomem(err, "indexes");
	}
	free(m->indexes);
	m->indexes = NULL;
	if (ok && all.len > 0)
		m->indexes = buf_steal(&all, &m->indexes_len);
	buf_free(&all);
	return ok;
}

static bool
read_text(bson_iter_t *value, const char *what, char **out, size_t *out_len,
    struct err *err)
{
	const char *s;
	uint32_t len;

	if (!BSON_ITER_HOLDS_UTF8(value))
		return err_set(err, ERR_DAMAGED, "\"%s\" is no text", what);
	s = bson_iter_utf8(value, &len);
	free(*out);
	return copy(s, len, (uint8_t **)out, out_len, err);
}

static bool
read_field(struct metadata *m, bson_iter_t *field, struct err *err)
{
	const char *key = bson_iter_key(field);
	const uint8_t *doc;
	uint32_t len;
	size_t unused;

	if (strcmp(key, "indexes") == 0)
		return read_indexes(m, field, err);
	if (strcmp(key, "collectionName") == 0)
		return read_text(field, key, &m->name, &m->name_len, err);
	if (strcmp(key, "type") == 0)
		return read_text(field, key, &m->type, &unused, err);
	if (strcmp(key, "options") != 0 || BSON_ITER_HOLDS_NULL(field))
		return true;
	if (!BSON_ITER_HOLDS_DOCUMENT(field))
		return err_set(err, ERR_DAMAGED, "\"options\" is no document");
	bson_iter_document(field, &len, &doc);
	free(m->options);
	return copy(doc, len, &m->options, &m->options_len, err);
}

/* True when metadata may say so of what its options show it to be.  mongodump
 * --viewsAsCollections keeps the type and drops the options. */
static bool
agrees(const char *said, const char *found)
{

	return *said == '\0' || strcmp(said, found) == 0 ||
	    (strcmp(said, "view") == 0 && strcmp(found, "collection") == 0);
}

/* What has viewOn is a view, and nothing else may be one; likewise the others.
 * Older tools tell the type by the options alone. */
static bool
settle_type(struct metadata *m, const char *head, struct err *err)
{
	const char *said = m->type != NULL && *m->type != '\0' ? m->type : head;
	const char *found = "collection";
	bson_iter_t at;
	bson_t bson;
	char *type;

	if (bson_init_static(&bson, m->options, m->options_len)) {
		if (bson_iter_init_find(&at, &bson, "viewOn"))
			found = "view";
		else if (bson_iter_init_find(&at, &bson, "timeseries"))
			found = "timeseries";
	}
	if (*said != '\0' && strcmp(said, "collection") != 0 &&
	    strcmp(said, "view") != 0 && strcmp(said, "timeseries") != 0)
		return err_set(err, ERR_UNSUPPORTED, "its type \"%.40s\" is not "
		    "known", said);
	if (!agrees(said, found) || !agrees(head, found))
		return err_set(err, ERR_DAMAGED, "its type is \"%.40s\" and "
		    "its options are those of a %s", agrees(said, found) ? head :
		    said, found);
	if ((type = strdup(found)) == NULL)
		return err_nomem(err, "metadata");
	free(m->type);
	m->type = type;
	return true;
}

static bool
read_json(struct metadata *m, const char *json, size_t len, struct err *err)
{
	bson_iter_t field;
	struct buf doc;
	bson_t bson;
	size_t at;
	bool ok;

	buf_init(&doc, ARCHIVE_DOC_MAX);
	if (!extjson_read(json, len, &doc, err)) {
		ok = err_prefix(err, "no Extended JSON");
	} else if (!bsoncheck_valid(doc.data, doc.len, &at) ||
	    !bson_init_static(&bson, doc.data, doc.len) ||
	    !bson_iter_init(&field, &bson)) {
		ok = err_set(err, ERR_DAMAGED, "too many documents in one "
		    "another");
	} else {
		ok = true;
		while (ok && bson_iter_next(&field))
			ok = read_field(m, &field, err);
	}
	buf_free(&doc);
	return ok;
}

bool
metadata_read(struct metadata *m, const char *json, size_t len,
    const char *type, struct err *err)
{
	bool ok;

	*m = (struct metadata){ 0 };
	ok = copy(empty_document, sizeof(empty_document), &m->options,
	    &m->options_len, err) &&
	    (len == 0 || read_json(m, json, len, err)) &&
	    settle_type(m, type, err);
	if (!ok)
		metadata_free(m);
	return ok;
}

void
metadata_free(struct metadata *m)
{

	free(m->name);
	free(m->type);
	free(m->options);
	free(m->indexes);
	*m = (struct metadata){ 0 };
}

static bool
append_indexes(bson_t *doc, const struct archive_collection *c)
{
	size_t at = 0, len, bad;
	bson_t array, index;
	char key[24];
	uint32_t n = 0;
	const char *name;
	bool ok = true;

	if (!bson_append_array_begin(doc, "indexes", -1, &array))
		return false;
	while (ok && at < c->indexes_len) {
		len = c->indexes_len - at < 4 ? 0 :
		    bsoncheck_u32(c->indexes + at);
		ok = len <= c->indexes_len - at &&
		    bsoncheck_valid(c->indexes + at, len, &bad) &&
		    bson_init_static(&index, c->indexes + at, len);
		bson_uint32_to_string(n++, &name, key, sizeof(key));
		ok = ok && bson_append_document(&array, name, -1, &index);
		at += len;
	}
	return bson_append_array_end(doc, &array) && ok;
}

bool
metadata_write(const struct archive_collection *c, struct buf *json,
    struct err *err)
{
	bson_t *doc = bson_new(), options;
	size_t at;
	bool ok;

	ok = bsoncheck_valid(c->options, c->options_len, &at) &&
	    bson_init_static(&options, c->options, c->options_len);
	if (ok && c->options_len > sizeof(empty_document))
		ok = bson_append_document(doc, "options", -1, &options);
	ok = ok && append_indexes(doc, c) &&
	    bson_append_utf8(doc, "collectionName", -1, c->name, -1) &&
	    bson_append_utf8(doc, "type", -1, c->type, -1);
	if (!ok)
		err_set(err, ERR_INTERNAL, "metadata that are no BSON");
	ok = ok && extjson_write(bson_get_data(doc), doc->len, json, err);
	bson_destroy(doc);
	return ok;
}
