#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <jansson.h>

#include "base/hash.h"
#include "base/home.h"
#include "state/lines.h"
#include "state/place_driver.h"

#define KEY_BYTES 16
#define ABOUT "about.json"
#define ABOUT_MAX ((size_t)8 << 20)
#define COPY_STEP ((size_t)64 << 10)

bool
place_hint(struct err *err)
{

	if (err == NULL)
		return false;
	/* What a full disk says of itself says less than what is known here. */
	if (err->hint[0] != '\0' && (err->kind != ERR_DISK || err->code == 0))
		return false;
	if (err->code == ENOSPC || err->code == EDQUOT)
		return err_hint(err, "make room on the disk that holds the "
		    "state, then run the same command again: it resumes; or "
		    "choose another folder with --state");
	if (err->kind == ERR_DISK || err->kind == ERR_DENIED ||
	    err->kind == ERR_NOT_FOUND)
		return err_hint(err, "choose a folder that can be written "
		    "with --state");
	return false;
}

/* --- where it is --- */

static bool
is_store(const char *state)
{

	return state != NULL && strncasecmp(state, "file://", 7) != 0 &&
	    strstr(state, "://") != NULL;
}

static char *
root(const char *state, struct err *err)
{
	char *path;

	if (state == NULL)
		return home_state(err);
	if (strncasecmp(state, "file://", 7) == 0) {
		state += 7;
		if (state[0] != '/') {
			err_set(err, ERR_URI, "--state file://%s: no absolute "
			    "path", state);
			err_hint(err, "write file:///PATH, or PATH alone");
			return NULL;
		}
	} else if (state[0] == '\0') {
		err_set(err, ERR_CONFIG, "--state: the path is empty");
		return NULL;
	}
	if ((path = strdup(state)) == NULL)
		err_nomem(err, "the state's folder");
	return path;
}

/* root/<hex of the key's digest> */
static char *
path_of(const char *state, const char *key, struct err *err)
{
	char hex[2 * KEY_BYTES + 1], *base, *path;
	uint8_t sha256[HASH_SHA256_SIZE];
	size_t len;

	if ((base = root(state, err)) == NULL)
		return NULL;
	len = strlen(base);
	while (is_store(state) && len > 0 && base[len - 1] == '/')
		base[--len] = '\0';
	if (!hash_sha256(key, strlen(key), sha256)) {
		path = NULL;
	} else {
		hash_hex(sha256, KEY_BYTES, hex);
		if (asprintf(&path, "%s/%s", base, hex) < 0)
			path = NULL;
	}
	if (path == NULL)
		err_nomem(err, "the state's folder");
	free(base);
	return path;
}

/* --- opening and closing --- */

/* Who comes across the place can read there what it is. */
static bool
write_about(struct place *p, const char *key, struct err *err)
{
	struct place_writer *w = NULL;
	json_t *about = NULL;
	struct buf text;
	bool ok = false;

	buf_init(&text, ABOUT_MAX);
	switch (place_exists(p, ABOUT, err)) {
	case PLACE_FOUND:
		ok = true;
		goto out;
	case PLACE_FAILED:
		goto out;
	case PLACE_ABSENT:
		break;
	}
	about = json_pack("{s:s, s:o}", "about", "state of spaceferry for the "
	    "ends in key: journal, manifests, quarantine", "key",
	    lines_text(key));
	if (about == NULL || !lines_dump(about, JSON_INDENT(2), &text)) {
		err_nomem(err, ABOUT);
		goto out;
	}
	ok = (w = place_writer_new(p, ABOUT, err)) != NULL &&
	    place_writer_write(w, text.data, text.len, err) &&
	    place_writer_finish(w, err);
	place_writer_free(w);
out:
	buf_free(&text);
	json_decref(about);
	return ok;
}

struct place *
place_new(const struct place_options *o, struct err *err)
{
	struct place *p;
	char *path;

	if ((path = path_of(o->state, o->key, err)) == NULL)
		return NULL;
	if (is_store(o->state)) {
		const struct place_store_options store = {
			.url = path, .patience_ms = o->patience_ms,
			.look_only = o->look_only,
		};

		p = place_store_new(&store, err);
		free(path);
		if (p == NULL)
			err_prefix(err, "--state");
	} else {
		p = place_local_new(path, o->look_only, err);
		if (p == NULL)
			free(path);
	}
	if (p != NULL && !o->look_only && !write_about(p, o->key, err)) {
		place_free(p);
		p = NULL;
	}
	if (p == NULL && !is_store(o->state))
		place_hint(err);
	return p;
}

