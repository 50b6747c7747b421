#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "job/archive_out.h"
#include "job/dump_sums.h"
#include "job/end.h"
#include "job/snapshot_source.h"

static bool
open_mongo(struct end *e, const struct end_options *options, struct err *err)
{

	e->kind = END_MONGO;
	e->server = mongo_open(options->text, &options->mongo, err);
	if (e->server == NULL)
		return false;
	e->session = mongo_session_new(e->server, err);
	return e->session != NULL;
}

/* The real path, also of a file that is yet to be made. */
static bool
identify(struct end *e, struct err *err)
{
	char folder[PATH_MAX], real[PATH_MAX];
	const char *path = e->place.path, *name;
	size_t len = strlen(path);
	int n;

	if (e->place.stream || realpath(path, real) != NULL) {
		n = asprintf(&e->identity, "archive:%s",
		    e->place.stream ? "-" : real);
		return n >= 0 || err_nomem(err, path);
	}
	while (len > 1 && path[len - 1] == '/')
		len--;
	for (name = path + len; name > path && name[-1] != '/'; name--)
		continue;
	snprintf(folder, sizeof(folder), "%.*s", (int)(name - path), path);
	if (realpath(folder[0] != '\0' ? folder : ".", real) == NULL) {
		err_set(err, ERR_NOT_FOUND, "there is no folder for %s",
		    e->place.name);
		return err_hint(err, "make it first: mkdir -p");
	}
	n = asprintf(&e->identity, "archive:%s/%.*s", real,
	    (int)(path + len - name), name);
	return n >= 0 || err_nomem(err, path);
}

static bool
open_snapshot(struct end *e, const struct end_options *options,
    struct err *err)
{

	if (e->write) {
		err_set(err, ERR_USAGE, "a snapshot is not written to");
		return err_hint(err, "backup makes a new one");
	}
	if (options->snapshot == NULL) {
		err_set(err, ERR_USAGE, "%s is not read here", options->text);
		return err_hint(err, "restore --dry-run shows what it would "
		    "bring, check looks at the repository");
	}
	e->place.snapshot = options->snapshot;
	snprintf(e->place.name, sizeof(e->place.name), "%s",
	    snapshot_source_name(options->snapshot));
	e->identity = strdup(snapshot_source_identity(options->snapshot));
	return e->identity != NULL || err_nomem(err, e->place.name);
}

static bool
open_archive(struct end *e, const struct end_options *options, struct err *err)
{

	e->kind = END_ARCHIVE;
	e->write = options->write;
	if (e->write && strncmp(options->text, "documents:", 10) == 0)
		return err_set(err, ERR_USAGE, "documents: is a source only");
	if (!archive_place_init(&e->place, options->text, options->job, err))
		return false;
	if (e->place.kind == ARCHIVE_SNAPSHOT)
		return open_snapshot(e, options, err);
	if (e->write && !archive_out_check(&e->place, options->job->drop, err))
		return false;
	return identify(e, err);
}

bool
end_open(struct end *e, const struct end_options *options, struct err *err)
{
	bool ok;

	memset(e, 0, sizeof(*e));
	e->role = options->role;
	ok = archive_place_is(options->text) ? open_archive(e, options, err) :
	    open_mongo(e, options, err);
	return ok || err_prefix(err, "%s", e->role);
}

static void
forget(struct end *e)
{

	catalog_free(e->catalog);
	archive_scan_free(e->scan);
	archive_in_free(e->in);
	users_free(&e->accounts);
	e->catalog = NULL;
	e->scan = NULL;
	e->in = NULL;
}

void
end_close(struct end *e)
{

	forget(e);
	mongo_session_free(e->session);
	mongo_close(e->server);
	free(e->identity);
	memset(e, 0, sizeof(*e));
}

static bool
is_wanted(const struct strings *dbs, const char *db)
{
	size_t i;

	for (i = 0; i < dbs->n; i++) {
		if (strcmp(dbs->v[i], db) == 0)
			return true;
	}
	return dbs->n == 0;
}

static enum collection_type
type_of(const struct archive_collection *c)
{

	return strcmp(c->type, "view") == 0 ? COLLECTION_VIEW :
	    strcmp(c->type, "timeseries") == 0 ? COLLECTION_TIMESERIES :
	    COLLECTION_PLAIN;
}

