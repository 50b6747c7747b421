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

bool
ttl_is_due(const uint8_t *doc, size_t len, const uint8_t *index_spec,
    size_t spec_len, int64_t now_ms)
{
	bson_t document, spec;
	bson_iter_t iter, value;
	const char *key;
	int64_t after, ms;

	if (!bson_init_static(&document, doc, len) ||
	    !bson_init_static(&spec, index_spec, spec_len) ||
	    (key = only_key(&spec)) == NULL ||
	    !bson_iter_init_find(&iter, &spec, "expireAfterSeconds") ||
	    !BSON_ITER_HOLDS_NUMBER(&iter))
		return false;
	after = bson_iter_as_int64(&iter);
	if (after < 0 || after > INT64_MAX / 1000 ||
	    !bson_iter_init(&iter, &document) ||
	    !bson_iter_find_descendant(&iter, key, &value) ||
	    !earliest(&value, &ms))
		return false;
	return ms <= now_ms - after * 1000;
}
