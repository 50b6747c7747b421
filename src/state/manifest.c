#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "state/lines.h"
#include "state/manifest_table.h"

#define TYPE "spaceferry manifest"
#define REMEDY "move this file away: every file is then compared with the " \
	"store again"
/* Fewer stale lines than this are not worth a compaction. */
#define STALE_MIN 1000

struct manifest {
	pthread_mutex_t lock;	/* of everything below */
	struct place *place;
	char *name;
	char *path;		/* for messages */
	struct lines *lines;	/* NULL when a compaction ended badly */
	bool look_only;
	size_t n_lines;		/* in the file, the first one not counted */
	struct manifest_table table;
};

static bool
hash_key(const char *key, uint8_t out[MANIFEST_KEY_SIZE], struct err *err)
{
	uint8_t sha256[HASH_SHA256_SIZE];

	if (!hash_sha256(key, strlen(key), sha256))
		return err_nomem(err, "manifest");
	memcpy(out, sha256, MANIFEST_KEY_SIZE);
	return true;
}

/* --- reading --- */

static bool
get_sha256(const json_t *o, uint8_t sha256[HASH_SHA256_SIZE], struct err *err)
{
	const char *hex = json_string_value(json_object_get(o, "sha256"));

	return (hex != NULL && hash_unhex(hex, sha256, HASH_SHA256_SIZE)) ||
	    err_set(err, ERR_DAMAGED, "no \"sha256\"");
}

static bool
get_short(const json_t *o, const char *name, char *out, size_t size,
    struct err *err)
{
	bool fits;
	char *s;

	if (!lines_get_text(o, name, &s, err))
		return false;
	fits = strlen(s) < size;
	if (fits)
		memcpy(out, s, strlen(s) + 1);
	free(s);
	return fits || err_set(err, ERR_DAMAGED, "\"%s\" is too long", name);
}

static bool
get_entry(const json_t *o, struct manifest_entry *e, struct err *err)
{
	uint64_t mtime, sent_mtime;

	memset(e, 0, sizeof(*e));
	if (!lines_get_number(o, "size", &e->size, err) ||
	    !lines_get_number(o, "mtime_ns", &mtime, err) ||
	    !lines_get_number(o, "sent_size", &e->sent_size, err) ||
	    !lines_get_number(o, "sent_mtime_ns", &sent_mtime, err) ||
	    !get_sha256(o, e->sha256, err) ||
	    !get_short(o, "etag", e->etag, sizeof(e->etag), err) ||
	    !get_short(o, "headers", e->headers, sizeof(e->headers), err))
		return false;
	e->mtime_ns = (int64_t)mtime;
	e->sent_mtime_ns = (int64_t)sent_mtime;
	return true;
}

static bool
take_upload(struct manifest *m, const uint8_t *key,
    const struct lines_line *line, struct err *err)
{
	struct manifest_upload u = { .offset = line->offset };

	if (!lines_get_text(line->object, "upload_id", &u.id, err))
		return false;
	if (u.id[0] == '\0') {
		free(u.id);
		manifest_table_forget_upload(&m->table, key);
		return true;
	}
	if (!get_sha256(line->object, u.sha256, err)) {
		free(u.id);
		return false;
	}
	memcpy(u.key, key, MANIFEST_KEY_SIZE);
	return manifest_table_set_upload(&m->table, &u) || err_nomem(err, m->path);
}

/* What a line is about; op lives with the line. */
static bool
get_op(const json_t *o, const char **op, uint8_t key[MANIFEST_KEY_SIZE],
    struct err *err)
{
	char *text;
	bool ok;

	*op = json_string_value(json_object_get(o, "op"));
	if (*op == NULL)
		return err_set(err, ERR_DAMAGED, "no \"op\"");
	if (!lines_get_text(o, "key", &text, err))
		return false;
	ok = hash_key(text, key, err);
	free(text);
	return ok;
}

static bool
take_line(void *arg, const struct lines_line *line, struct err *err)
{
	uint8_t key[MANIFEST_KEY_SIZE];
	struct manifest *m = arg;
	struct manifest_entry e;
	const char *op;

	if (line->offset == 0)
		return true;
	if (!get_op(line->object, &op, key, err))
		return false;
	m->n_lines++;
	if (strcmp(op, "put") == 0) {
		return get_entry(line->object, &e, err) &&
		    (manifest_table_put(&m->table, key, &e, line->offset) ||
		    err_nomem(err, m->path));
	}
	if (strcmp(op, "remove") == 0) {
		manifest_table_remove(&m->table, key);
		return true;
	}
	if (strcmp(op, "upload") == 0)
		return take_upload(m, key, line, err);
	return err_set(err, ERR_DAMAGED, "an unknown record");
}

