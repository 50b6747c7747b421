#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cancel.h"
#include "base/log.h"
#include "mongo/catalog_info.h"
#include "mongo/catalog_stats.h"
#include "mongo/classify.h"
#include "mongo/raw.h"
#include "mongo/session.h"

#define LISTING_MAX ((size_t)64 * 1024 * 1024)

struct reader {
	struct mongo_session *session;
	struct catalog *catalog;
	bool with_stats;
	bool brief;		/* no indexes either */
};

void
catalog_free(struct catalog *c)
{
	size_t i;

	if (c == NULL)
		return;
	for (i = 0; i < c->n; i++)
		catalog_info_free(&c->v[i]);
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
		if (!catalog_info_index(c, &doc))
			ok = err_nomem(err, "indexes");
	}
	buf_free(&specs);
	return ok;
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

static void
take_uuid(struct collection_info *c, const bson_t *listed)
{
	bson_subtype_t subtype;
	const uint8_t *data;
	bson_iter_t it, at;
	uint32_t len;

	if (!bson_iter_init(&it, listed) ||
	    !bson_iter_find_descendant(&it, "info.uuid", &at) ||
	    !BSON_ITER_HOLDS_BINARY(&at))
		return;
	bson_iter_binary(&at, &subtype, &len, &data);
	if (len == sizeof(c->uuid))
		memcpy(c->uuid, data, len);
}

/* Options and UUID, as listCollections gave them. */
static bool
take_listed(struct collection_info *c, const bson_t *listed)
{
	static const uint8_t none[5] = { 5, 0, 0, 0, 0 };
	const uint8_t *data = none;
	uint32_t len = sizeof(none);
	bson_iter_t it;

	if (bson_iter_init_find(&it, listed, "options") &&
	    BSON_ITER_HOLDS_DOCUMENT(&it))
		bson_iter_document(&it, &len, &data);
	if (!catalog_info_options(c, data, len))
		return false;
	take_uuid(c, listed);
	return true;
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
	if (catalog_info_internal(name))
		return true;
	if ((c = catalog_info_new(r->catalog)) == NULL)
		return err_nomem(err, "catalog");
	if (!catalog_info_name(c, db, name, err))
		return false;
	if (!take_listed(c, listed))
		return err_nomem(err, "catalog");
	c->type = type_of(listed);
	if (c->type == COLLECTION_VIEW || r->brief)
		return true;
	return read_indexes(r, c, err) && (!r->with_stats ||
	    catalog_stats(r->session, c, err));
}

/* The UUID of a time-series is that of its buckets. */
static void
name_buckets(struct reader *r, const char *db, const struct buf *listed)
{
	static const char prefix[] = "system.buckets.";
	bson_iter_t it;
	const char *name;
	size_t at = 0, i;
	bson_t doc;

	while (session_next_doc(listed, &at, &doc)) {
		if (!bson_iter_init_find(&it, &doc, "name") ||
		    !BSON_ITER_HOLDS_UTF8(&it))
			continue;
		name = bson_iter_utf8(&it, NULL);
		if (strncmp(name, prefix, sizeof(prefix) - 1) != 0)
			continue;
		for (i = 0; i < r->catalog->n; i++) {
			struct collection_info *c = &r->catalog->v[i];

			if (c->type == COLLECTION_TIMESERIES &&
			    strcmp(c->db, db) == 0 && strcmp(c->name,
			    name + sizeof(prefix) - 1) == 0)
				take_uuid(c, &doc);
		}
	}
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
	name_buckets(r, db, &listed);
	buf_free(&listed);
	return ok;
}

/* nameOnly: without the sizes it needs no right beyond the databases' own. */
bool
catalog_databases(struct mongo_session *s, struct strings *dbs,
    struct err *err)
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
			    catalog_info_internal_db(bson_iter_utf8(&name, NULL)))
				continue;
			if (!strings_add(dbs, bson_iter_utf8(&name, NULL)))
				ok = err_nomem(err, "databases");
		}
	}
	bson_destroy(&reply);
	return ok;
}

static struct catalog *
read_catalog(struct reader r, const struct strings *dbs, struct err *err)
{
	struct mongo_session *s = r.session;
	struct strings all = { NULL, 0 };
	bool ok = true;
	size_t i;

	if ((r.catalog = calloc(1, sizeof(*r.catalog))) == NULL) {
		err_nomem(err, "catalog");
		return NULL;
	}
	if (dbs->n == 0) {
		ok = catalog_databases(s, &all, err);
		dbs = &all;
	}
	for (i = 0; ok && i < dbs->n; i++)
		ok = read_db(&r, dbs->v[i], err);
	strings_free(&all);
	if (ok && !catalog_info_sort(r.catalog))
		ok = err_nomem(err, "catalog");
	if (ok)
		return r.catalog;
	catalog_free(r.catalog);
	return NULL;
}

struct catalog *
catalog_read(struct mongo_session *s, const struct strings *dbs,
    bool with_stats, struct err *err)
{
	struct reader r = { .session = s, .with_stats = with_stats };

	return read_catalog(r, dbs, err);
}

struct catalog *
catalog_list(struct mongo_session *s, const struct strings *dbs,
    struct err *err)
{
	struct reader r = { .session = s, .brief = true };

	return read_catalog(r, dbs, err);
}
