#include <stdlib.h>
#include <string.h>

#include "mongo/raw.h"

#define DEEPEST 200
#define MOST_FIELDS 4096

bool
raw_copy(struct rawdoc *to, const void *data, size_t len)
{

	if ((to->data = malloc(len > 0 ? len : 1)) == NULL)
		return false;
	memcpy(to->data, data, len);
	to->len = len;
	return true;
}

void
raw_free(struct rawdoc *r)
{

	free(r->data);
	r->data = NULL;
	r->len = 0;
}

bool
raw_bson(const uint8_t *data, size_t len, bson_t *out)
{

	return data != NULL && bson_init_static(out, data, len);
}

/* libbson keeps where the current element begins (off) and the next one
 * (next_off); its value begins at d1 or, for a few types, elsewhere, so it is
 * found behind the name instead. */
static void
element_at(const bson_iter_t *it, struct raw_element *e)
{
	const char *name = bson_iter_key(it);

	e->start = it->raw + it->off;
	e->len = it->next_off - it->off;
	e->value = (const uint8_t *)name + strlen(name) + 1;
	e->value_len = e->len - (size_t)(e->value - e->start);
	e->type = *e->start;
}

bool
raw_find_id(const uint8_t *doc, size_t len, struct raw_element *id)
{
	bson_iter_t it;
	bson_t b;

	if (!raw_bson(doc, len, &b) || !bson_iter_init_find(&it, &b, "_id"))
		return false;
	element_at(&it, id);
	return true;
}

bool
raw_id(const uint8_t *doc, size_t len, struct rawdoc *out)
{
	struct raw_element id;
	uint32_t size;

	if (!raw_find_id(doc, len, &id))
		return false;
	size = (uint32_t)(4 + id.len + 1);
	if ((out->data = malloc(size)) == NULL)
		return false;
	out->len = size;
	size = BSON_UINT32_TO_LE(size);
	memcpy(out->data, &size, 4);
	memcpy(out->data + 4, id.start, id.len);
	out->data[out->len - 1] = 0;
	return true;
}

bool
raw_same(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len)
{
	struct raw_element x, y;
	const uint8_t *first, *second;
	size_t x_at, y_at, least, between;

	if (a_len != b_len)
		return false;
	if (memcmp(a, b, a_len) == 0)
		return true;
	if (!raw_find_id(a, a_len, &x) || !raw_find_id(b, b_len, &y))
		return false;
	if (x.len != y.len || memcmp(x.start, y.start, x.len) != 0)
		return false;
	/* Without their _id both must be equal: the same before the earlier
	 * one, then shifted by its length up to the later one, then again. */
	x_at = (size_t)(x.start - a);
	y_at = (size_t)(y.start - b);
	least = x_at < y_at ? x_at : y_at;
	between = x_at < y_at ? y_at - x_at : x_at - y_at;
	first = a + least + (x_at < y_at ? x.len : 0);
	second = b + least + (y_at < x_at ? y.len : 0);
	return memcmp(a, b, least) == 0 &&
	    memcmp(first, second, between) == 0 &&
	    memcmp(a + least + between + x.len, b + least + between + x.len,
	    a_len - least - between - x.len) == 0;
}

static bool
is_zero_stamp(const struct raw_element *e)
{
	static const uint8_t zero[8];

	return e->type == BSON_TYPE_TIMESTAMP &&
	    memcmp(e->value, zero, sizeof(zero)) == 0;
}

bool
raw_has_zero_stamp(const uint8_t *doc, size_t len)
{
	struct raw_element e;
	bson_iter_t it;
	bson_t b;

	if (!raw_bson(doc, len, &b) || !bson_iter_init(&it, &b))
		return false;
	while (bson_iter_next(&it)) {
		if (bson_iter_type(&it) != BSON_TYPE_TIMESTAMP)
			continue;
		element_at(&it, &e);
		if (is_zero_stamp(&e) && strcmp(bson_iter_key(&it), "_id") != 0)
			return true;
	}
	return false;
}

bool
raw_same_but_stamps(const uint8_t *a, const uint8_t *b, size_t len)
{
	struct raw_element e;
	size_t at = 0, start;
	bson_iter_t it;
	bson_t doc;

	if (!raw_bson(b, len, &doc) || !bson_iter_init(&it, &doc))
		return false;
	while (bson_iter_next(&it)) {
		if (bson_iter_type(&it) != BSON_TYPE_TIMESTAMP)
			continue;
		element_at(&it, &e);
		if (!is_zero_stamp(&e) || strcmp(bson_iter_key(&it), "_id") == 0)
			continue;
		start = (size_t)(e.value - b);
		if (memcmp(a + at, b + at, start - at) != 0)
			return false;
		at = start + e.value_len;
	}
	return memcmp(a + at, b + at, len - at) == 0;
}

/* Names seen so far are looked through one by one: documents with a zero
 * timestamp are rare, and few have many fields. */
static bool
seen_before(const bson_iter_t *parent, const char *name, uint32_t before)
{
	bson_iter_t it = *parent;

	while (bson_iter_next(&it) && it.off < before) {
		if (strcmp(bson_iter_key(&it), name) == 0)
			return true;
	}
	return false;
}

static bool
odd_names(const bson_iter_t *start, bool array, unsigned depth)
{
	bson_iter_t it = *start, child;
	size_t fields = 0;

	while (bson_iter_next(&it)) {
		const char *name = bson_iter_key(&it);

		if (!array && (name[0] == '$' || ++fields > MOST_FIELDS ||
		    seen_before(start, name, it.off)))
			return true;
		if (!BSON_ITER_HOLDS_DOCUMENT(&it) && !BSON_ITER_HOLDS_ARRAY(&it))
			continue;
		if (depth == 0 || !bson_iter_recurse(&it, &child) ||
		    odd_names(&child, BSON_ITER_HOLDS_ARRAY(&it), depth - 1))
			return true;
	}
	return false;
}

bool
raw_has_odd_names(const uint8_t *doc, size_t len)
{
	bson_iter_t it;
	bson_t b;

	if (!raw_bson(doc, len, &b) || !bson_iter_init(&it, &b))
		return true;
	return odd_names(&it, false, DEEPEST);
}
