#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "job/file_compare.h"
#include "job/file_content.h"
#include "job/files.h"

#define TRIES 2		/* a file that changes is sent again, then reported */

/* Whether an error is about this file alone, so that the others go on. */
static bool
concerns_file_only(const struct file_content *c, const struct err *err)
{

	if (err->kind == ERR_CHANGED || err->kind == ERR_REFUSED ||
	    err->kind == ERR_TOO_LARGE)
		return true;
	return c->source_failed && (err->kind == ERR_NOT_FOUND ||
	    err->kind == ERR_DENIED || err->kind == ERR_DAMAGED ||
	    err->kind == ERR_INTERNAL);
}

static void
report_failed(struct file_worker *w, const struct file_item *item,
    const struct err *err)
{

	atomic_fetch_add(&w->files->failed, 1);
	report_error(&w->files->job->report, "file", err->hint,
	    "%s was not moved: %s", item->key, err->message);
}

static bool
upload_started(void *arg, const char *upload_id, struct err *err)
{
	struct file_content *c = arg;
	struct manifest_entry entry;

	memset(&entry, 0, sizeof(entry));
	memcpy(entry.sha256, c->sha256, sizeof(entry.sha256));
	return manifest_put_upload(c->worker->pair->manifest, c->source.key,
	    upload_id, &entry, err);
}

static void
on_sent(void *arg, uint64_t bytes)
{
	struct file_content *c = arg;

	progress_item_add(c->worker->pair->progress, 0, bytes);
}

/* Fills what the manifest is to remember of a file that is on the target. */
static bool
describe(struct file_worker *w, const struct file_content *c, const char *etag,
    struct manifest_entry *m, struct err *err)
{
	struct store_object there;

	memset(m, 0, sizeof(*m));
	m->size = c->source.size;
	m->mtime_ns = c->source.mtime_ns;
	m->sent_size = c->body.size;
	memcpy(m->sha256, c->sha256, sizeof(m->sha256));
	snprintf(m->etag, sizeof(m->etag), "%s", etag);
	file_content_policy(w->files->job, c->source.key, m->headers);
	if (!store_is_local(w->pair->target))
		return true;
	if (store_head(w->target, c->source.key, &there, err) != STORE_FOUND)
		return false;
	m->sent_mtime_ns = there.mtime_ns;
	return true;
}

/* Sent, and not yet recorded, when the last run was interrupted. */
static void
note_repeated(struct file_worker *w, const struct file_content *c)
{
	const struct file_entry *e;

	e = file_index_find(w->pair->there, c->source.key,
	    strlen(c->source.key));
	if (e != NULL && e->size == c->body.size)
		job_repeated_files(w->files->job, 1, e->size);
}

static bool
send_content(struct file_worker *w, struct file_content *c, struct err *err)
{
	char etag[STORE_ETAG_MAX] = "", upload_id[1024] = "";
	struct manifest_entry m;
	struct store_put put = {
		.key = c->source.key,
		.body = c->body,
		.headers = c->headers,
		.sha256 = c->sha256,
		.md5 = c->has_md5 ? c->md5 : NULL,
		.mtime_ns = w->files->job->snapshot != NULL ?
		    c->source.mtime_ns : 0,
		.upload_id = upload_id,
		.upload_started = upload_started,
		.sent = on_sent,
		.arg = c,
	};

	manifest_get_upload(w->pair->manifest, c->source.key, c->sha256,
	    upload_id, sizeof(upload_id));
	atomic_store(&w->files->job->changed, true);
	if (!store_put(w->target, &put, etag, err) ||
	    !file_content_unchanged(c, err) ||
	    !describe(w, c, etag, &m, err))
		return false;
	return manifest_put(w->pair->manifest, c->source.key, &m, err);
}

/* Without a manifest's word: is the object there the same bytes?  Only read
 * back when --download asks for it. */
static bool
reads_back_equal(struct file_worker *w, struct file_content *c)
{
	uint8_t sha256[HASH_SHA256_SIZE];
	struct file_entry *e;
	struct err ignored;
	uint64_t size;

	e = file_index_find(w->pair->there, c->source.key,
	    strlen(c->source.key));
	if (!w->files->job->options->download || e == NULL ||
	    e->size != c->body.size)
		return false;
	return file_content_hash_object(w->target, c->source.key, sha256,
	    &size, &ignored) && memcmp(sha256, c->sha256, sizeof(sha256)) == 0;
}

