#include <bson/bson.h>
#include <string.h>

#include "bson/validator.h"

static bool
option_is(const bson_t *options, const char *name, const char *value)
{
	bson_iter_t iter;

	return bson_iter_init_find(&iter, options, name) &&
	    BSON_ITER_HOLDS_UTF8(&iter) &&
	    strcmp(bson_iter_utf8(&iter, NULL), value) == 0;
}

/* The validator when it refuses documents. */
static bool
find_validator(const bson_t *options, bson_t *validator)
{
	bson_iter_t iter;
	const uint8_t *data;
	uint32_t len;

	if (option_is(options, "validationLevel", "off") ||
	    option_is(options, "validationAction", "warn") ||
	    !bson_iter_init_find(&iter, options, "validator") ||
	    !BSON_ITER_HOLDS_DOCUMENT(&iter))
		return false;
	bson_iter_document(&iter, &len, &data);
	return bson_init_static(validator, data, len) &&
	    !bson_empty(validator);
}

bool
validator_violations(const uint8_t *options, size_t options_len,
    const uint8_t *query, size_t query_len, struct buf *out)
{
	bson_t opts, validator, given, filter = BSON_INITIALIZER, nor, all;
	bool ok;

	if (!bson_init_static(&opts, options, options_len) ||
	    !find_validator(&opts, &validator))
		return false;
	ok = BSON_APPEND_ARRAY_BEGIN(&filter, "$nor", &nor) &&
	    BSON_APPEND_DOCUMENT(&nor, "0", &validator) &&
	    bson_append_array_end(&filter, &nor);
	if (ok && query != NULL) {
		ok = bson_init_static(&given, query, query_len) &&
		    BSON_APPEND_ARRAY_BEGIN(&filter, "$and", &all) &&
		    BSON_APPEND_DOCUMENT(&all, "0", &given) &&
		    bson_append_array_end(&filter, &all);
	}
	ok = ok && buf_append(out, bson_get_data(&filter), filter.len);
	bson_destroy(&filter);
	return ok;
}
