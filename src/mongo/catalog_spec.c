#include <string.h>

#include "mongo/catalog_same.h"
#include "mongo/catalog_spec.h"

/* Numbers nearer to zero than this are 0 to old servers' comparisons, but
 * their sign counts. */
#define TINY 1e-9

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
catalog_spec_matters(const char *field)
{
	static const char *const fields[] = {
		"key", "name", "v", "unique", "sparse", "hidden",
		"partialFilterExpression", "expireAfterSeconds", "collation",
		"weights", "default_language", "language_override",
		"textIndexVersion", "2dsphereIndexVersion", "bits", "min",
		"max", "bucketSize", "finestIndexedLevel",
		"coarsestIndexedLevel", "wildcardProjection", "prepareUnique",
		"columnstoreProjection", NULL
	};

	return is_one_of(field, fields);
}

/* Without these it would be another index. */
static bool
is_essential(const char *field)
{
	static const char *const lesser[] = { "hidden", "prepareUnique", NULL };

	return catalog_spec_matters(field) && !is_one_of(field, lesser);
}

/* Whether some field of the key is of the kind ("text", "2dsphere"). */
static bool
has_kind(const bson_t *spec, const char *kind)
{
	bson_iter_t it, key;

	if (!bson_iter_init_find(&it, spec, "key") ||
	    !bson_iter_recurse(&it, &key))
		return false;
	while (bson_iter_next(&key)) {
		if (BSON_ITER_HOLDS_UTF8(&key) &&
		    strcmp(bson_iter_utf8(&key, NULL), kind) == 0)
			return true;
	}
	return false;
}

bool
catalog_is_haystack(const struct index_info *i)
{
	bson_t spec;

	return raw_bson(i->spec.data, i->spec.len, &spec) &&
	    has_kind(&spec, "geoHaystack");
}

/* Indexes with v: 1 or less have no collation, whatever the collection's. */
static bool
needs_simple(const bson_t *spec)
{
	bson_iter_t it;

	if (bson_iter_init_find(&it, spec, "collation"))
		return false;
	return !bson_iter_init_find(&it, spec, "v") ||
	    bson_iter_as_int64(&it) >= 2;
}

/* The first servers to have such indexes did not write their version down. */
static void
spell_version(bson_t *spec, const char *kind, const char *field)
{
	bson_iter_t it;

	if (has_kind(spec, kind) && !bson_iter_init_find(&it, spec, field))
		BSON_APPEND_INT32(spec, field, 1);
}

bool
catalog_spec_make(const struct rawdoc *listed, bool collated, bson_t *spec)
{
	bson_t view, simple;

	if (!raw_bson(listed->data, listed->len, &view))
		return false;
	bson_copy_to(&view, spec);
	spell_version(spec, "2dsphere", "2dsphereIndexVersion");
	spell_version(spec, "text", "textIndexVersion");
	if (collated && needs_simple(spec)) {
		BSON_APPEND_DOCUMENT_BEGIN(spec, "collation", &simple);
		BSON_APPEND_UTF8(&simple, "locale", "simple");
		bson_append_document_end(spec, &simple);
	}
	return true;
}

/* 0: the value stands for itself; else what it is read as: 1 or -1. */
static int
meaning(const bson_iter_t *value)
{
	double d;

	if (BSON_ITER_HOLDS_UTF8(value))
		return *bson_iter_utf8(value, NULL) == '\0' ? 1 : 0;
	if (BSON_ITER_HOLDS_DECIMAL128(value))
		return 0;
	if (!BSON_ITER_HOLDS_NUMBER(value))
		return 1;
	d = bson_iter_as_double(value);
	if (d != d || d == 0)
		return 1;
	return d > -TINY && d < TINY ? (d < 0 ? -1 : 1) : 0;
}

static bool
is_old_key(const bson_iter_t *key)
{
	bson_iter_t it;

	if (!bson_iter_recurse(key, &it))
		return false;
	while (bson_iter_next(&it)) {
		if (meaning(&it) != 0)
			return true;
	}
	return false;
}

