#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "archive/archive_internal.h"
#include "archive/bsoncheck.h"
#include "archive/metadata.h"
#include "archive/name.h"

struct archive_reader *
archive_reader_make(const char *name, struct err *err)
{
	struct archive_reader *r;

	if ((r = calloc(1, sizeof(*r))) == NULL ||
	    (r->name = strdup(name)) == NULL ||
	    (r->server_version = strdup("")) == NULL) {
		err_nomem(err, "reading an archive");
		archive_reader_free(r);
		return NULL;
	}
	return r;
}

static void
free_collection(struct archive_collection *c)
{

	free(c->db);
	free(c->name);
	free(c->type);
	free(c->options);
	free(c->indexes);
}

void
archive_reader_free(struct archive_reader *r)
{
	size_t i;

	if (r == NULL)
		return;
	archive_stream_free(r->stream);
	archive_dump_free(r);
	for (i = 0; i < r->n; i++)
		free_collection(&r->collections[i]);
	free(r->collections);
	free(r->sorted);
	free(r->server_version);
	free(r->name);
	free(r);
}

const char *
archive_reader_server_version(const struct archive_reader *r)
{

	return r->server_version;
}

size_t
archive_reader_count(const struct archive_reader *r)
{

	return r->n;
}

const struct archive_collection *
archive_reader_collection(const struct archive_reader *r, size_t i)
{

	return &r->collections[i];
}

enum archive_next
archive_next(struct archive_reader *r, struct archive_item *item,
    struct err *err)
{

	*item = (struct archive_item){ 0 };
	return r->stream != NULL ? archive_stream_next(r, item, err) :
	    archive_dump_next(r, item, err);
}

static bool
has_room(struct archive_reader *r, const struct archive_found *found,
    struct err *err)
{
	struct archive_collection *more;
	size_t cap;

	r->metadata_bytes += found->metadata.len;
	if (r->n == ARCHIVE_COLLECTIONS_MAX)
		return err_set(err, ERR_TOO_LARGE, "more than %zu collections",
		    ARCHIVE_COLLECTIONS_MAX);
	if (r->metadata_bytes > ARCHIVE_METADATA_MAX)
		return err_set(err, ERR_TOO_LARGE, "more than %zu MiB of "
		    "metadata", ARCHIVE_METADATA_MAX >> 20);
	if (r->n < r->cap)
		return true;
	cap = r->cap == 0 ? 16 : 2 * r->cap;
	more = realloc(r->collections, cap * sizeof(*more));
	if (more == NULL)
		return err_nomem(err, "collections");
	r->collections = more;
	r->cap = cap;
	return true;
}

static bool
check_names(const struct archive_found *found, struct err *err)
{

	return name_check_db(found->db.bytes, found->db.len, err) &&
	    name_check_collection(found->db.bytes, found->name.bytes,
	    found->name.len, err);
}

bool
archive_reader_add(struct archive_reader *r, const struct archive_found *found,
    struct err *err)
{
	struct archive_collection *c;
	struct metadata m;

	if (!check_names(found, err) || !has_room(r, found, err))
		return false;
	if (!metadata_read(&m, found->metadata.bytes, found->metadata.len,
	    found->type, err))
		return err_prefix(err, "metadata of %s.%s", found->db.bytes,
		    found->name.bytes);
	c = &r->collections[r->n];
	*c = (struct archive_collection){
		.db = strdup(found->db.bytes),
		.name = strdup(found->name.bytes),
		.type = m.type,
		.options = m.options,
		.options_len = m.options_len,
		.indexes = m.indexes,
		.indexes_len = m.indexes_len,
		.size = found->size,
		.special = name_special(found->db.bytes, found->name.bytes),
	};
	free(m.name);
	if (c->db == NULL || c->name == NULL) {
		free_collection(c);
		return err_nomem(err, "collections");
	}
	r->n++;
	return true;
}

static int
compare(const struct archive_collection *c, const char *db, const char *name)
{
	int order = strcmp(c->db, db);

	return order != 0 ? order : strcmp(c->name, name);
}

static int
by_namespace(const void *a, const void *b, void *arg)
{
	const struct archive_collection *collections = arg;
	const struct archive_collection *other =
	    &collections[*(const size_t *)b];

	return compare(&collections[*(const size_t *)a], other->db,
	    other->name);
}

bool
archive_reader_sort(struct archive_reader *r, struct err *err)
{
	const struct archive_collection *c;
	size_t i;

	if ((r->sorted = calloc(r->n + 1, sizeof(*r->sorted))) == NULL)
		return err_nomem(err, "collections");
	for (i = 0; i < r->n; i++)
		r->sorted[i] = i;
	qsort_r(r->sorted, r->n, sizeof(*r->sorted), by_namespace,
	    r->collections);
	for (i = 1; i < r->n; i++) {
		c = &r->collections[r->sorted[i]];
		if (compare(&r->collections[r->sorted[i - 1]], c->db,
		    c->name) == 0)
			return err_set(err, ERR_DAMAGED, "the collection %s.%s "
			    "is there twice", c->db, c->name);
	}
	return true;
}

size_t
archive_reader_find(const struct archive_reader *r, const char *db,
    const char *name)
{
	size_t low = 0, high = r->n, middle;
	int order;

	while (low < high) {
		middle = low + (high - low) / 2;
		order = compare(&r->collections[r->sorted[middle]], db, name);
		if (order == 0)
			return r->sorted[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return r->n;
}

/* "archive FILE: db.name, document 3 at byte 123" */
static bool
at_place(struct err *err, const struct archive_place *place, uint64_t offset)
{

	return err_prefix(err, "%s: %s.%s, document %" PRIu64 " at byte %"
	    PRIu64, place->source, place->db, place->name, place->number,
	    offset);
}

bool
archive_read_doc(struct input *in, const struct archive_place *place,
    const uint8_t **doc, size_t *len, struct err *err)
{
	size_t n = bsoncheck_u32(input_bytes(in)), at_hand, at;

	if (n < BSONCHECK_SMALLEST || n > ARCHIVE_DOC_MAX) {
		err_set(err, ERR_DAMAGED, "its length, %" PRId32 ", is not that "
		    "of a document", (int32_t)n);
		return at_place(err, place, in->offset);
	}
	if (!input_need(in, n, &at_hand, err))
		return false;
	if (at_hand < n) {
		err_set(err, ERR_DAMAGED, "it is cut: %zu of %zu bytes are "
		    "there", at_hand, n);
		return at_place(err, place, in->offset);
	}
	if (!bsoncheck_valid(input_bytes(in), n, &at)) {
		err_set(err, ERR_DAMAGED, "it is no valid BSON from its byte "
		    "%zu on", at);
		return at_place(err, place, in->offset);
	}
	*doc = input_bytes(in);
	*len = n;
	input_take(in, n);
	return true;
}