static bool
load(struct manifest *m, struct err *err)
{
	const struct lines_file file = {
		.place = m->place,
		.name = m->name,
		.type = TYPE,
		.remedy = REMEDY,
		.line = take_line,
		.arg = m,
	};
	uint64_t good;

	if (!lines_read(&file, &good, err))
		return false;
	if (m->look_only)
		return true;
	m->lines = good > 0 ? lines_continue(m->place, m->name, good, err) :
	    lines_start(m->place, m->name, TYPE, json_object(), err);
	return m->lines != NULL;
}

static void
unload(struct manifest *m)
{

	lines_free(m->lines);
	m->lines = NULL;
	manifest_table_free(&m->table);
	m->n_lines = 0;
}

static struct manifest *
new(struct place *place, const char *name, bool look_only, struct err *err)
{
	struct manifest *m;

	if ((m = calloc(1, sizeof(*m))) == NULL) {
		err_nomem(err, name);
		goto fail;
	}
	m->place = place;
	m->path = place_join(place, name);
	if ((m->name = strdup(name)) == NULL || m->path == NULL) {
		err_nomem(err, name);
		goto fail_path;
	}
	if (pthread_mutex_init(&m->lock, NULL) != 0) {
		err_nomem(err, name);
		goto fail_path;
	}
	m->look_only = look_only;
	if (!load(m, err))
		goto fail_load;
	return m;

fail_load:
	unload(m);
	pthread_mutex_destroy(&m->lock);
fail_path:
	free(m->name);
	free(m->path);
	free(m);
fail:
	return NULL;
}

struct manifest *
manifest_open(struct place *place, const char *name, struct err *err)
{

	return new(place, name, false, err);
}

struct manifest *
manifest_read(struct place *place, const char *name, struct err *err)
{

	return new(place, name, true, err);
}

void
manifest_free(struct manifest *m)
{

	if (m == NULL)
		return;
	unload(m);
	pthread_mutex_destroy(&m->lock);
	free(m->name);
	free(m->path);
	free(m);
}

/* --- using --- */

bool
manifest_get(struct manifest *m, const char *key, struct manifest_entry *entry)
{
	uint8_t hash[MANIFEST_KEY_SIZE];
	bool found;

	if (!hash_key(key, hash, NULL))
		return false;
	pthread_mutex_lock(&m->lock);
	found = manifest_table_get(&m->table, hash, entry) != 0;
	pthread_mutex_unlock(&m->lock);
	return found;
}

size_t
manifest_count(struct manifest *m)
{
	size_t n;

	pthread_mutex_lock(&m->lock);
	n = m->table.n;
	pthread_mutex_unlock(&m->lock);
	return n;
}

static bool
writable(const struct manifest *m, struct err *err)
{

	if (m->look_only)
		return err_set(err, ERR_INTERNAL, "%s was opened for looking "
		    "only", m->path);
	return m->lines != NULL || err_set(err, ERR_DISK, "cannot write %s: "
	    "reading it back failed", m->path);
}

/* Writes one line about key; *offset gets where it stands. */
static bool
append(struct manifest *m, json_t *object, uint64_t *offset, struct err *err)
{

	if (!writable(m, err)) {
		json_decref(object);
		return false;
	}
	*offset = lines_size(m->lines);
	if (!lines_add(m->lines, object, err) ||
	    !lines_settle(m->lines, false, err))
		return false;
	m->n_lines++;
	return true;
}

bool
manifest_put(struct manifest *m, const char *key,
    const struct manifest_entry *e, struct err *err)
{
	uint8_t hash[MANIFEST_KEY_SIZE];
	uint64_t offset;
	json_t *o;
	bool ok;

	if (!hash_key(key, hash, err))
		return false;
	o = json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
	    "op", "put", "key", lines_text(key),
	    "size", lines_number(e->size),
	    "mtime_ns", lines_number((uint64_t)e->mtime_ns),
	    "sha256", lines_hex(e->sha256, HASH_SHA256_SIZE),
	    "sent_size", lines_number(e->sent_size),
	    "sent_mtime_ns", lines_number((uint64_t)e->sent_mtime_ns),
	    "etag", lines_text(e->etag), "headers", lines_text(e->headers));
	pthread_mutex_lock(&m->lock);
	ok = append(m, o, &offset, err) &&
	    (manifest_table_put(&m->table, hash, e, offset) ||
	    err_nomem(err, m->path));
	pthread_mutex_unlock(&m->lock);
	return ok;
}

bool
manifest_remove(struct manifest *m, const char *key, struct err *err)
{
	uint8_t hash[MANIFEST_KEY_SIZE];
	uint64_t offset;
	bool ok = true;

	if (!hash_key(key, hash, err))
		return false;
	pthread_mutex_lock(&m->lock);
	if (manifest_table_get(&m->table, hash, NULL) != 0) {
		ok = append(m, json_pack("{s:s, s:o}", "op", "remove", "key",
		    lines_text(key)), &offset, err);
		if (ok)
			manifest_table_remove(&m->table, hash);
	}
	pthread_mutex_unlock(&m->lock);
	return ok;
}