static void
append_new_key(bson_t *out, const bson_iter_t *key)
{
	bson_iter_t it;
	bson_t fields;
	int is;

	BSON_APPEND_DOCUMENT_BEGIN(out, "key", &fields);
	if (bson_iter_recurse(key, &it)) {
		while (bson_iter_next(&it)) {
			if ((is = meaning(&it)) != 0)
				BSON_APPEND_INT32(&fields, bson_iter_key(&it),
				    is);
			else
				bson_append_iter(&fields, NULL, 0, &it);
		}
	}
	bson_append_document_end(out, &fields);
}

/* Replaces *spec by itself without one field, or with its key made new. */
static void
leave_out(bson_t *spec, const char *field, bool new_key)
{
	bson_iter_t it;
	bson_t out;

	bson_init(&out);
	if (bson_iter_init(&it, spec)) {
		while (bson_iter_next(&it)) {
			if (field != NULL &&
			    strcmp(bson_iter_key(&it), field) == 0)
				continue;
			if (new_key && strcmp(bson_iter_key(&it), "key") == 0)
				append_new_key(&out, &it);
			else
				bson_append_iter(&out, NULL, 0, &it);
		}
	}
	bson_destroy(spec);
	bson_copy_to(&out, spec);
	bson_destroy(&out);
}

/* The server quotes the field it does not know: The field 'x' is … */
static bool
is_quoted(const char *message, const char *field)
{
	size_t len = strlen(field);
	const char *at = message;

	while ((at = strstr(at, field)) != NULL) {
		if (at > message && (at[-1] == '\'' || at[-1] == '.') &&
		    at[len] == '\'')
			return true;
		at += len;
	}
	return false;
}

/* The field that a refusal is about; "" when none is. */
static const char *
blamed(const bson_t *spec, const struct err *why)
{
	const char *name, *storage = "";
	bson_iter_t it;

	if (!bson_iter_init(&it, spec))
		return "";
	while (bson_iter_next(&it)) {
		name = bson_iter_key(&it);
		if (!is_essential(name) && is_quoted(why->message, name))
			return name;
		/* Its text is about what is inside. */
		if (strcmp(name, "storageEngine") == 0)
			storage = "storageEngine";
	}
	return storage;
}

bool
catalog_spec_relax(bson_t *spec, const struct err *why)
{
	const char *field = blamed(spec, why);
	bson_iter_t it;
	char name[128];

	if (*field != '\0' && strlen(field) < sizeof(name)) {
		memcpy(name, field, strlen(field) + 1);
		leave_out(spec, name, false);
		return true;
	}
	if (bson_iter_init_find(&it, spec, "key") && is_old_key(&it)) {
		leave_out(spec, "v", true);
		return true;
	}
	if (bson_iter_init_find(&it, spec, "v") &&
	    bson_iter_as_int64(&it) != 2) {
		leave_out(spec, "v", false);
		return true;
	}
	return false;
}

bool
catalog_spec_same_key(const bson_iter_t *a, const bson_iter_t *b)
{
	bson_iter_t x, y;
	int is, there;

	if (!bson_iter_recurse(a, &x) || !bson_iter_recurse(b, &y))
		return false;
	while (bson_iter_next(&x)) {
		if (!bson_iter_next(&y) ||
		    strcmp(bson_iter_key(&x), bson_iter_key(&y)) != 0)
			return false;
		is = meaning(&x);
		there = meaning(&y);
		if (is == 0 && there == 0) {
			if (!catalog_same_value(&x, &y, CATALOG_SAME_ORDERED))
				return false;
			continue;
		}
		if (is == 0)
			is = (int)bson_iter_as_int64(&x);
		if (there == 0)
			there = (int)bson_iter_as_int64(&y);
		if (is != there)
			return false;
	}
	return !bson_iter_next(&y);
}
