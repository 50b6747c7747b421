#include <bson/bson.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive/archive_dump.h"
#include "archive/extjson.h"
#include "archive/metadata.h"
#include "archive/name.h"
#include "base/file.h"
#include "base/log.h"

/* Per collection two files, and some more. */
#define ENTRIES_MAX (2 * ARCHIVE_COLLECTIONS_MAX + 1000)

/* The sorted names in a folder. */
struct listing {
	char **names;
	bool *used;
	size_t n, cap;
};

static void
listing_free(struct listing *l)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		free(l->names[i]);
	free(l->names);
	free(l->used);
}

static bool
listing_add(struct listing *l, const char *name, struct err *err)
{
	char **names;
	size_t cap;

	if (l->n == ENTRIES_MAX)
		return err_set(err, ERR_TOO_LARGE, "more than %zu files",
		    ENTRIES_MAX);
	if (l->n == l->cap) {
		cap = l->cap == 0 ? 64 : 2 * l->cap;
		if ((names = realloc(l->names, cap * sizeof(*names))) == NULL)
			return err_nomem(err, "a folder's names");
		l->names = names;
		l->cap = cap;
	}
	if ((l->names[l->n] = strdup(name)) == NULL)
		return err_nomem(err, "a folder's names");
	l->n++;
	return true;
}

