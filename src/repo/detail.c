#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "repo/detail.h"

/* In the order of enum detail_kind. */
static const char *const words[] = {
	"snapshot", "collection", "run", "place", "file", "end",
};

#define WORDS (sizeof(words) / sizeof(words[0]))

static json_t *
pack_strings(const struct strings *list)
{
	json_t *array = json_array();
	size_t i;

	for (i = 0; array != NULL && i < list->n; i++) {
		if (json_array_append_new(array, json_string(list->v[i])) != 0) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}

static json_t *
pack_name(const uint8_t name[REPO_NAME_SIZE])
{
	char hex[2 * REPO_NAME_SIZE + 1];

	hash_hex(name, REPO_NAME_SIZE, hex);
	return json_string(hex);
}

static json_t *
pack_snapshot(const struct detail_snapshot *s)
{

	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:o, s:o}",
	    "id", s->id, "time", s->time, "host", s->host, "tool", s->tool,
	    "source", s->source, "server", s->server,
	    "consistent_at", pack_strings(&s->consistent_at),
	    "files", pack_strings(&s->files));
}

static json_t *
pack_collection(const struct detail_collection *c)
{
	char digest[DIGEST_HEX_SIZE];

	digest_hex(c->tally.digest, digest);
	return json_pack("{s:s, s:s, s:s, s:I, s:I, s:s, s:I}",
	    "ns", c->ns, "type", c->type, "metadata", c->metadata,
	    "count", (json_int_t)c->tally.count,
	    "bytes", (json_int_t)c->tally.bytes, "digest", digest,
	    "runs", (json_int_t)c->runs);
}

static json_t *
pack_file(const struct detail_file *f)
{
	char sha256[2 * HASH_SHA256_SIZE + 1];
	json_t *blobs = json_array();
	size_t i;

	for (i = 0; blobs != NULL && i < f->n_blobs; i++) {
		if (json_array_append_new(blobs, pack_name(f->blobs[i])) != 0) {
			json_decref(blobs);
			return NULL;
		}
	}
	hash_hex(f->sha256, sizeof(f->sha256), sha256);
	return json_pack("{s:s, s:I, s:I, s:s, s:o}", "key", f->key,
	    "size", (json_int_t)f->size, "mtime_ns", (json_int_t)f->mtime_ns,
	    "sha256", sha256, "blobs", blobs);
}

static json_t *
pack(const struct detail *d)
{

	switch (d->kind) {
	case DETAIL_SNAPSHOT:
		return pack_snapshot(&d->snapshot);
	case DETAIL_COLLECTION:
		return pack_collection(&d->collection);
	case DETAIL_RUN:
		return json_pack("[o, I, I]", pack_name(d->run.name),
		    (json_int_t)d->run.bytes, (json_int_t)d->run.documents);
	case DETAIL_PLACE:
		return json_pack("{s:s, s:I, s:I}", "name", d->place.name,
		    "files", (json_int_t)d->place.files,
		    "bytes", (json_int_t)d->place.bytes);
	case DETAIL_FILE:
		return pack_file(&d->file);
	case DETAIL_END:
		break;
	}
	return json_pack("{s:I, s:I, s:I, s:I}",
	    "collections", (json_int_t)d->end.collections,
	    "documents", (json_int_t)d->end.documents,
	    "places", (json_int_t)d->end.places,
	    "files", (json_int_t)d->end.files);
}

static int
append(const char *text, size_t len, void *arg)
{

	return buf_append(arg, text, len) ? 0 : -1;
}

bool
detail_write(const struct detail *d, struct buf *line, struct err *err)
{
	json_t *value = pack(d), *o;
	bool ok;

	if (value == NULL)
		return err_set(err, ERR_REFUSED, "a name that is no UTF-8 "
		    "cannot be written down (or memory is out)");
	o = json_pack("{s:o}", words[d->kind], value);
	ok = o != NULL && json_dump_callback(o, append, line,
	    JSON_COMPACT) == 0;
	json_decref(o);
	return ok || err_nomem(err, "details");
}

/* --- reading --- */

static bool
get_text(const json_t *o, const char *name, char **out)
{
	const char *s = json_string_value(json_object_get(o, name));

	return s != NULL && (*out = strdup(s)) != NULL;
}

static bool
get_count(const json_t *value, uint64_t *n)
{

	if (!json_is_integer(value) || json_integer_value(value) < 0)
		return false;
	*n = (uint64_t)json_integer_value(value);
	return true;
}

static bool
get_number(const json_t *o, const char *name, uint64_t *n)
{

	return get_count(json_object_get(o, name), n);
}

static bool
get_strings(const json_t *o, const char *name, struct strings *out)
{
	const json_t *array = json_object_get(o, name), *item;
	size_t i;

	if (!json_is_array(array))
		return false;
	json_array_foreach(array, i, item) {
		if (!json_is_string(item) ||
		    !strings_add(out, json_string_value(item)))
			return false;
	}
	return true;
}

static bool
get_name(const json_t *value, uint8_t name[REPO_NAME_SIZE])
{
	const char *hex = json_string_value(value);

	return hex != NULL && hash_unhex(hex, name, REPO_NAME_SIZE);
}