/* Sends the file unless what is there has the same bytes. */
static bool
copy_content(struct file_worker *w, struct file_content *c,
    const struct file_item *item, struct err *err)
{
	struct manifest_entry m, now;
	char policy[24];

	file_content_policy(w->files->job, item->key, policy);
	if (manifest_get(w->pair->manifest, item->key, &m) &&
	    memcmp(m.sha256, c->sha256, sizeof(m.sha256)) == 0 &&
	    strcmp(m.headers, policy) == 0 &&
	    file_compare_intact(w->pair, item->key, &m)) {
		/* Only its time moved. */
		if (!describe(w, c, m.etag, &now, err) ||
		    !manifest_put(w->pair->manifest, item->key, &now, err))
			return false;
		atomic_fetch_add(&w->files->skipped, 1);
		return true;
	}
	if (reads_back_equal(w, c)) {
		atomic_fetch_add(&w->files->skipped, 1);
		return true;
	}
	if (!send_content(w, c, err))
		return false;
	note_repeated(w, c);
	atomic_fetch_add(&w->files->uploaded, 1);
	return true;
}

static bool
copy_file(struct file_worker *w, const struct file_item *item, struct err *err)
{
	struct file_content c;
	struct manifest_entry m;
	bool ok = false;
	int i;

	if (manifest_get(w->pair->manifest, item->key, &m) &&
	    file_compare_same_source(w->files->job, item, &m) &&
	    file_compare_intact(w->pair, item->key, &m)) {
		atomic_fetch_add(&w->files->skipped, 1);
		progress_item_add(w->pair->progress, 1, item->size);
		return true;
	}
	for (i = 0; i < TRIES && !ok; i++) {
		ok = file_content_open(&c, w, item, err);
		if (ok) {
			ok = copy_content(w, &c, item, err);
			file_content_close(&c);
		}
		if (!ok && err->kind != ERR_CHANGED)
			break;
	}
	if (!ok && concerns_file_only(&c, err)) {
		report_failed(w, item, err);
		ok = true;
	}
	progress_item_add(w->pair->progress, 1, 0);
	return ok || err_prefix(err, "file %s", item->key);
}

static bool
plan_file(struct file_worker *w, const struct file_item *item, struct err *err)
{
	struct manifest_entry m;
	bool intact;

	(void)err;
	intact = w->pair->manifest != NULL &&
	    manifest_get(w->pair->manifest, item->key, &m) &&
	    file_compare_same_source(w->files->job, item, &m) &&
	    file_compare_intact(w->pair, item->key, &m);
	atomic_fetch_add(intact ? &w->files->skipped : &w->files->uploaded, 1);
	progress_item_add(w->pair->progress, 1, item->size);
	return true;
}

static bool
walk_all(struct files *f, const char *phase, file_walk_fn *fn, struct err *err)
{
	bool ok = true;
	size_t i;

	for (i = 0; i < f->n && ok; i++) {
		struct file_pair *pair = &f->v[i];

		pair->progress = progress_item_new(f->job->progress, phase,
		    pair->what->place.to);
		progress_item_total(pair->progress,
		    file_index_count(pair->index), pair->bytes);
		ok = file_compare_list(pair, err) &&
		    file_walk(f, pair, fn, err);
		progress_item_finish(pair->progress);
	}
	return ok;
}

/* What was sent is remembered even when the rest could not be. */
static bool
sync_manifests(struct files *f, struct err *err)
{
	bool ok = true;
	size_t i;

	for (i = 0; i < f->n; i++) {
		struct err later;

		if (!manifest_sync(f->v[i].manifest, ok ? err : &later))
			ok = false;
	}
	return ok;
}

bool
files_copy(struct files *f, struct err *err)
{
	struct err later;

	if (walk_all(f, "files", copy_file, err))
		return sync_manifests(f, err);
	sync_manifests(f, &later);
	return false;
}

bool
files_plan(struct files *f, struct err *err)
{

	return walk_all(f, "read", plan_file, err);
}
