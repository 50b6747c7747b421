#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/log.h"
#include "job/file_walk.h"
#include "job/files.h"
#include "job/snapshot_files.h"

#define LEAST_WORKERS 8
#define FIRST_PATIENCE_MS ((uint64_t)10000)
#define MANIFEST_NAME_MAX 64
#define URL_SHOWN_MAX 300

/* Says which end err is about; keys in its URL are hidden.  Returns false. */
static bool
blame(const char *role, const char *url, struct err *err)
{
	char shown[URL_SHOWN_MAX];

	store_redact(url, shown, sizeof(shown));
	return err_prefix(err, "files %s %s", role, shown);
}

static struct store_options
store_options_of(const struct files *f)
{

	return (struct store_options) {
		.patience_ms = f->job->patience_ms,
		.bytes_per_second = f->job->options->bandwidth / f->workers,
	};
}

static bool
open_target(struct files *f, struct file_pair *pair, bool create,
    struct err *err)
{
	struct store_options options = store_options_of(f);

	options.create = create;
	pair->target = store_open(pair->what->place.to, &options, err);
	if (pair->target != NULL)
		return true;
	/* A folder to write to is made when writing starts. */
	if (!create && err->kind == ERR_NOT_FOUND) {
		err_clear(err);
		return true;
	}
	return blame("to", pair->what->place.to, err);
}

/* The first contact is not worth the patience of a running job: who waits for
 * it has probably mistyped something. */
static bool
probe(const struct files *f, const char *url, bool write, struct err *err)
{
	struct store_options options = {
		.patience_ms = f->job->patience_ms < FIRST_PATIENCE_MS ?
		    f->job->patience_ms : FIRST_PATIENCE_MS,
	};
	struct store *store;
	struct store_session *s = NULL;
	bool ok;

	if ((store = store_open(url, &options, err)) == NULL)
		return false;
	ok = (s = store_session_new(store, err)) != NULL &&
	    store_probe(s, write, err);
	store_session_free(s);
	store_free(store);
	return ok;
}

static bool
check_not_same(const struct file_pair *pair, struct err *err)
{

	if (pair->target == NULL || strcmp(store_identity(pair->source),
	    store_identity(pair->target)) != 0)
		return true;
	err_set(err, ERR_SAME, "files: source and target are the same: %s",
	    store_name(pair->source));
	return err_hint(err, "--files FROM=TO moves from one place to another");
}

/* What is restored must not fall among the blobs, nor --delete take them. */
static bool
check_not_in_repository(const struct files *f, const struct file_pair *pair,
    struct err *err)
{
	const struct store *store;
	const char *repo, *place;

	if (f->job->snapshot == NULL || pair->target == NULL)
		return true;
	store = repo_store(snapshot_source_repo(f->job->snapshot));
	repo = store_identity(store);
	place = store_identity(pair->target);
	if (!store_lies_in(repo, place) && !store_lies_in(place, repo))
		return true;
	err_set(err, ERR_SAME, "files: %s and the repository %s lie within "
	    "each other", store_name(pair->target), store_name(store));
	return err_hint(err, "restore to another place");
}

/* No documents are moved while files are: half of their memory is for files
 * that are read more than once, the rest for blobs on their way. */
static struct store *
open_place(const struct files *f, const struct snapshot_source *snapshot,
    const char *name, struct err *err)
{
	const struct store_options options = store_options_of(f);
	struct store *store;

	store = snapshot_files_open(snapshot, name, &options,
	    f->job->memory / 2 / f->workers, err);
	if (store == NULL)
		err_prefix(err, "files");
	return store;
}

static bool
open_source(struct files *f, struct file_pair *pair, struct err *err)
{
	const struct store_options options = store_options_of(f);
	const char *from = pair->what->place.from;

	if (f->job->snapshot != NULL) {
		pair->source = open_place(f, f->job->snapshot, from, err);
		return pair->source != NULL;
	}
	pair->source = store_open(from, &options, err);
	return (pair->source != NULL && probe(f, from, false, err)) ||
	    blame("from", from, err);
}

