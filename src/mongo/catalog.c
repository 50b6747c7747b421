#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cancel.h"
#include "base/log.h"
#include "mongo/catalog_stats.h"
#include "mongo/classify.h"
#include "mongo/raw.h"
#include "mongo/session.h"

#define LISTING_MAX ((size_t)64 * 1024 * 1024)

struct reader {
	struct mongo_session *session;
	struct catalog *catalog;
	size_t cap;		/* of catalog->v */
	bool with_stats;
};

static void
free_collection(struct collection_info *c)
{
	size_t i;

	for (i = 0; i < c->n_indexes; i++) {
		free(c->indexes[i].name);
		raw_free(&c->indexes[i].spec);
	}
	free(c->indexes);
	free(c->db);
	free(c->name);
	raw_free(&c->options);
	free(c->view_on);
	free(c->meta_field);
	free(c->time_field);
}

void
catalog_free(struct catalog *c)
{
	size_t i;

	if (c == NULL)
		return;
	for (i = 0; i < c->n; i++)
		free_collection(&c->v[i]);
	free(c->v);
	free(c);
}

const struct collection_info *
catalog_find(const struct catalog *c, const char *ns)
{
	size_t i;

	for (i = 0; i < c->n; i++) {
		if (strcmp(c->v[i].ns, ns) == 0)
			return &c->v[i];
	}
	return NULL;
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

/* The index on _id that every collection has: {_id: 1}, not {_id: "hashed"}. */
static bool
is_id_index(const bson_t *spec)
{
	bson_iter_t it, key;

	return bson_iter_init_find(&it, spec, "key") &&
	    bson_iter_recurse(&it, &key) && bson_iter_next(&key) &&
	    strcmp(bson_iter_key(&key), "_id") == 0 &&
	    BSON_ITER_HOLDS_NUMBER(&key) && !bson_iter_next(&key);
}

static bool
add_index(struct collection_info *c, const bson_t *listed)
{
	struct index_info *grown, *i;
	bson_t spec;
	bool ok;

	grown = realloc(c->indexes, (c->n_indexes + 1) * sizeof(*grown));
	if (grown == NULL)
		return false;
	c->indexes = grown;
	i = &grown[c->n_indexes++];
	memset(i, 0, sizeof(*i));
	bson_init(&spec);
	bson_copy_to_excluding_noinit(listed, &spec, "ns", NULL);
	ok = copy_string(listed, "name", &i->name) && i->name != NULL &&
	    raw_copy(&i->spec, bson_get_data(&spec), spec.len);
	i->ttl = has_path(listed, "expireAfterSeconds");
	i->unique = is_true(listed, "unique");
	bson_destroy(&spec);
	return ok;
}

static bool
read_indexes(struct reader *r, struct collection_info *c, struct err *err)
{
	char what[SESSION_NS_SIZE];
	bson_t cmd, doc;
	struct session_call call = {
		.db = c->db, .command = &cmd, .what = what,
	};
	struct buf specs;
	size_t at = 0;
	bool ok;

	snprintf(what, sizeof(what), "list the indexes of %s", c->ns);
	buf_init(&specs, LISTING_MAX);
	bson_init(&cmd);
	BSON_APPEND_UTF8(&cmd, "listIndexes", c->name);
	ok = session_collect(r->session, &call, &specs, err);
	bson_destroy(&cmd);
	/* Dropped since it was listed: whoever reads it will say so. */
	if (!ok && err->code == CLASSIFY_NAMESPACE_NOT_FOUND) {
		err_clear(err);
		ok = true;
	}
	while (ok && session_next_doc(&specs, &at, &doc)) {
		if (!is_id_index(&doc) && !add_index(c, &doc))
			ok = err_nomem(err, "indexes");
	}
	buf_free(&specs);
	return ok;
}

static bool
read_options(struct collection_info *c, const bson_t *listed)
{
	static const uint8_t none[5] = { 5, 0, 0, 0, 0 };
	bson_subtype_t subtype;
	const uint8_t *data = none;
	uint32_t len = sizeof(none);
	bson_iter_t it, at;
	bson_t options;

	if (bson_iter_init_find(&it, listed, "options") &&
	    BSON_ITER_HOLDS_DOCUMENT(&it))
		bson_iter_document(&it, &len, &data);
	if (!raw_copy(&c->options, data, len) ||
	    !raw_bson(c->options.data, c->options.len, &options))
		return false;
	c->capped = is_true(&options, "capped");
	c->clustered = has_path(&options, "clusteredIndex");
	c->expires = has_path(&options, "expireAfterSeconds");
	if (bson_iter_init(&it, listed) &&
	    bson_iter_find_descendant(&it, "info.uuid", &at) &&
	    BSON_ITER_HOLDS_BINARY(&at)) {
		bson_iter_binary(&at, &subtype, &len, &data);
		if (len == sizeof(c->uuid))
			memcpy(c->uuid, data, len);
	}
	return copy_string(&options, "viewOn", &c->view_on) &&
	    copy_string(&options, "timeseries.metaField", &c->meta_field) &&
	    copy_string(&options, "timeseries.timeField", &c->time_field);
}

static enum collection_type
type_of(const bson_t *listed)
{
	bson_iter_t it;
	const char *type;

	if (!bson_iter_init_find(&it, listed, "type") ||
	    !BSON_ITER_HOLDS_UTF8(&it))
		return COLLECTION_PLAIN;
	type = bson_iter_utf8(&it, NULL);
	return strcmp(type, "view") == 0 ? COLLECTION_VIEW :
	    strcmp(type, "timeseries") == 0 ? COLLECTION_TIMESERIES :
	    COLLECTION_PLAIN;
}

/* What the server keeps for itself; system.js holds the app's functions. */
static bool
is_internal(const char *name)
{

	return strncmp(name, "system.", 7) == 0 && strcmp(name, "system.js") != 0;
}

static struct collection_info *
grow(struct reader *r)
{
	struct collection_info *grown;
	size_t cap = r->cap > 0 ? 2 * r->cap : 32;

	if (r->catalog->n == r->cap) {
		grown = realloc(r->catalog->v, cap * sizeof(*grown));
		if (grown == NULL)
			return NULL;
		r->catalog->v = grown;
		r->cap = cap;
	}
	memset(&r->catalog->v[r->catalog->n], 0, sizeof(*grown));
	return &r->catalog->v[r->catalog->n++];
}

static bool
add_collection(struct reader *r, const char *db, const bson_t *listed,
    struct err *err)
{
	struct collection_info *c;
	bson_iter_t it;
	const char *name;

	if (!bson_iter_init_find(&it, listed, "name") ||
	    !BSON_ITER_HOLDS_UTF8(&it))
		return true;
	name = bson_iter_utf8(&it, NULL);
	if (is_internal(name))
		return true;
	if ((c = grow(r)) == NULL)
		return err_nomem(err, "catalog");
	if ((c->db = strdup(db)) == NULL || (c->name = strdup(name)) == NULL ||
	    !read_options(c, listed))
		return err_nomem(err, "catalog");
	if ((size_t)snprintf(c->ns, sizeof(c->ns), "%s.%s", db, name) >=
	    sizeof(c->ns))
		return err_set(err, ERR_UNSUPPORTED, "the name %s.%.100s… is "
		    "too long", db, name);
	c->type = type_of(listed);
	if (c->type == COLLECTION_VIEW)
		return true;
	return read_indexes(r, c, err) && (!r->with_stats ||
	    catalog_stats(r->session, c, err));
}

static bool
read_db(struct reader *r, const char *db, struct err *err)
{
	char what[SESSION_NS_SIZE];
	bson_t cmd, doc;
	struct session_call call = {
		.db = db, .command = &cmd, .what = what,
	};
	struct buf listed;
	size_t at = 0;
	bool ok;

	snprintf(what, sizeof(what), "list the collections of %s", db);
	buf_init(&listed, LISTING_MAX);
	bson_init(&cmd);
	BSON_APPEND_INT32(&cmd, "listCollections", 1);
	ok = session_collect(r->session, &call, &listed, err);
	bson_destroy(&cmd);
	while (ok && session_next_doc(&listed, &at, &doc)) {
		ok = add_collection(r, db, &doc, err);
		if (ok && cancel_requested())
			ok = cancel_err(err);
	}
	buf_free(&listed);
	return ok;
}

static bool
is_internal_db(const char *name)
{

	return strcmp(name, "admin") == 0 || strcmp(name, "config") == 0 ||
	    strcmp(name, "local") == 0 ||
	    strncmp(name, "__mdb_internal", 14) == 0;
}

/* nameOnly: without the sizes it needs no right beyond the databases' own. */
static bool
list_dbs(struct mongo_session *s, struct strings *dbs, struct err *err)
{
	bson_t cmd, reply;
	struct session_call call = {
		.db = "admin", .command = &cmd, .what = "list the databases",
	};
	bson_iter_t it, list, name;
	bool ok;

	bson_init(&cmd);
	BSON_APPEND_INT32(&cmd, "listDatabases", 1);
	BSON_APPEND_BOOL(&cmd, "nameOnly", true);
	ok = session_run(s, &call, &reply, err);
	bson_destroy(&cmd);
	if (ok && bson_iter_init_find(&it, &reply, "databases") &&
	    bson_iter_recurse(&it, &list)) {
		while (ok && bson_iter_next(&list)) {
			if (!bson_iter_recurse(&list, &name) ||
			    !bson_iter_find(&name, "name") ||
			    !BSON_ITER_HOLDS_UTF8(&name) ||
			    is_internal_db(bson_iter_utf8(&name, NULL)))
				continue;
			if (!strings_add(dbs, bson_iter_utf8(&name, NULL)))
				ok = err_nomem(err, "databases");
		}
	}
	bson_destroy(&reply);
	return ok;
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
static bool
put_in_order(struct catalog *c)
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
	return true;
}

struct catalog *
catalog_read(struct mongo_session *s, const struct strings *dbs,
    bool with_stats, struct err *err)
{
	struct reader r = { .session = s, .with_stats = with_stats };
	struct strings all = { NULL, 0 };
	bool ok = true;
	size_t i;

	if ((r.catalog = calloc(1, sizeof(*r.catalog))) == NULL) {
		err_nomem(err, "catalog");
		return NULL;
	}
	if (dbs->n == 0) {
		ok = list_dbs(s, &all, err);
		dbs = &all;
	}
	for (i = 0; ok && i < dbs->n; i++)
		ok = read_db(&r, dbs->v[i], err);
	strings_free(&all);
	if (ok && !put_in_order(r.catalog))
		ok = err_nomem(err, "catalog");
	if (ok)
		return r.catalog;
	catalog_free(r.catalog);
	return NULL;
}