static int
by_name(const void *a, const void *b)
{

	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The names in the folder fd, which is closed. */
static bool
listing_read(struct listing *l, int fd, struct err *err)
{
	struct dirent *entry;
	DIR *dir;
	bool ok = true;

	*l = (struct listing){ 0 };
	if ((dir = fdopendir(fd)) == NULL) {
		close(fd);
		return err_nomem(err, "a folder");
	}
	for (;;) {
		errno = 0;
		if ((entry = readdir(dir)) == NULL)
			break;
		if (strcmp(entry->d_name, ".") == 0 ||
		    strcmp(entry->d_name, "..") == 0 ||
		    file_is_temp_name(entry->d_name))
			continue;
		if (!(ok = listing_add(l, entry->d_name, err)))
			break;
	}
	if (ok && errno != 0)
		ok = err_set_errno(err, ERR_DISK, errno, "reading the folder");
	closedir(dir);
	if (ok && l->n > 0)
		qsort(l->names, l->n, sizeof(*l->names), by_name);
	if (ok && (l->used = calloc(l->n + 1, sizeof(*l->used))) == NULL)
		ok = err_nomem(err, "a folder's names");
	if (!ok)
		listing_free(l);
	return ok;
}

/* Length of what stands before the ending ("x.bson" and "x.bson.gz"), 0 when
 * name has another. */
static size_t
stem(const char *name, const char *ending)
{
	size_t n = strlen(name), m = strlen(ending);

	if (n > 3 && strcmp(name + n - 3, ".gz") == 0)
		n -= 3;
	return n > m && memcmp(name + n - m, ending, m) == 0 ? n - m : 0;
}

/* The unused file stem.bson or stem.bson.gz, l->n when there is none. */
static size_t
find_data(const struct listing *l, const char *begin, size_t len)
{
	static const char *const endings[] = { ".bson", ".bson.gz" };
	char name[2 * NAME_FILE_MAX + 40], *key = name, **found;
	size_t i;

	for (i = 0; i < 2 && len < 2 * NAME_FILE_MAX; i++) {
		snprintf(name, sizeof(name), "%.*s%s", (int)len, begin,
		    endings[i]);
		found = bsearch(&key, l->names, l->n, sizeof(key), by_name);
		if (found != NULL && !l->used[found - l->names])
			return (size_t)(found - l->names);
	}
	return l->n;
}

/* Where the documents of the collection are whose metadata are in the file with
 * this stem. */
static size_t
find_data_of(const struct listing *l, const struct metadata *m,
    const char *name, const char *file, size_t len)
{
	char data[sizeof(NAME_BUCKETS) + NAME_FILE_MAX + NAME_NAMESPACE_MAX];
	char escaped[NAME_FILE_MAX + 1];
	size_t i;

	if (strcmp(m->type, "timeseries") == 0) {
		snprintf(data, sizeof(data), "%s%s", NAME_BUCKETS, name);
		if (name_escape(data, escaped) &&
		    (i = find_data(l, escaped, strlen(escaped))) < l->n)
			return i;
		snprintf(data, sizeof(data), "%s%.*s", NAME_BUCKETS, (int)len,
		    file);
		if ((i = find_data(l, data, strlen(data))) < l->n)
			return i;
	}
	return find_data(l, file, len);
}

/* The name that a file has by its own name, or its metadata where that is cut;
 * to be freed. */
static bool
collection_of(const char *file, size_t len, const struct metadata *m,
    struct archive_text *name, struct err *err)
{
	char escaped[NAME_FILE_MAX + 1], *copy;
	size_t n;

	if (!name_is_cut(file, len)) {
		if (!name_unescape(file, len, &copy, &n, err))
			return false;
		*name = (struct archive_text){ copy, n };
		if (m != NULL && m->name != NULL && (n != m->name_len ||
		    memcmp(copy, m->name, n) != 0))
			log_warning("%s: its metadata call it %s; the file's "
			    "name counts", file, m->name);
		return true;
	}
	if (m == NULL || m->name == NULL)
		return err_set(err, ERR_DAMAGED, "%s: the name is cut, and no "
		    "metadata hold it", file);
	if (strlen(m->name) != m->name_len || !name_escape(m->name, escaped) ||
	    strlen(escaped) != len || memcmp(escaped, file, len) != 0)
		return err_set(err, ERR_DAMAGED, "%s: its metadata are those of "
		    "another collection", file);
	if ((copy = strdup(m->name)) == NULL)
		return err_nomem(err, "a collection");
	*name = (struct archive_text){ copy, m->name_len };
	return true;
}

/* Bytes of documents in a file of theirs, 0 where they are compressed. */
static uint64_t
plain_size(const struct archive_reader *r, const char *db, const char *file)
{
	char path[NAME_DB_MAX + 2 * NAME_NAMESPACE_MAX];
	struct stat st;

	snprintf(path, sizeof(path), "%s/%s", db, file);
	if (strcmp(file + strlen(file) - 3, ".gz") == 0 ||
	    fstatat(r->dump->root, path, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return 0;
	return (uint64_t)st.st_size;
}

/* Adds a collection and remembers the file of its documents (NULL: none), which
 * is freed with it. */
static bool
add(struct archive_reader *r, struct archive_found *found, char *file,
    struct err *err)
{
	char **files;

	if (file != NULL)
		found->size = plain_size(r, found->db.bytes, file);
	files = realloc(r->dump->files, (r->n + 1) * sizeof(*files));
	if (files == NULL) {
		free(file);
		return err_nomem(err, "a dump's files");
	}
	r->dump->files = files;
	files[r->n] = file;
	if (archive_reader_add(r, found, err))
		return true;
	free(file);
	return false;
}

/* db/name is a metadata file with this stem. */
static bool
add_described(struct archive_reader *r, const char *db, struct listing *l,
    size_t i, size_t len, struct err *err)
{
	struct archive_found found = { .db = { db, strlen(db) }, .type = "" };
	char *name = l->names[i], *file = NULL;
	struct metadata m = { 0 };
	struct buf json;
	uint64_t size;
	size_t data;
	bool ok = false;

	buf_init(&json, ARCHIVE_DOC_MAX);
	if (!archive_dump_slurp(r, db, name, &json, &size, err))
		goto out;
	if (!metadata_read(&m, (const char *)json.data, json.len, "", err) ||
	    !collection_of(name, len, &m, &found.name, err)) {
		err_prefix(err, "%s: %s/%s", r->name, db, name);
		goto out;
	}
	data = strlen(found.name.bytes) == found.name.len && found.name.len <=
	    NAME_NAMESPACE_MAX ? find_data_of(l, &m, found.name.bytes, name,
	    len) : l->n;
	if ((data < l->n) == (strcmp(m.type, "view") == 0)) {
		err_set(err, ERR_DAMAGED, data < l->n ? "%s: %s/%s is that of "
		    "a view, and there are documents of it" :
		    "%s: %s/%s has no file of documents (.bson) beside it",
		    r->name, db, name);
		err_hint(err, "every collection has its file, empty or not; "
		    "only views have none");
		goto out;
	}
	if (data < l->n) {
		l->used[data] = true;
		if ((file = strdup(l->names[data])) == NULL) {
			err_nomem(err, "a dump's files");
			goto out;
		}
	}
	found.metadata = (struct archive_text){ (char *)json.data, json.len };
	ok = add(r, &found, file, err) || err_prefix(err, "%s: %s/%s", r->name,
	    db, name);
out:
	free((char *)found.name.bytes);
	metadata_free(&m);
	buf_free(&json);
	return ok;
}

/* db/name has documents and no metadata. */
static bool
add_bare(struct archive_reader *r, const char *db, const char *name, size_t len,
    struct err *err)
{
	struct archive_found found = { .db = { db, strlen(db) }, .type = "" };
	char *file;
	bool ok;

	if (!collection_of(name, len, NULL, &found.name, err))
		return err_prefix(err, "%s: %s", r->name, db);
	if (strncmp(found.name.bytes, NAME_BUCKETS, strlen(NAME_BUCKETS)) == 0)
		ok = err_set(err, ERR_DAMAGED, "documents of a time-series "
		    "collection without its metadata");
	else if ((file = strdup(name)) == NULL)
		ok = err_nomem(err, "a dump's files");
	else
		ok = add(r, &found, file, err);
	if (ok && !r->collections[r->n - 1].special)
		log_warning("%s: %s/%s has no metadata: its indexes and options "
		    "are not known", r->name, db, name);
	free((char *)found.name.bytes);
	return ok || err_prefix(err, "%s: %s/%s", r->name, db, name);
}

/* {"ServerVersion": "6.0.5", "ToolVersion": "…"}, in the dump's own folder, and
 * in the database's where `mongodump --db` made it. */
static bool
is_prelude(const char *name)
{

	return strcmp(name, "prelude.json") == 0 ||
	    strcmp(name, "prelude.json.gz") == 0;
}

static bool
read_prelude(struct archive_reader *r, const char *db, const char *name,
    struct err *err)
{
	struct buf json, doc;
	bson_iter_t at;
	uint64_t size;
	bson_t bson;
	char *version = NULL;
	bool ok;

	buf_init(&json, 65536);
	buf_init(&doc, 2 * 65536);
	ok = archive_dump_slurp(r, db, name, &json, &size, err);
	if (ok && !extjson_read((const char *)json.data, json.len, &doc, err))
		ok = err_prefix(err, "%s: %s: no JSON", r->name, name);
	if (ok && bson_init_static(&bson, doc.data, doc.len) &&
	    bson_iter_init_find(&at, &bson, "ServerVersion") &&
	    BSON_ITER_HOLDS_UTF8(&at)) {
		version = strndup(bson_iter_utf8(&at, NULL), 40);
		ok = version != NULL || err_nomem(err, "a dump's prelude");
	}
	if (version != NULL) {
		free(r->server_version);
		r->server_version = version;
	}
	buf_free(&json);
	buf_free(&doc);
	return ok;
}

static bool
read_database(struct archive_reader *r, const char *db, struct err *err)
{
	struct listing l;
	size_t i, len;
	bool ok = true;
	int fd;

	if (!name_check_db(db, strlen(db), err))
		return err_prefix(err, "%s", r->name);
	if ((fd = archive_dump_open_db(r, db, err)) < 0)
		return false;
	if (!listing_read(&l, fd, err))
		return err_prefix(err, "%s: %s", r->name, db);
	for (i = 0; ok && i < l.n; i++)
		if ((len = stem(l.names[i], ".metadata.json")) > 0)
			ok = add_described(r, db, &l, i, len, err);
	for (i = 0; ok && i < l.n; i++) {
		if (l.used[i] || stem(l.names[i], ".metadata.json") > 0)
			continue;
		if ((len = stem(l.names[i], ".bson")) > 0)
			ok = add_bare(r, db, l.names[i], len, err);
		else if (is_prelude(l.names[i]))
			ok = read_prelude(r, db, l.names[i], err);
		else
			log_warning("%s: %s/%s is passed over: it is no part of "
			    "a dump", r->name, db, l.names[i]);
	}
	listing_free(&l);
	return ok;
}

/* One entry of the dump's own folder. */
static bool
read_entry(struct archive_reader *r, const char *name, struct err *err)
{
	struct stat st;

	if (fstatat(r->dump->root, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return err_set_errno(err, ERR_DISK, errno, "%s: %s", r->name,
		    name);
	if (S_ISLNK(st.st_mode))
		return err_set(err, ERR_DAMAGED, "%s: %s is a symbolic link",
		    r->name, name);
	if (S_ISDIR(st.st_mode))
		return read_database(r, name, err);
	if (is_prelude(name))
		return read_prelude(r, "", name, err);
	if (strcmp(name, ARCHIVE_SUMS_NAME) == 0)
		return true;
	if (strcmp(name, "oplog.bson") == 0 ||
	    strcmp(name, "oplog.bson.gz") == 0) {
		log_warning("%s holds an oplog, which is not replayed", r->name);
		return true;
	}
	if (stem(name, ".bson") == 0 && stem(name, ".metadata.json") == 0) {
		log_warning("%s: %s is passed over: it is no part of a dump",
		    r->name, name);
		return true;
	}
	err_set(err, ERR_DAMAGED, "%s: %s is in no database's folder", r->name,
	    name);
	return err_hint(err, "name the folder that holds the databases' "
	    "folders (mongodump calls it \"dump\")");
}

static bool
read_root(struct archive_reader *r, struct err *err)
{
	struct listing l;
	bool ok = true;
	size_t i;
	int fd;

	if ((fd = archive_dump_open_db(r, "", err)) < 0)
		return false;
	if (!listing_read(&l, fd, err))
		return err_prefix(err, "%s", r->name);
	for (i = 0; ok && i < l.n; i++)
		ok = read_entry(r, l.names[i], err);
	listing_free(&l);
	if (ok && r->n == 0)
		ok = err_set(err, ERR_NOT_FOUND, "%s: there is no collection in "
		    "it", r->name);
	return ok && (archive_reader_sort(r, err) ||
	    err_prefix(err, "%s", r->name));
}

struct archive_reader *
archive_reader_dump(const char *path, const struct archive_filter *filter,
    struct err *err)
{
	struct archive_reader *r;
	char *name;

	if (asprintf(&name, "dump %s", path) < 0) {
		err_nomem(err, "reading a dump");
		return NULL;
	}
	r = archive_reader_make(name, err);
	free(name);
	if (r == NULL)
		return NULL;
	if ((r->dump = calloc(1, sizeof(*r->dump))) == NULL) {
		err_nomem(err, "reading a dump");
		goto fail;
	}
	r->dump->filter = filter;
	r->dump->root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (r->dump->root < 0) {
		err_set_errno(err, ERR_DISK, errno, "%s", r->name);
		goto fail;
	}
	if (read_root(r, err))
		return r;
fail:
	archive_reader_free(r);
	return NULL;
}
