#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "backup/drill_internal.h"
#include "base/log.h"
#include "job/snapshot_source.h"
#include "store/store.h"

#define DAY_S (24 * 3600)
#define PATIENCE_MS ((uint64_t)30000)
#define FILES_OPEN 16

/* --- names --- */

static const char *
keep(struct drill *d, char *text)
{
	bool ok = text != NULL && strings_add(&d->texts, text);

	free(text);
	return ok ? d->texts.v[d->texts.n - 1] : NULL;
}

static char *
format_name(const char *a, const char *b, size_t n)
{
	char *text;

	if (asprintf(&text, n > 0 ? "%s%s_%zu.*" : "%s%s", a, b, n) < 0)
		return NULL;
	return text;
}

static bool
has_database(const struct drill *d, const char *db)
{
	size_t i, len = strlen(db);

	for (i = 0; i < d->n_databases; i++) {
		const char *from = d->rename[i].from;

		if (strncmp(from, db, len) == 0 &&
		    strcmp(from + len, ".*") == 0)
			return true;
	}
	return false;
}

static bool
choose_databases(struct drill *d, const struct snapshot_source *s)
{
	size_t i, n = snapshot_source_count(s);
	struct spaceferry_pair *p;

	if ((d->rename = calloc(n + 1, sizeof(*d->rename))) == NULL)
		return false;
	for (i = 0; i < n; i++) {
		const char *db = snapshot_source_collection(s, i)->about.db;

		if (has_database(d, db))
			continue;
		p = &d->rename[d->n_databases];
		p->from = keep(d, format_name(db, ".*", 0));
		p->to = keep(d, format_name("", d->name, d->n_databases + 1));
		if (p->from == NULL || p->to == NULL)
			return false;
		d->n_databases++;
	}
	d->options.rename = d->rename;
	d->options.n_rename = d->n_databases;
	return true;
}

static bool
choose_files(struct drill *d)
{
	size_t i, len, n = d->options.n_files;
	const char *to;
	char *text;

	if ((d->files = calloc(n + 1, sizeof(*d->files))) == NULL)
		return false;
	for (i = 0; i < n; i++) {
		to = d->options.files[i].place.to;
		for (len = strlen(to); len > 1 && to[len - 1] == '/'; len--)
			continue;
		if (asprintf(&text, "%.*s/%s", (int)len, to, d->name) < 0)
			return false;
		d->files[i].place.from = d->options.files[i].place.from;
		d->files[i].place.to = keep(d, text);
		if (d->files[i].place.to == NULL)
			return false;
	}
	d->options.files = d->files;
	return true;
}

bool
drill_choose(struct drill *d, const struct run *r, struct err *err)
{

	snprintf(d->name, sizeof(d->name), DRILL_PREFIX "%08x",
	    (unsigned)(uint32_t)time(NULL));
	return (choose_databases(d, r->job.snapshot) && choose_files(d)) ||
	    err_nomem(err, "drill");
}

/* --- what others left --- */

static int
remove_entry(const char *path, const struct stat *st, int type,
    struct FTW *where)
{

	(void)st;
	(void)type;
	(void)where;
	return remove(path);
}

/* A folder goes with what was not yet a file in it. */
static bool
remove_folder(const char *path, const char *name, struct err *err)
{
	const char *last = strrchr(path, '/');

	if (last == NULL || strcmp(last + 1, name) != 0)
		return err_set(err, ERR_INTERNAL, "%s is no drill's", path);
	if (nftw(path, remove_entry, FILES_OPEN, FTW_DEPTH | FTW_PHYS |
	    FTW_MOUNT) == 0 || errno == ENOENT)
		return true;
	return err_set_errno(err, ERR_DISK, errno, "cannot remove %s", path);
}

/* When the drill began that made this database or, with after '\0', folder;
 * false: none did. */
static bool
began_at(const char *db, char after, time_t *at)
{
	const char *digits = db + strlen(DRILL_PREFIX);
	unsigned long seconds;
	char *end;

	if (strncmp(db, DRILL_PREFIX, strlen(DRILL_PREFIX)) != 0 ||
	    strspn(digits, "0123456789abcdef") != 8 || digits[8] != after)
		return false;
	seconds = strtoul(digits, &end, 16);
	*at = (time_t)seconds;
	return end == digits + 8;
}

static void
sweep_one(struct run *r, const char *db, time_t at)
{
	struct err err;

	if (time(NULL) - at < DAY_S)
		report_note(&r->job.report, "drill", "where no drill runs, drop "
		    "it; one that runs a day later does", "another drill's "
		    "database is on the target: %s", db);
	else if (catalog_drop_database(r->data.target.session, db, &err))
		report_note(&r->job.report, "drill", "", "removed %s, which a "
		    "drill left that did not end", db);
	else
		report_note(&r->job.report, "drill", "drop it by hand",
		    "%s, which a drill left, cannot be removed: %s", db,
		    err.message);
}

bool
drill_sweep(struct drill *d, struct run *r, struct err *err)
{
	struct strings dbs = { NULL, 0 };
	bool ok = true;
	size_t i;
	time_t at;

	if (!catalog_databases(r->data.target.session, &dbs, err))
		ok = err_prefix(err, "target");
	for (i = 0; ok && i < dbs.n; i++) {
		if (strncmp(dbs.v[i], d->name, strlen(d->name)) == 0) {
			err_set(err, ERR_CONFLICT, "%s is on the target: another "
			    "drill began in the same second", dbs.v[i]);
			ok = err_hint(err, "do it again");
		} else if (began_at(dbs.v[i], '_', &at)) {
			sweep_one(r, dbs.v[i], at);
		}
	}
	strings_free(&dbs);
	return ok;
}