static bool
add_collection(struct end *e, const struct archive_in *in, size_t i,
    struct err *err)
{
	const struct archive_collection *c = archive_in_collection(in, i);
	struct catalog_entry entry = {
		.db = c->db,
		.name = c->name,
		.type = type_of(c),
		.options = c->options,
		.options_len = c->options_len,
		.indexes = c->indexes,
		.indexes_len = c->indexes_len,
		.bytes = c->size,
	};

	if (c->special)
		return true;
	if (e->scan != NULL) {
		entry.count = e->scan->v[i].tally.count;
		entry.bytes = e->scan->v[i].tally.bytes;
	}
	return catalog_add(e->catalog, &entry, err);
}

static void
find_only_db(struct end *e)
{
	size_t i;

	e->only_db[0] = '\0';
	for (i = 0; i < e->catalog->n; i++) {
		if (strcmp(e->catalog->v[i].db, e->catalog->v[0].db) != 0)
			return;
	}
	if (e->catalog->n > 0)
		snprintf(e->only_db, sizeof(e->only_db), "%s",
		    e->catalog->v[0].db);
}

static bool
make_catalog(struct end *e, const struct archive_in *in,
    const struct strings *dbs, struct err *err)
{
	char name[2 * MONGO_NS_MAX];
	size_t i;

	if ((e->catalog = catalog_new(err)) == NULL)
		return false;
	for (i = 0; i < archive_in_count(in); i++) {
		const struct archive_collection *c;

		c = archive_in_collection(in, i);
		if (!is_wanted(dbs, c->db))
			continue;
		snprintf(name, sizeof(name), "%.64s.%s", c->db, c->name);
		if (catalog_find(e->catalog, name) != NULL)
			return err_set(err, ERR_DAMAGED, "%s: it holds %s "
			    "twice", e->place.name, name);
		if (!add_collection(e, in, i, err))
			return err_prefix(err, "%s", e->place.name);
	}
	find_only_db(e);
	return catalog_sort(e->catalog, err);
}

/* What a dump directory cannot show by itself. */
static bool
check_sums(struct end *e, const struct end_reading *reading, struct err *err)
{
	bool found;

	if (e->place.kind != ARCHIVE_DUMP)
		return true;
	if (!dump_sums_check(e->place.path, e->scan, &found, err))
		return err_prefix(err, "%s", e->place.name);
	if (!found && !reading->just_written)
		log_info("%s has no %s: nothing tells whether documents are "
		    "missing at the end of a file", e->place.name,
		    DUMP_SUMS_NAME);
	return true;
}

static bool
read_archive(struct end *e, const struct end_reading *reading,
    struct err *err)
{
	struct archive_in *in;
	bool ok;

	if ((in = archive_in_open(&e->place, err)) == NULL)
		return false;
	snprintf(e->version, sizeof(e->version), "%s",
	    archive_in_version(in));
	if (e->place.stream) {
		e->in = in;
		return make_catalog(e, in, reading->dbs, err);
	}
	e->scan = archive_scan_new(in, reading->with_accounts ? &e->accounts :
	    NULL, reading->progress, err);
	ok = e->scan != NULL && check_sums(e, reading, err) &&
	    make_catalog(e, in, reading->dbs, err);
	archive_in_free(in);
	return ok;
}

bool
end_read_catalog(struct end *e, const struct end_reading *reading,
    struct err *err)
{
	bool ok;

	forget(e);
	users_init(&e->accounts);
	if (e->kind == END_MONGO) {
		e->catalog = catalog_read(e->session, reading->dbs,
		    reading->with_stats, err);
		ok = e->catalog != NULL;
	} else if (e->write) {
		e->catalog = catalog_new(err);
		ok = e->catalog != NULL;
	} else {
		ok = read_archive(e, reading, err);
	}
	return ok || err_prefix(err, "%s", e->role);
}

const char *
end_name(const struct end *e)
{

	return e->kind == END_MONGO ? mongo_name(e->server) : e->place.name;
}

const char *
end_identity(const struct end *e)
{

	return e->kind == END_MONGO ? mongo_identity(e->server) : e->identity;
}

const char *
end_contents(const struct end *e)
{

	return e->scan != NULL ? e->scan->contents : "";
}

const char *
end_default_db(const struct end *e)
{

	if (e->kind == END_MONGO)
		return mongo_default_db(e->server);
	return e->only_db[0] != '\0' ? e->only_db : NULL;
}

const char *
end_version(const struct end *e)
{

	return e->kind == END_MONGO ? mongo_facts(e->server)->version :
	    e->version;
}
