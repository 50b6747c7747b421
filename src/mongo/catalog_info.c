#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mongo/catalog_info.h"
#include "mongo/raw.h"
#include "mongo/session.h"

#define FIRST_CAP 32

struct collection_info *
catalog_info_new(struct catalog *c)
{
	struct collection_info *grown;
	size_t cap = c->cap > 0 ? 2 * c->cap : FIRST_CAP;

	if (c->n == c->cap) {
		grown = realloc(c->v, cap * sizeof(*grown));
		if (grown == NULL)
			return NULL;
		c->v = grown;
		c->cap = cap;
	}
	memset(&c->v[c->n], 0, sizeof(*grown));
	return &c->v[c->n++];
}

void
catalog_info_free(struct collection_info *c)
{
	size_t i;

	for (i = 0; i < c->n_indexes; i++) {
		free(c->indexes[i].name);
		raw_free(&c->indexes[i].spec);
	}
	free(c->indexes);
	raw_free(&c->id_index);
	free(c->db);
	free(c->name);
	raw_free(&c->options);
	free(c->view_on);
	free(c->meta_field);
	free(c->time_field);
}

bool
catalog_info_name(struct collection_info *c, const char *db, const char *name,
    struct err *err)
{

	if ((c->db = strdup(db)) == NULL || (c->name = strdup(name)) == NULL)
		return err_nomem(err, "catalog");
	if ((size_t)snprintf(c->ns, sizeof(c->ns), "%s.%s", db, name) >=
	    sizeof(c->ns))
		return err_set(err, ERR_UNSUPPORTED, "the name %s.%.100s… is "
		    "too long", db, name);
	return true;
}

/* Copies a string at a dotted path; true with NULL when it is absent. */
static bool
copy_string(const bson_t *doc, const char *path, char **out)
{
	bson_iter_t it, at;

	*out = NULL;
	if (!bson_iter_init(&it, doc) ||
	    !bson_iter_find_descendant(&it, path, &at) ||
	    !BSON_ITER_HOLDS_UTF8(&at))
		return true;
	return (*out = strdup(bson_iter_utf8(&at, NULL))) != NULL;
}

static bool
has_path(const bson_t *doc, const char *path)
{
	bson_iter_t it, at;

	return bson_iter_init(&it, doc) &&
	    bson_iter_find_descendant(&it, path, &at);
}

static bool
is_true(const bson_t *doc, const char *path)
{
	bson_iter_t it, at;

	return bson_iter_init(&it, doc) &&
	    bson_iter_find_descendant(&it, path, &at) && bson_iter_as_bool(&at);
}

bool
catalog_info_options(struct collection_info *c, const uint8_t *data,
    size_t len)
{
	bson_t options;

	if (!raw_copy(&c->options, data, len) ||
	    !raw_bson(c->options.data, c->options.len, &options))
		return false;
	c->capped = is_true(&options, "capped");
	c->clustered = has_path(&options, "clusteredIndex");
	c->expires = has_path(&options, "expireAfterSeconds");
	return copy_string(&options, "viewOn", &c->view_on) &&
	    copy_string(&options, "timeseries.metaField", &c->meta_field) &&
	    copy_string(&options, "timeseries.timeField", &c->time_field);
}

/* The index on _id that every collection has: {_id: 1}, not {_id: "hashed"}
 * or {_id: 2}, which are like any other. */
static bool
is_id_index(const bson_t *spec)
{
	bson_iter_t it, key;
	int64_t direction;

	return bson_iter_init_find(&it, spec, "key") &&
	    bson_iter_recurse(&it, &key) && bson_iter_next(&key) &&
	    strcmp(bson_iter_key(&key), "_id") == 0 &&
	    BSON_ITER_HOLDS_NUMBER(&key) &&
	    ((direction = bson_iter_as_int64(&key)) == 1 || direction == -1) &&
	    !bson_iter_next(&key);
}

static bool
add_index(struct collection_info *c, const bson_t *spec)
{
	struct index_info *grown, *i;

	grown = realloc(c->indexes, (c->n_indexes + 1) * sizeof(*grown));
	if (grown == NULL)
		return false;
	c->indexes = grown;
	i = &grown[c->n_indexes++];
	memset(i, 0, sizeof(*i));
	i->ttl = has_path(spec, "expireAfterSeconds");
	i->unique = is_true(spec, "unique");
	return copy_string(spec, "name", &i->name) && i->name != NULL &&
	    raw_copy(&i->spec, bson_get_data(spec), spec->len);
}

bool
catalog_info_index(struct collection_info *c, const bson_t *listed)
{
	bson_t spec;
	bool ok;

	bson_init(&spec);
	bson_copy_to_excluding_noinit(listed, &spec, "ns", NULL);
	if (!is_id_index(&spec))
		ok = add_index(c, &spec);
	else
		ok = c->id_index.data != NULL || raw_copy(&c->id_index,
		    bson_get_data(&spec), spec.len);
	bson_destroy(&spec);
	return ok;
}

/* system.js holds the app's functions. */
bool
catalog_info_internal(const char *name)
{

	return strncmp(name, "system.", 7) == 0 && strcmp(name, "system.js") != 0;
}

bool
catalog_info_internal_db(const char *name)
{

	return strcmp(name, "admin") == 0 || strcmp(name, "config") == 0 ||
	    strcmp(name, "local") == 0 ||
	    strncmp(name, "__mdb_internal", 14) == 0;
}

/* How many views lie between a collection and its base; a circle, which the
 * server does not let anyone make, ends at the number of collections. */
static size_t
depth(const struct catalog *c, const struct collection_info *info)
{
	char ns[SESSION_NS_SIZE];
	size_t n = 0;

	while (info != NULL && info->view_on != NULL && n <= c->n) {
		n++;
		snprintf(ns, sizeof(ns), "%s.%s", info->db, info->view_on);
		info = catalog_find(c, ns);
	}
	return n;
}

/* Views last, each after what it views. */
static int
by_depth_and_name(const void *a, const void *b, void *catalog)
{
	size_t x = depth(catalog, a), y = depth(catalog, b);

	if (x != y)
		return x < y ? -1 : 1;
	return strcmp(((const struct collection_info *)a)->ns,
	    ((const struct collection_info *)b)->ns);
}

/* Sorts a copy: depth() must see the whole catalog meanwhile. */
bool
catalog_info_sort(struct catalog *c)
{
	struct collection_info *sorted;

	if (c->n == 0)
		return true;
	if ((sorted = malloc(c->n * sizeof(*sorted))) == NULL)
		return false;
	memcpy(sorted, c->v, c->n * sizeof(*sorted));
	qsort_r(sorted, c->n, sizeof(*sorted), by_depth_and_name, c);
	free(c->v);
	c->v = sorted;
	c->cap = c->n;
	return true;
}