static bool
get_snapshot(const json_t *o, struct detail_snapshot *s)
{

	return get_text(o, "id", &s->id) && get_text(o, "time", &s->time) &&
	    get_text(o, "host", &s->host) && get_text(o, "tool", &s->tool) &&
	    get_text(o, "source", &s->source) &&
	    get_text(o, "server", &s->server) &&
	    get_strings(o, "consistent_at", &s->consistent_at) &&
	    get_strings(o, "files", &s->files);
}

static bool
get_collection(const json_t *o, struct detail_collection *c)
{
	const char *digest = json_string_value(json_object_get(o, "digest"));

	return get_text(o, "ns", &c->ns) && get_text(o, "type", &c->type) &&
	    get_text(o, "metadata", &c->metadata) &&
	    get_number(o, "count", &c->tally.count) &&
	    get_number(o, "bytes", &c->tally.bytes) && digest != NULL &&
	    digest_unhex(digest, &c->tally.digest) &&
	    get_number(o, "runs", &c->runs);
}

static bool
get_run(const json_t *a, struct detail_run *r)
{

	return json_array_size(a) == 3 &&
	    get_name(json_array_get(a, 0), r->name) &&
	    get_count(json_array_get(a, 1), &r->bytes) &&
	    get_count(json_array_get(a, 2), &r->documents);
}

static bool
get_file(const json_t *o, struct detail_file *f)
{
	const char *sha256 = json_string_value(json_object_get(o, "sha256"));
	const json_t *blobs = json_object_get(o, "blobs");
	const json_t *mtime = json_object_get(o, "mtime_ns");
	size_t n = json_array_size(blobs);

	if (!get_text(o, "key", &f->key) || !get_number(o, "size", &f->size) ||
	    !json_is_integer(mtime) || sha256 == NULL ||
	    !hash_unhex(sha256, f->sha256, sizeof(f->sha256)) ||
	    !json_is_array(blobs))
		return false;
	f->mtime_ns = json_integer_value(mtime);
	if (n > 0 && (f->blobs = calloc(n, sizeof(*f->blobs))) == NULL)
		return false;
	for (; f->n_blobs < n; f->n_blobs++) {
		if (!get_name(json_array_get(blobs, f->n_blobs),
		    f->blobs[f->n_blobs]))
			return false;
	}
	return true;
}

static bool
get_value(const json_t *v, struct detail *d)
{

	switch (d->kind) {
	case DETAIL_SNAPSHOT:
		return get_snapshot(v, &d->snapshot);
	case DETAIL_COLLECTION:
		return get_collection(v, &d->collection);
	case DETAIL_RUN:
		return get_run(v, &d->run);
	case DETAIL_PLACE:
		return get_text(v, "name", &d->place.name) &&
		    get_number(v, "files", &d->place.files) &&
		    get_number(v, "bytes", &d->place.bytes);
	case DETAIL_FILE:
		return get_file(v, &d->file);
	case DETAIL_END:
		break;
	}
	return get_number(v, "collections", &d->end.collections) &&
	    get_number(v, "documents", &d->end.documents) &&
	    get_number(v, "places", &d->end.places) &&
	    get_number(v, "files", &d->end.files);
}

bool
detail_read(const char *line, size_t len, struct detail *d, struct err *err)
{
	json_t *o, *value = NULL;
	size_t i;
	bool ok;

	memset(d, 0, sizeof(*d));
	o = json_loadb(line, len, JSON_REJECT_DUPLICATES, NULL);
	if (!json_is_object(o)) {
		json_decref(o);
		return err_set(err, ERR_DAMAGED, "a line of the details is no "
		    "JSON object");
	}
	for (i = 0; i < WORDS && value == NULL; i++)
		value = json_object_get(o, words[i]);
	if (value == NULL) {
		json_decref(o);
		err_set(err, ERR_UNSUPPORTED, "the details hold a line of a "
		    "kind that this version does not know");
		return err_hint(err, "a newer spaceferry wrote it: use that");
	}
	d->kind = (enum detail_kind)(i - 1);
	ok = get_value(value, d);
	json_decref(o);
	if (ok)
		return true;
	detail_free(d);
	return err_set(err, ERR_DAMAGED, "a line of the details about a %s is "
	    "not what it should be", words[d->kind]);
}

void
detail_free(struct detail *d)
{
	enum detail_kind kind = d->kind;

	switch (kind) {
	case DETAIL_SNAPSHOT:
		free(d->snapshot.id);
		free(d->snapshot.time);
		free(d->snapshot.host);
		free(d->snapshot.tool);
		free(d->snapshot.source);
		free(d->snapshot.server);
		strings_free(&d->snapshot.consistent_at);
		strings_free(&d->snapshot.files);
		break;
	case DETAIL_COLLECTION:
		free(d->collection.ns);
		free(d->collection.type);
		free(d->collection.metadata);
		break;
	case DETAIL_PLACE:
		free(d->place.name);
		break;
	case DETAIL_FILE:
		free(d->file.key);
		free(d->file.blobs);
		break;
	case DETAIL_RUN:
	case DETAIL_END:
		break;
	}
	memset(d, 0, sizeof(*d));
	d->kind = kind;
}