static void
sweep_folder(struct run *r, const char *path, const char *name, time_t at)
{
	struct err err;

	if (time(NULL) - at < DAY_S)
		report_note(&r->job.report, "drill", "where no drill runs, remove "
		    "it; one that runs a day later does", "another drill's "
		    "files are in %s", path);
	else if (remove_folder(path, name, &err))
		report_note(&r->job.report, "drill", "", "removed %s, which a "
		    "drill left that did not end", path);
	else
		report_note(&r->job.report, "drill", "remove it by hand",
		    "what a drill left stays: %s", err.message);
}

void
drill_sweep_files(struct drill *d, struct run *r)
{
	struct dirent *entry;
	char path[PATH_MAX];
	size_t i, len;
	time_t at;
	DIR *dir;

	for (i = 0; i < d->options.n_files; i++) {
		const char *scratch = d->files[i].place.to;

		if (strstr(scratch, "://") != NULL &&
		    strncmp(scratch, "file://", 7) != 0)
			continue;	/* that would be to list all of it */
		scratch += strstr(scratch, "://") != NULL ? 7 : 0;
		len = strlen(scratch) - strlen(d->name);
		if ((size_t)snprintf(path, sizeof(path), "%.*s", (int)len,
		    scratch) >= sizeof(path) || (dir = opendir(path)) == NULL)
			continue;
		while ((entry = readdir(dir)) != NULL) {
			if (!began_at(entry->d_name, '\0', &at) ||
			    strlen(entry->d_name) + len >= sizeof(path))
				continue;
			snprintf(path + len, sizeof(path) - len, "%s",
			    entry->d_name);
			sweep_folder(r, path, entry->d_name, at);
		}
		closedir(dir);
	}
}

/* --- removing --- */

static void
tell_left(struct run *r, const char *what, const struct err *why)
{

	report_error(&r->job.report, "drill_left", "remove it by hand; of "
	    "databases a drill that runs a day later does", "%s could not be "
	    "removed: %s", what, why->message);
}

/* With left, what could not be removed is told; else it ends at the first. */
static bool
drop_databases(const struct drill *d, struct mongo_session *s, struct run *left,
    struct err *err)
{
	char db[64];
	bool ok = true;
	size_t i;

	for (i = 0; i < d->n_databases; i++) {
		snprintf(db, sizeof(db), "%.*s",
		    (int)strcspn(d->rename[i].to, "."), d->rename[i].to);
		if (s != NULL && catalog_drop_database(s, db, err))
			continue;
		if (left == NULL)
			return false;
		tell_left(left, db, err);
		ok = false;
	}
	return ok;
}

/* Through a connection of its own where a stop may have ended the others. */
static bool
remove_databases(struct drill *d, struct run *r, bool stopped)
{
	struct mongo_options options = {
		.patience_ms = PATIENCE_MS, .max_sessions = 1, .primary = true,
	};
	struct mongo_session *s = NULL;
	struct mongo_server *server;
	struct err err;
	bool ok;

	if (!stopped && drop_databases(d, r->data.target.session, NULL, &err))
		return true;
	server = mongo_open(d->options.to, &options, &err);
	if (server != NULL)
		s = mongo_session_new(server, &err);
	ok = drop_databases(d, s, r, &err);
	mongo_session_free(s);
	mongo_close(server);
	return ok;
}

struct removal {
	struct store_session *session;
};

static bool
remove_object(void *arg, const struct store_object *o, struct err *err)
{
	struct removal *removal = arg;

	return store_delete(removal->session, o->key, err);
}

static bool
remove_objects(struct store *store, struct err *err)
{
	static const struct store_list_ops ops = {
		.object = remove_object, .oddity = store_pass_over
	};
	struct store_session *listing;
	struct removal removal;
	bool ok;

	listing = store_session_new(store, err);
	removal.session = store_session_new(store, err);
	ok = listing != NULL && removal.session != NULL &&
	    store_list(listing, &ops, &removal, err);
	store_session_free(listing);
	store_session_free(removal.session);
	return ok;
}

static bool
remove_files(const struct drill *d, const char *url, struct err *err)
{
	struct store_options options = {
		.patience_ms = PATIENCE_MS, .quiet = true,
	};
	struct store *store;
	bool ok;

	if ((store = store_open(url, &options, err)) == NULL)
		return err->kind == ERR_NOT_FOUND;	/* was not made */
	ok = store_is_local(store) ?
	    remove_folder(store_identity(store), d->name, err) :
	    remove_objects(store, err);
	store_free(store);
	return ok;
}

bool
drill_remove(struct drill *d, struct run *r, bool stopped)
{
	char shown[300];
	struct err err;
	bool ok = true;
	size_t i;

	for (i = 0; i < d->options.n_files; i++) {
		if (remove_files(d, d->files[i].place.to, &err))
			continue;
		store_redact(d->files[i].place.to, shown, sizeof(shown));
		tell_left(r, shown, &err);
		ok = false;
	}
	if (r->has_data && !remove_databases(d, r, stopped))
		ok = false;
	if (ok)
		log_info("what the drill made is removed: %s_*", d->name);
	return ok;
}