/* Writes the line about an upload and remembers or forgets it. */
static bool
record_upload(struct manifest *m, json_t *object, struct manifest_upload *u,
    struct err *err)
{

	if (!append(m, object, &u->offset, err)) {
		free(u->id);
		return false;
	}
	if (u->id == NULL) {
		manifest_table_forget_upload(&m->table, u->key);
		return true;
	}
	return manifest_table_set_upload(&m->table, u) || err_nomem(err, m->path);
}

bool
manifest_put_upload(struct manifest *m, const char *key,
    const char *upload_id, const struct manifest_entry *entry,
    struct err *err)
{
	bool forget = upload_id[0] == '\0', ok = true;
	struct manifest_upload u = {0};
	json_t *o;

	if (!hash_key(key, u.key, err))
		return false;
	if (!forget) {
		if ((u.id = strdup(upload_id)) == NULL)
			return err_nomem(err, m->path);
		memcpy(u.sha256, entry->sha256, sizeof(u.sha256));
	}
	o = json_pack("{s:s, s:o, s:o, s:o}", "op", "upload", "key",
	    lines_text(key), "upload_id", lines_text(upload_id), "sha256",
	    lines_hex(u.sha256, HASH_SHA256_SIZE));
	pthread_mutex_lock(&m->lock);
	if (forget && manifest_table_find_upload(&m->table, u.key) == NULL)
		json_decref(o);
	else	/* Parts that nobody knows of would lie there for good. */
		ok = record_upload(m, o, &u, err) &&
		    lines_settle(m->lines, !forget, err);
	pthread_mutex_unlock(&m->lock);
	return ok;
}

bool
manifest_get_upload(struct manifest *m, const char *key,
    const uint8_t sha256[HASH_SHA256_SIZE], char *upload_id, size_t size)
{
	uint8_t hash[MANIFEST_KEY_SIZE];
	const struct manifest_upload *u;
	bool found;

	if (!hash_key(key, hash, NULL))
		return false;
	pthread_mutex_lock(&m->lock);
	u = manifest_table_find_upload(&m->table, hash);
	found = u != NULL && strlen(u->id) < size &&
	    memcmp(u->sha256, sha256, HASH_SHA256_SIZE) == 0;
	if (found)
		memcpy(upload_id, u->id, strlen(u->id) + 1);
	pthread_mutex_unlock(&m->lock);
	return found;
}

/* --- compaction --- */

struct compaction {
	struct manifest *m;
	struct place_writer *out;
};

/* Copies a line that nothing has replaced since. */
static bool
copy_line(void *arg, const struct lines_line *line, struct err *err)
{
	const struct compaction *c = arg;
	uint8_t key[MANIFEST_KEY_SIZE];
	const struct manifest_upload *u;
	const char *op;

	if (line->offset > 0) {
		if (!get_op(line->object, &op, key, err))
			return false;
		u = manifest_table_find_upload(&c->m->table, key);
		if (manifest_table_get(&c->m->table, key, NULL) !=
		    line->offset && (u == NULL || u->offset != line->offset))
			return true;
	}
	return place_writer_write(c->out, line->bytes, line->len, err);
}

static bool
write_compact(struct manifest *m, struct err *err)
{
	struct compaction c = { .m = m };
	const struct lines_file file = {
		.place = m->place,
		.name = m->name,
		.type = TYPE,
		.remedy = REMEDY,
		.line = copy_line,
		.arg = &c,
	};
	uint64_t good;
	bool ok;

	if ((c.out = place_writer_new(m->place, m->name, err)) == NULL)
		return false;
	ok = lines_read(&file, &good, err) && place_writer_finish(c.out, err);
	place_writer_free(c.out);
	return ok;
}

/* The file is read back in either case: the old one may be replaced although
 * something failed, and there is one way to come by what is in memory. */
static bool
compact(struct manifest *m, struct err *err)
{
	struct err why;

	lines_free(m->lines);
	m->lines = NULL;
	if (!write_compact(m, &why))
		log_warning("%s was not compacted: %s", m->path, why.message);
	unload(m);
	return load(m, err);
}

bool
manifest_sync(struct manifest *m, struct err *err)
{
	size_t live;
	bool ok;

	pthread_mutex_lock(&m->lock);
	live = m->table.n + m->table.n_uploads;
	ok = writable(m, err) && lines_sync(m->lines, err);
	if (ok && m->n_lines - live > live && m->n_lines - live > STALE_MIN)
		ok = compact(m, err);
	pthread_mutex_unlock(&m->lock);
	return ok;
}
