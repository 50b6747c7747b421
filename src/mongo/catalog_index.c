#include <stdio.h>
#include <string.h>

#include "mongo/patient.h"
#include "mongo/raw.h"

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

/* The spec as it was listed.  Where the collection has a collation of its own,
 * an index without one must say so, or it would inherit it. */
static void
append_spec(const struct builder *r, const struct index_info *i, bson_t *array,
    unsigned at)
{
	bson_t spec, simple, out;
	bson_iter_t it;
	char key[16];

	if (!raw_bson(i->spec.data, i->spec.len, &spec))
		return;
	snprintf(key, sizeof(key), "%u", at);
	if (!r->default_collation ||
	    bson_iter_init_find(&it, &spec, "collation")) {
		BSON_APPEND_DOCUMENT(array, key, &spec);
		return;
	}
	bson_copy_to(&spec, &out);
	bson_init(&simple);
	BSON_APPEND_UTF8(&simple, "locale", "simple");
	BSON_APPEND_DOCUMENT(&out, "collation", &simple);
	BSON_APPEND_DOCUMENT(array, key, &out);
	bson_destroy(&simple);
	bson_destroy(&out);
}

/* Builds one index, or with only NULL all that are wanted, in one command. */
static bool
build(struct builder *r, const struct index_info *only, struct err *err)
{
	const struct collection_info *info = r->b->info;
	char what[SESSION_NS_SIZE + 128];
	bson_t cmd, array;
	struct session_call call = {
		.db = r->ns.db, .command = &cmd, .write = true, .what = what,
	};
	struct patient_target target = {
		.field = "createIndexes", .db = r->ns.db, .coll = r->ns.coll,
	};
	unsigned n = 0;
	size_t i;
	bool ok;

	bson_init(&cmd);
	BSON_APPEND_UTF8(&cmd, "createIndexes", r->ns.coll);
	BSON_APPEND_ARRAY_BEGIN(&cmd, "indexes", &array);
	if (only != NULL)
		append_spec(r, only, &array, 0);
	for (i = 0; only == NULL && i < info->n_indexes; i++) {
		if (is_wanted(r, &info->indexes[i]))
			append_spec(r, &info->indexes[i], &array, n++);
	}
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

static bool
build_one_by_one(struct builder *r, struct err *err)
{
	const struct collection_info *info = r->b->info;
	size_t i;

	for (i = 0; i < info->n_indexes; i++) {
		if (!is_wanted(r, &info->indexes[i]))
			continue;
		if (build(r, &info->indexes[i], err))
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
	ok = build(&r, NULL, err);
	if (!ok && !is_final(err)) {
		err_clear(err);
		ok = build_one_by_one(&r, err);
	}
	patient_free(r.patient);
	return ok;
}
