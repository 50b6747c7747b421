#include <bson/bson.h>

#include "bson/ttl.h"

/* The name of the index's one key; NULL when it has none or several. */
static const char *
only_key(const bson_t *spec)
{
	bson_iter_t iter, keys;
	const char *name;

	if (!bson_iter_init_find(&iter, spec, "key") ||
	    !BSON_ITER_HOLDS_DOCUMENT(&iter) ||
	    !bson_iter_recurse(&iter, &keys) || !bson_iter_next(&keys))
		return NULL;
	name = bson_iter_key(&keys);
	return bson_iter_next(&keys) ? NULL : name;
}

/* The earliest date in value: itself, or an element of the array it is. */
static bool
earliest(const bson_iter_t *value, int64_t *ms)
{
	bson_iter_t item;
	bool found = false;

	if (BSON_ITER_HOLDS_DATE_TIME(value)) {
		*ms = bson_iter_date_time(value);
		return true;
	}
	if (!BSON_ITER_HOLDS_ARRAY(value) || !bson_iter_recurse(value, &item))
		return false;
	while (bson_iter_next(&item)) {
		if (BSON_ITER_HOLDS_DATE_TIME(&item) &&
		    (!found || bson_iter_date_time(&item) < *ms)) {
			*ms = bson_iter_date_time(&item);
			found = true;
		}
	}
	return found;
}

int64_t
ttl_seconds(const uint8_t *options, size_t len)
{
	bson_t doc;
	bson_iter_t iter;
	int64_t after;

	if (!bson_init_static(&doc, options, len) ||
	    !bson_iter_init_find(&iter, &doc, "expireAfterSeconds") ||
	    !BSON_ITER_HOLDS_NUMBER(&iter))
		return -1;
	after = bson_iter_as_int64(&iter);
	return after > INT64_MAX / 1000 ? -1 : after;
}

bool
ttl_field_is_due(const uint8_t *doc, size_t len, const char *field,
    int64_t after, int64_t now_ms)
{
	bson_t document;
	bson_iter_t iter, value;
	int64_t ms;

	return after >= 0 && bson_init_static(&document, doc, len) &&
	    bson_iter_init(&iter, &document) &&
	    bson_iter_find_descendant(&iter, field, &value) &&
	    earliest(&value, &ms) && ms <= now_ms - after * 1000;
}

bool
ttl_is_due(const uint8_t *doc, size_t len, const uint8_t *index_spec,
    size_t spec_len, int64_t now_ms)
{
	bson_t spec;
	const char *key;

	return bson_init_static(&spec, index_spec, spec_len) &&
	    (key = only_key(&spec)) != NULL &&
	    ttl_field_is_due(doc, len, key, ttl_seconds(index_spec, spec_len),
	    now_ms);
}