struct place *
place_folder(const char *path, struct err *err)
{
	struct place *p;
	char *copy;

	if ((copy = strdup(path)) == NULL) {
		err_nomem(err, path);
		return NULL;
	}
	if ((p = place_local_plain(copy, err)) == NULL)
		free(copy);
	return p;
}

void
place_free(struct place *p)
{
	char *path;

	if (p == NULL)
		return;
	path = p->path;
	p->driver->free(p);
	free(path);
}

const char *
place_path(const struct place *p)
{

	return p->path;
}

char *
place_join(const struct place *p, const char *name)
{
	char *path;

	return asprintf(&path, "%s/%s", p->path, name) < 0 ? NULL : path;
}

bool
place_held(struct place *p, struct err *err)
{

	return p->driver->held(p, err);
}

static bool
writable(const struct place *p, struct err *err)
{

	return !p->look_only || err_set(err, ERR_INTERNAL, "%s was opened for "
	    "looking only", p->path);
}

/* --- files --- */

enum place_found
place_exists(struct place *p, const char *name, struct err *err)
{

	return p->driver->exists(p, name, err);
}

bool
place_remove(struct place *p, const char *name, struct err *err)
{

	return writable(p, err) && p->driver->remove(p, name, err);
}

static bool
copy(struct place *p, const char *from, const char *to, struct err *err)
{
	struct place_reader *r = NULL;
	struct place_writer *w = NULL;
	uint8_t *data = malloc(COPY_STEP);
	bool ok = false;
	size_t got;

	if (data == NULL) {
		err_nomem(err, from);
		goto out;
	}
	if ((r = place_reader_new(p, from, err)) == NULL ||
	    (w = place_writer_new(p, to, err)) == NULL)
		goto out;
	while ((ok = place_reader_read(r, data, COPY_STEP, &got, err)) &&
	    got > 0 && (ok = place_writer_write(w, data, got, err)))
		continue;
	ok = ok && place_writer_finish(w, err);
out:
	place_reader_free(r);
	place_writer_free(w);
	free(data);
	return ok;
}

bool
place_rename(struct place *p, const char *from, const char *to,
    struct err *err)
{

	if (!writable(p, err))
		return false;
	if (p->driver->rename != NULL)
		return p->driver->rename(p, from, to, err);
	return copy(p, from, to, err) && p->driver->remove(p, from, err);
}

bool
place_list(struct place *p, const char *folder, place_list_fn *fn, void *arg,
    struct err *err)
{

	return p->driver->list(p, folder, fn, arg, err);
}

struct place_reader *
place_reader_new(struct place *p, const char *name, struct err *err)
{

	return p->driver->reader_new(p, name, err);
}

bool
place_reader_read(struct place_reader *r, void *data, size_t size, size_t *got,
    struct err *err)
{

	return r->place->driver->reader_read(r, data, size, got, err);
}

void
place_reader_free(struct place_reader *r)
{

	if (r != NULL)
		r->place->driver->reader_free(r);
}

struct place_writer *
place_writer_new(struct place *p, const char *name, struct err *err)
{

	return writable(p, err) ? p->driver->writer_new(p, name, err) : NULL;
}

bool
place_writer_write(struct place_writer *w, const void *data, size_t len,
    struct err *err)
{

	return w->place->driver->writer_write(w, data, len, err);
}

bool
place_writer_finish(struct place_writer *w, struct err *err)
{

	return w->place->driver->writer_finish(w, err);
}

void
place_writer_free(struct place_writer *w)
{

	if (w != NULL)
		w->place->driver->writer_free(w);
}

struct place_file *
place_file_open(struct place *p, const char *name, uint64_t good, bool many,
    struct err *err)
{

	return writable(p, err) ?
	    p->driver->file_open(p, name, good, many, err) : NULL;
}

bool
place_file_append(struct place_file *f, const void *data, size_t len,
    struct err *err)
{

	return f->place->driver->file_append(f, data, len, err);
}

bool
place_file_sync(struct place_file *f, struct err *err)
{

	return f->place->driver->file_sync(f, err);
}

bool
place_file_due(struct place_file *f)
{

	return f->place->driver->file_due(f);
}

uint64_t
place_file_size(const struct place_file *f)
{

	return f->place->driver->file_size(f);
}

void
place_file_free(struct place_file *f)
{

	if (f != NULL)
		f->place->driver->file_free(f);
}
