#include <string.h>

#include "base/log.h"
#include "job/file_compare.h"
#include "job/file_content.h"
#include "job/files.h"

static bool
is_missing(struct file_worker *w, const struct file_item *item)
{

	atomic_fetch_add(&w->files->missing, 1);
	report_error(&w->files->job->report, "file_missing",
	    "run the migration again: it sends only what is not there",
	    "%s is not on the target", item->key);
	return true;
}

static bool
is_different(struct file_worker *w, const struct file_item *item,
    const char *why)
{

	atomic_fetch_add(&w->files->different, 1);
	report_error(&w->files->job->report, "file_different",
	    "run the migration again: it sends only what differs",
	    "%s: %s", item->key, why);
	return true;
}

/* Reads both sides and compares their digests. */
static bool
compare_bytes(struct file_worker *w, const struct file_item *item,
    struct err *err)
{
	uint8_t sha256[HASH_SHA256_SIZE];
	struct file_content c;
	uint64_t size;
	bool ok;

	if (!file_content_open(&c, w, item, err)) {
		if (!c.source_failed)
			return false;
		return is_different(w, item, err->message);
	}
	ok = file_content_hash_object(w->target, item->key, sha256, &size, err);
	if (!ok && err->kind == ERR_NOT_FOUND)
		ok = is_missing(w, item);
	else if (ok && memcmp(sha256, c.sha256, sizeof(sha256)) != 0)
		ok = is_different(w, item, "the object's bytes differ");
	file_content_close(&c);
	return ok;
}

static bool
verify_file(struct file_worker *w, const struct file_item *item,
    struct err *err)
{
	struct manifest_entry m;
	struct file_entry *there;
	bool known;

	progress_item_add(w->pair->progress, 1, item->size);
	there = file_index_find(w->pair->there, item->key, strlen(item->key));
	if (there == NULL)
		return is_missing(w, item);
	atomic_store(&there->marked, true);
	known = w->pair->manifest != NULL &&
	    manifest_get(w->pair->manifest, item->key, &m);
	if (!known || w->files->job->options->download)
		return compare_bytes(w, item, err);
	if (!file_compare_intact(w->pair, item->key, &m))
		return is_different(w, item, "the object is no longer the one "
		    "that was sent (size or ETag differ)");
	if (!file_compare_same_source(w->files->job, item, &m))
		return compare_bytes(w, item, err);
	return true;
}

bool
files_verify(struct files *f, struct err *err)
{
	bool ok = true;
	size_t i;

	for (i = 0; i < f->n && ok; i++) {
		struct file_pair *pair = &f->v[i];

		if (pair->manifest == NULL)
			log_info("no manifest of an earlier run: every object "
			    "of %s is read back", pair->what->place.to);
		pair->progress = progress_item_new(f->job->progress, "verify",
		    pair->what->place.to);
		progress_item_total(pair->progress,
		    file_index_count(pair->index), pair->bytes);
		ok = file_compare_list(pair, err) &&
		    file_walk(f, pair, verify_file, err);
		progress_item_finish(pair->progress);
		f->extra += file_index_count(pair->there) -
		    file_index_count_marked(pair->there);
	}
	return ok;
}
