#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "job/file_compare.h"
#include "job/differences.h"
#include "job/file_content.h"
#include "job/file_extras.h"
#include "job/files.h"

#define SIZE_TEXT 200
#define BYTES_TEXT 32
#define AGAIN "run the migration again, with --delta where it had come to its " \
	"end: it sends only what differs"

/* text: BYTES_TEXT bytes. */
static void
print_size(char *text, uint64_t n)
{

	snprintf(text, BYTES_TEXT, "%llu byte%s", (unsigned long long)n,
	    n == 1 ? "" : "s");
}

static bool
is_missing(struct file_worker *w, const struct file_item *item)
{
	struct differences *d = w->files->job->differences;
	char size[BYTES_TEXT];

	atomic_fetch_add(&w->files->missing, 1);
	if (d != NULL) {
		print_size(size, item->size);
		differences_tell_file(d, w->pair->what->place.to, item->key,
		    "missing", size, NULL);
		return true;
	}
	report_error(&w->files->job->report, "file_missing",
	    AGAIN,
	    "%s is not on the target", item->key);
	return true;
}

static void
tell_different(struct differences *d, struct file_worker *w,
    const struct file_item *item, const char *why)
{
	const struct file_entry *there;
	char source[SIZE_TEXT], bytes[BYTES_TEXT], target[SIZE_TEXT];

	there = file_index_find(w->pair->there, item->key, strlen(item->key));
	print_size(source, item->size);
	print_size(bytes, there != NULL ? there->size : 0);
	snprintf(target, sizeof(target), "%s, %s", bytes, why);
	differences_tell_file(d, w->pair->what->place.to, item->key,
	    "different", source, target);
}

static bool
is_different(struct file_worker *w, const struct file_item *item,
    const char *why)
{
	struct differences *d = w->files->job->differences;

	atomic_fetch_add(&w->files->different, 1);
	if (d != NULL) {
		tell_different(d, w, item, why);
		return true;
	}
	report_error(&w->files->job->report, "file_different",
	    AGAIN,
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
	else if (!ok && err->kind == ERR_DAMAGED)
		ok = is_different(w, item, err->message);
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

static bool
tell_extra(void *arg, const struct file_pair *pair,
    const struct store_object *o, struct err *err)
{
	struct files *f = arg;
	char size[BYTES_TEXT];

	(void)err;
	f->extra++;
	if (f->job->differences == NULL)
		return true;
	print_size(size, o->size);
	differences_tell_file(f->job->differences, pair->what->place.to,
	    o->key, "extra", NULL, size);
	return true;
}

/* Names are not kept: only where there are any is the target listed again. */
static bool
count_extras(struct files *f, struct file_pair *pair, struct err *err)
{

	return file_index_count(pair->there) ==
	    file_index_count_marked(pair->there) ||
	    file_extras(f, pair, tell_extra, f, err);
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
		ok = ok && count_extras(f, pair, err);
		f->extra -= f->extra < pair->kept ? f->extra : pair->kept;
	}
	return ok;
}
