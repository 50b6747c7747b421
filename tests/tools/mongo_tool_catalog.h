/*
 * The part of tests/tools/mongo_tool.c that is about catalogs.
 */
#ifndef MONGO_TOOL_CATALOG_H
#define MONGO_TOOL_CATALOG_H

#include "mongo_tool.h"

static json_t *
describe(const struct collection_info *c)
{
	static const char *const types[] = {
		"collection", "view", "timeseries"
	};
	json_t *o = json_object(), *list = json_array(), *index;
	size_t i;

	set_text(o, "ns", c->ns);
	set_text(o, "type", types[c->type]);
	json_object_set_new(o, "capped", json_boolean(c->capped));
	json_object_set_new(o, "clustered", json_boolean(c->clustered));
	json_object_set_new(o, "expires", json_boolean(c->expires));
	json_object_set_new(o, "options", hex(c->options.data, c->options.len));
	json_object_set_new(o, "uuid", hex(c->uuid, sizeof(c->uuid)));
	set_text(o, "view_on", c->view_on);
	set_text(o, "meta_field", c->meta_field);
	set_text(o, "time_field", c->time_field);
	set(o, "count", c->count);
	set(o, "bytes", c->bytes);
	set(o, "index_bytes", c->index_bytes);
	for (i = 0; i < c->n_indexes; i++) {
		index = json_object();
		set_text(index, "name", c->indexes[i].name);
		json_object_set_new(index, "spec", hex(c->indexes[i].spec.data,
		    c->indexes[i].spec.len));
		json_object_set_new(index, "ttl",
		    json_boolean(c->indexes[i].ttl));
		json_object_set_new(index, "unique",
		    json_boolean(c->indexes[i].unique));
		json_array_append_new(list, index);
	}
	json_object_set_new(o, "indexes", list);
	return o;
}

static bool
op_catalog(const json_t *q, json_t *a, struct err *err)
{
	struct strings dbs = { NULL, 0 };
	struct end *e = end_of(q, "on");
	struct kept *k = kept;
	json_t *list, *db;
	size_t i;

	if (e == NULL)
		return missing(err, "end");
	json_array_foreach(json_object_get(q, "dbs"), i, db)
		strings_add(&dbs, json_string_value(db));
	while (k < kept + SLOTS - 1 && k->catalog != NULL &&
	    strcmp(k->name, text(q, "as")) != 0)
		k++;
	catalog_free(k->catalog);
	snprintf(k->name, sizeof(k->name), "%s", text(q, "as"));
	k->catalog = catalog_read(e->session, &dbs, flag(q, "stats"), err);
	strings_free(&dbs);
	if (k->catalog == NULL)
		return false;
	list = json_array();
	for (i = 0; i < k->catalog->n; i++)
		json_array_append_new(list, describe(&k->catalog->v[i]));
	json_object_set_new(a, "collections", list);
	return true;
}

static void
on_failed_index(void *arg, const char *index, const struct err *why)
{

	json_array_append_new(arg, json_pack("{s:s,s:s,s:i}", "name", index,
	    "message", why->message, "code", why->code));
}

static bool
op_make(struct end *e, const char *op, const json_t *q, json_t *a,
    struct err *err)
{
	const struct collection_info *info = info_of(q, "catalog", "of");
	struct catalog_create create = {
		.ns = text(q, "ns"), .info = info,
		.view_on = text(q, "view_on"), .later_expiry = flag(q, "later"),
	};
	struct catalog_index_build build = {
		.ns = text(q, "ns"), .info = info, .ttl = flag(q, "ttl"),
		.failed = on_failed_index,
	};

	if (strcmp(op, "drop") == 0)
		return catalog_drop(e->session, text(q, "ns"), err);
	if (info == NULL)
		return missing(err, "collection");
	if (strcmp(op, "create") == 0)
		return catalog_create(e->session, &create, err);
	if (strcmp(op, "expiry") == 0)
		return catalog_set_expiry(e->session, text(q, "ns"), info, err);
	build.arg = json_array();
	json_object_set_new(a, "failed", build.arg);
	return catalog_build_indexes(e->session, &build, err);
}

static void
on_difference(void *arg, const struct catalog_difference *d)
{
	json_t *o = json_object();

	set_text(o, "kind", d->kind);
	set_text(o, "name", d->name);
	set_text(o, "source", d->source);
	set_text(o, "target", d->target);
	json_object_set_new(o, "harmless", json_boolean(d->harmless));
	json_array_append_new(arg, o);
}

static bool
op_compare(const json_t *q, json_t *a, struct err *err)
{
	const struct collection_info *x = info_of(q, "catalog", "of");
	const struct collection_info *y = info_of(q, "with", "to");
	json_t *list;

	if (x == NULL || y == NULL)
		return missing(err, "collection");
	list = json_array();
	json_object_set_new(a, "differences", list);
	catalog_compare(x, y, text(q, "view_on"), on_difference, list);
	return true;
}

#endif
