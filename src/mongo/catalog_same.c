#include <string.h>

#include "mongo/catalog_same.h"

static bool
is_number(const bson_iter_t *it)
{

	return BSON_ITER_HOLDS_NUMBER(it) || BSON_ITER_HOLDS_BOOL(it);
}

static bool
same_number(const bson_iter_t *a, const bson_iter_t *b)
{

	if (BSON_ITER_HOLDS_DOUBLE(a) || BSON_ITER_HOLDS_DOUBLE(b))
		return bson_iter_as_double(a) == bson_iter_as_double(b);
	return bson_iter_as_int64(a) == bson_iter_as_int64(b);
}

/* The bytes of one value, without its name. */
static void
bytes_of(const bson_iter_t *it, const uint8_t **value, size_t *len)
{
	const char *name = bson_iter_key(it);

	*value = (const uint8_t *)name + strlen(name) + 1;
	*len = (size_t)(it->raw + it->next_off - *value);
}

static bool
same_bytes(const bson_iter_t *a, const bson_iter_t *b)
{
	const uint8_t *x, *y;
	size_t x_len, y_len;

	bytes_of(a, &x, &x_len);
	bytes_of(b, &y, &y_len);
	return bson_iter_type(a) == bson_iter_type(b) && x_len == y_len &&
	    memcmp(x, y, x_len) == 0;
}

static bool
same_fields(const bson_iter_t *a, const bson_iter_t *b,
    enum catalog_same_how how)
{
	bson_iter_t x, y, found;

	if (!bson_iter_recurse(a, &x) || !bson_iter_recurse(b, &y))
		return false;
	if (how == CATALOG_SAME_ORDERED || BSON_ITER_HOLDS_ARRAY(a)) {
		while (bson_iter_next(&x)) {
			if (!bson_iter_next(&y) ||
			    strcmp(bson_iter_key(&x), bson_iter_key(&y)) != 0 ||
			    !catalog_same_value(&x, &y, how))
				return false;
		}
		return !bson_iter_next(&y);
	}
	while (bson_iter_next(&x)) {
		if (!bson_iter_recurse(b, &found) ||
		    !bson_iter_find(&found, bson_iter_key(&x)) ||
		    !catalog_same_value(&x, &found, how))
			return false;
	}
	while (bson_iter_next(&y)) {
		if (!bson_iter_recurse(a, &found) ||
		    !bson_iter_find(&found, bson_iter_key(&y)))
			return false;
	}
	return true;
}

bool
catalog_same_value(const bson_iter_t *a, const bson_iter_t *b,
    enum catalog_same_how how)
{

	if (how == CATALOG_SAME_EXACT)
		return same_bytes(a, b);
	if (is_number(a) && is_number(b))
		return same_number(a, b);
	if (bson_iter_type(a) == bson_iter_type(b) &&
	    (BSON_ITER_HOLDS_DOCUMENT(a) || BSON_ITER_HOLDS_ARRAY(a)))
		return same_fields(a, b, how);
	return same_bytes(a, b);
}

static bool
is_one_of(const char *name, const char *const *names)
{

	for (; *names != NULL; names++) {
		if (strcmp(name, *names) == 0)
			return true;
	}
	return false;
}

bool
catalog_same_ignored(const char *name, bool of_index)
{
	static const char *const collection[] = {
		"uuid", "autoIndexId", "flags", NULL
	};
	static const char *const index[] = {
		"ns", "background", "dropDups", NULL
	};

	return is_one_of(name, of_index ? index : collection);
}

bool
catalog_same_matters(const char *name)
{
	static const char *const names[] = {
		"capped", "size", "max", "validator", "validationLevel",
		"validationAction", "collation", "viewOn", "pipeline",
		"timeseries", "clusteredIndex", "expireAfterSeconds",
		"changeStreamPreAndPostImages", "recordPreImages",
		"encryptedFields", NULL
	};

	return is_one_of(name, names);
}

/* Whether a field of both is the same, or absent from both. */
static bool
same_field(const bson_iter_t *a, const bson_iter_t *b, const char *field)
{
	bson_iter_t x, y;
	bool has_x, has_y;

	has_x = bson_iter_recurse(a, &x) && bson_iter_find(&x, field);
	has_y = bson_iter_recurse(b, &y) && bson_iter_find(&y, field);
	return has_x == has_y &&
	    (!has_x || catalog_same_value(&x, &y, CATALOG_SAME_LOOSE));
}

