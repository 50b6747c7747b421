#include <stdio.h>
#include <string.h>

#include <bson/bson.h>

#include "bson/doc.h"
#include "bson/walk.h"

bool
doc_valid(const uint8_t *doc, size_t len)
{

	return walk_all(doc, len, NULL, NULL);
}

static void
put_u32(uint8_t *p, size_t n)
{

	p[0] = (uint8_t)n;
	p[1] = (uint8_t)(n >> 8);
	p[2] = (uint8_t)(n >> 16);
	p[3] = (uint8_t)(n >> 24);
}

bool
doc_id(const uint8_t *doc, size_t len, struct buf *out)
{
	struct walk_element id;
	uint8_t head[4];
	size_t size;

	if (!walk_find_id(doc, len, &id))
		return false;
	size = (size_t)(id.value - id.start) + id.value_len;
	put_u32(head, 4 + size + 1);
	if (!buf_reserve(out, 4 + size + 1))
		return false;
	return buf_append(out, head, 4) && buf_append(out, id.start, size) &&
	    buf_append_byte(out, 0);
}

/* Compares two runs of pieces as if each were one block of bytes. */
static bool
same_bytes(const struct walk_piece *a, const struct walk_piece *b, size_t len)
{
	size_t a_at = 0, b_at = 0, n;

	while (len > 0) {
		n = a->len - a_at < b->len - b_at ? a->len - a_at :
		    b->len - b_at;
		if (memcmp(a->bytes + a_at, b->bytes + b_at, n) != 0)
			return false;
		len -= n;
		if ((a_at += n) == a->len) {
			a++;
			a_at = 0;
		}
		if ((b_at += n) == b->len) {
			b++;
			b_at = 0;
		}
	}
	return true;
}

bool
doc_same(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len)
{
	struct walk_piece a_pieces[4], b_pieces[4];

	if (a_len != b_len)
		return false;
	if (memcmp(a, b, a_len) == 0)
		return true;
	walk_id_first(a, a_len, a_pieces);
	walk_id_first(b, b_len, b_pieces);
	return same_bytes(a_pieces, b_pieces, a_len);
}

static bool
json_error(struct err *err, const char *why)
{

	err_set(err, ERR_CONFIG, "not a JSON document: %s", why);
	return err_hint(err,
	    "write one document, like {\"age\": {\"$gt\": 18}}");
}

/* libbson takes an array for a document, and passes over a last comma. */
static bool
check_ends(const char *text, struct err *err)
{
	const char *space = " \t\r\n";
	size_t first = strspn(text, space), last = strlen(text);
	char why[64];

	while (last > first && strchr(space, text[last - 1]) != NULL)
		last--;
	if (text[first] != '{') {
		snprintf(why, sizeof(why), "no '{' at position %zu", first);
		return json_error(err, why);
	}
	if (text[last - 1] != '}') {
		snprintf(why, sizeof(why), "no '}' at position %zu", last - 1);
		return json_error(err, why);
	}
	return true;
}

bool
doc_from_json(const char *text, struct buf *out, struct err *err)
{
	bson_json_reader_t *reader;
	bson_t doc = BSON_INITIALIZER, more = BSON_INITIALIZER;
	bson_error_t why = { 0 };
	bool ok = false;

	if (!check_ends(text, err))
		return false;
	if ((reader = bson_json_data_reader_new(true, 0)) == NULL)
		return err_nomem(err, "JSON reader");
	bson_json_data_reader_ingest(reader, (const uint8_t *)text,
	    strlen(text));
	if (bson_json_reader_read(reader, &doc, &why) != 1) {
		json_error(err, why.message);
		goto out;
	}
	/* A second one is a mistake that would otherwise pass in silence. */
	if (bson_json_reader_read(reader, &more, &why) != 0) {
		json_error(err, "something follows it");
		goto out;
	}
	if (!buf_append(out, bson_get_data(&doc), doc.len)) {
		err_nomem(err, "document from JSON");
		goto out;
	}
	ok = true;
out:
	bson_destroy(&more);
	bson_destroy(&doc);
	bson_json_reader_destroy(reader);
	return ok;
}