static bool
open_pair(struct files *f, struct file_pair *pair, struct err *err)
{
	const char *to = pair->what->place.to;

	if (!open_source(f, pair, err))
		return false;
	if ((pair->index = file_index_new()) == NULL)
		return err_nomem(err, "file index");
	if (to == NULL)
		return true;
	if (f->job->snapshot_to != NULL) {
		pair->target = open_place(f, f->job->snapshot_to, to, err);
		return pair->target != NULL;
	}
	if (!open_target(f, pair, false, err) || !check_not_same(pair, err) ||
	    !check_not_in_repository(f, pair, err))
		return false;
	return pair->target == NULL ||
	    probe(f, to, f->job->writes, err) || blame("to", to, err);
}

bool
files_open(struct files *f, struct job *job, struct err *err)
{
	size_t i, n = job->options->n_files;

	memset(f, 0, sizeof(*f));
	f->job = job;
	f->workers = 2 * job->workers > LEAST_WORKERS ? 2 * job->workers :
	    LEAST_WORKERS;
	f->v = calloc(n + 1, sizeof(*f->v));
	f->indexes = calloc(n + 1, sizeof(struct file_index *));
	if (f->v == NULL || f->indexes == NULL)
		return err_nomem(err, "files");
	f->n = n;
	for (i = 0; i < n; i++) {
		f->v[i].what = &job->options->files[i];
		if (!open_pair(f, &f->v[i], err))
			return false;
		f->indexes[i] = f->v[i].index;
	}
	return true;
}

void
files_close(struct files *f)
{
	size_t i;

	for (i = 0; i < f->n; i++) {
		manifest_free(f->v[i].manifest);
		file_index_free(f->v[i].index);
		file_index_free(f->v[i].there);
		store_free(f->v[i].source);
		store_free(f->v[i].target);
	}
	free(f->v);
	free(f->indexes);
	f->v = NULL;
	f->indexes = NULL;
	f->n = 0;
}

/* The manifest belongs to the pair of places, whatever the order of options. */
static void
manifest_name(const struct file_pair *pair, char out[MANIFEST_NAME_MAX])
{
	uint8_t digest[HASH_SHA256_SIZE];
	struct buf b;

	buf_init(&b, 65536);
	buf_printf(&b, "%s\n%s", store_identity(pair->source),
	    store_identity(pair->target));
	hash_sha256(b.data, b.len, digest);
	buf_free(&b);
	memcpy(out, "files-", 6);
	hash_hex(digest, 8, out + 6);
	strncat(out, ".manifest", MANIFEST_NAME_MAX - strlen(out) - 1);
}

bool
files_begin(struct files *f, struct place *place, struct err *err)
{
	char name[MANIFEST_NAME_MAX];
	size_t i;

	for (i = 0; i < f->n; i++) {
		struct file_pair *pair = &f->v[i];

		if (pair->target == NULL && (!open_target(f, pair, true, err) ||
		    !check_not_same(pair, err) ||
		    !check_not_in_repository(f, pair, err)))
			return false;
		manifest_name(pair, name);
		pair->manifest = manifest_open(place, name, err);
		if (pair->manifest == NULL)
			return false;
	}
	return true;
}

bool
files_find_manifests(struct files *f, struct place *place, struct err *err)
{
	char name[MANIFEST_NAME_MAX];
	size_t i;

	for (i = 0; i < f->n; i++) {
		struct file_pair *pair = &f->v[i];

		if (pair->target == NULL)
			continue;
		manifest_name(pair, name);
		pair->manifest = manifest_read(place, name, err);
		if (pair->manifest == NULL)
			return false;
		if (manifest_count(pair->manifest) == 0) {
			manifest_free(pair->manifest);
			pair->manifest = NULL;
		}
	}
	return true;
}

bool
files_identity(const struct files *f, struct buf *out)
{
	size_t i;

	for (i = 0; i < f->n; i++) {
		const struct file_pair *pair = &f->v[i];

		if (!buf_printf(out, "files %s -> %s\n",
		    store_identity(pair->source), pair->what->place.to))
			return false;
	}
	return true;
}

void
files_summarise(struct files *f)
{
	struct spaceferry_file_counts *c = &f->job->report.summary->files;
	size_t i;

	for (i = 0; i < f->n; i++) {
		if (f->v[i].index != NULL)
			c->count += file_index_count(f->v[i].index) -
			    f->v[i].kept;
		c->bytes += f->v[i].bytes;
	}
	c->uploaded = atomic_load(&f->uploaded);
	c->skipped = atomic_load(&f->skipped);
	c->failed = atomic_load(&f->failed);
	c->missing = atomic_load(&f->missing);
	c->different = atomic_load(&f->different);
	c->extra = f->extra;
}
