#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "mongo/catalog_spec.h"
#include "mongo/patient.h"
#include "mongo/raw.h"

#define MOST_RELAXED 16		/* refusals of one index that are looked into */

struct builder {
	const struct catalog_index_build *b;
	struct session_ns ns;
	struct patient *patient;
	bool default_collation;	/* the collection has one */
};

static bool
is_wanted(const struct builder *r, const struct index_info *i)
{

	return i->ttl == r->b->ttl;
}

/* Appends the spec to an array under the number at. */
static void
append_spec(bson_t *array, unsigned at, const bson_t *spec)
{
	char key[16];

	snprintf(key, sizeof(key), "%u", at);
	BSON_APPEND_DOCUMENT(array, key, spec);
}

static void
append_all(const struct builder *r, bson_t *array)
{
	const struct collection_info *info = r->b->info;
	unsigned n = 0;
	bson_t spec;
	size_t i;

	for (i = 0; i < info->n_indexes; i++) {
		if (!is_wanted(r, &info->indexes[i]) ||
		    !catalog_spec_make(&info->indexes[i].spec,
		    r->default_collation, &spec))
			continue;
		append_spec(array, n++, &spec);
		bson_destroy(&spec);
	}
}

/* Builds one index as spec says, or with NULLs all that are wanted, in one
 * command. */
static bool
build(struct builder *r, const struct index_info *only, const bson_t *spec,
    struct err *err)
{
	char what[SESSION_NS_SIZE + 128];
	bson_t cmd, array;
	struct session_call call = {
		.db = r->ns.db, .command = &cmd, .write = true, .what = what,
	};
	struct patient_target target = {
		.field = "createIndexes", .db = r->ns.db, .coll = r->ns.coll,
	};
	bool ok;

	bson_init(&cmd);
	BSON_APPEND_UTF8(&cmd, "createIndexes", r->ns.coll);
	BSON_APPEND_ARRAY_BEGIN(&cmd, "indexes", &array);
	if (only != NULL)
		append_spec(&array, 0, spec);
	else
		append_all(r, &array);
	bson_append_array_end(&cmd, &array);
	snprintf(what, sizeof(what), "build %s%.100s of %s",
	    only != NULL ? "index " : "the indexes",
	    only != NULL ? only->name : "", r->b->ns);
	ok = patient_run(r->patient, &call, &target, err);
	bson_destroy(&cmd);
	return ok;
}

/* True for failures that the next index would meet as well. */
static bool
is_final(const struct err *err)
{

	return err_retryable(err->kind) || err->kind == ERR_CANCELLED ||
	    err->kind == ERR_QUOTA || err->kind == ERR_AUTH ||
	    err->kind == ERR_NOMEM;
}

/* As it was, else without what the server objects to. */
static bool
build_somehow(struct builder *r, const struct index_info *i, struct err *err)
{
	unsigned rounds = 0;
	bson_t spec;
	bool ok;

	if (!catalog_spec_make(&i->spec, r->default_collation, &spec))
		return err_set(err, ERR_UNSUPPORTED, "its specification is "
		    "malformed");
	while (!(ok = build(r, i, &spec, err)) && !is_final(err) &&
	    rounds++ < MOST_RELAXED && catalog_spec_relax(&spec, err)) {
		log_warning("%s: index %s is built without what the target "
		    "refuses: %s", r->b->ns, i->name, err->message);
		err_clear(err);
	}
	bson_destroy(&spec);
	return ok;
}

static bool
build_one_by_one(struct builder *r, struct err *err)
{
	const struct collection_info *info = r->b->info;
	size_t i;

	for (i = 0; i < info->n_indexes; i++) {
		if (!is_wanted(r, &info->indexes[i]))
			continue;
		if (build_somehow(r, &info->indexes[i], err))
			continue;
		if (is_final(err))
			return false;
		r->b->failed(r->b->arg, info->indexes[i].name, err);
		err_clear(err);
	}
	return true;
}

bool
catalog_build_indexes(struct mongo_session *s,
    const struct catalog_index_build *b, struct err *err)
{
	struct builder r = { .b = b };
	bson_iter_t it;
	bson_t options;
	size_t i, n = 0;
	bool ok;

	for (i = 0; i < b->info->n_indexes; i++)
		n += is_wanted(&r, &b->info->indexes[i]);
	if (n == 0)
		return true;
	if (!session_split_ns(b->ns, &r.ns, err))
		return false;
	r.default_collation = raw_bson(b->info->options.data,
	    b->info->options.len, &options) &&
	    bson_iter_init_find(&it, &options, "collation");
	if ((r.patient = patient_new(s, err)) == NULL)
		return false;
	ok = build(&r, NULL, NULL, err);
	if (!ok && !is_final(err)) {
		err_clear(err);
		ok = build_one_by_one(&r, err);
	}
	patient_free(r.patient);
	return ok;
}