bool
catalog_same_rounded(const char *name, const bson_iter_t *a,
    const bson_iter_t *b)
{
	bson_iter_t it;
	int64_t whole;
	double x;

	if (strcmp(name, "timeseries") == 0)
		return same_field(a, b, "timeField") &&
		    same_field(a, b, "metaField") &&
		    (same_field(a, b, "granularity") ||
		    !bson_iter_recurse(a, &it) ||
		    !bson_iter_find(&it, "granularity"));
	if (!BSON_ITER_HOLDS_NUMBER(a) || !BSON_ITER_HOLDS_NUMBER(b))
		return false;
	x = bson_iter_as_double(a);
	if (strcmp(name, "expireAfterSeconds") == 0)
		return x != x ? bson_iter_as_int64(b) == INT32_MAX :
		    bson_iter_as_int64(a) == bson_iter_as_int64(b);
	if (strcmp(name, "size") != 0 || !(x > 0 && x < 1e15))
		return false;
	whole = (int64_t)x < x ? (int64_t)x + 1 : (int64_t)x;
	return bson_iter_as_int64(b) == (whole + 255) / 256 * 256;
}

bool
catalog_same_default(const bson_iter_t *option)
{
	const char *name = bson_iter_key(option);
	const char *text = BSON_ITER_HOLDS_UTF8(option) ?
	    bson_iter_utf8(option, NULL) : "";

	if (strcmp(name, "validationLevel") == 0)
		return strcmp(text, "strict") == 0;
	if (strcmp(name, "validationAction") == 0)
		return strcmp(text, "error") == 0;
	/* capped:false, unique:false, sparse:false, hidden:false … */
	return BSON_ITER_HOLDS_BOOL(option) && !bson_iter_bool(option);
}

enum catalog_same_how
catalog_same_how(const char *name)
{
	static const char *const exact[] = {
		"validator", "pipeline", "partialFilterExpression", NULL
	};

	if (is_one_of(name, exact))
		return CATALOG_SAME_EXACT;
	return strcmp(name, "key") == 0 ? CATALOG_SAME_ORDERED :
	    CATALOG_SAME_LOOSE;
}

/* Newer servers write out how a time-series is bucketed. */
static bool
same_timeseries(const bson_iter_t *a, const bson_iter_t *b)
{
	static const char *const fields[] = {
		"timeField", "metaField", "granularity", NULL
	};
	const char *const *f;
	bson_iter_t x;

	for (f = fields; *f != NULL; f++) {
		if (!same_field(a, b, *f))
			return false;
	}
	/* Without a granularity the two numbers say it all. */
	if (bson_iter_recurse(a, &x) && bson_iter_find(&x, "granularity"))
		return true;
	return catalog_same_value(a, b, CATALOG_SAME_LOOSE);
}

static bool
same_option(const bson_iter_t *a, const bson_iter_t *b)
{
	const char *name = bson_iter_key(a);

	if (strcmp(name, "timeseries") == 0 && BSON_ITER_HOLDS_DOCUMENT(a) &&
	    BSON_ITER_HOLDS_DOCUMENT(b))
		return same_timeseries(a, b);
	return catalog_same_value(a, b, catalog_same_how(name));
}

void
catalog_same_each(const bson_t *a, const bson_t *b, bool of_index,
    catalog_same_fn *differs, void *arg)
{
	bson_iter_t x, y;
	const char *name;

	if (bson_iter_init(&x, a)) {
		while (bson_iter_next(&x)) {
			name = bson_iter_key(&x);
			if (catalog_same_ignored(name, of_index))
				continue;
			if (!bson_iter_init_find(&y, b, name)) {
				if (!catalog_same_default(&x))
					differs(arg, name, &x, NULL);
			} else if (!same_option(&x, &y))
				differs(arg, name, &x, &y);
		}
	}
	if (bson_iter_init(&y, b)) {
		while (bson_iter_next(&y)) {
			name = bson_iter_key(&y);
			if (!catalog_same_ignored(name, of_index) &&
			    !bson_iter_init_find(&x, a, name) &&
			    !catalog_same_default(&y))
				differs(arg, name, NULL, &y);
		}
	}
}
