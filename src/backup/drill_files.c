#include <stdlib.h>
#include <string.h>

#include "backup/check.h"
#include "backup/drill_internal.h"
#include "backup/restore.h"
#include "job/file_walk.h"
#include "job/snapshot_source.h"

static bool
drop(void *arg, const void *data, size_t len, struct err *err)
{

	(void)arg;
	(void)data;
	(void)len;
	(void)err;
	return true;
}

/* To the end: the store proves each blob, and the file as a whole. */
static bool
read_file(struct file_worker *w, const struct file_item *item,
    struct err *err)
{
	struct store_object o;

	if (!store_get(w->source, item->key, &o, drop, NULL, err))
		return err->kind == ERR_CANCELLED ? false :
		    err_prefix(err, "file %s", item->key);
	progress_item_add(w->pair->progress, 1, item->size);
	return true;
}

static bool
walk(struct files *f, struct job *job, struct err *err)
{
	char bytes[CHECK_SIZE_TEXT];
	size_t i;

	if (!files_open(f, job, err) || !files_list(f, err))
		return false;
	for (i = 0; i < f->n; i++) {
		struct file_pair *pair = &f->v[i];

		pair->progress = progress_item_new(job->progress, "read",
		    pair->what->place.from);
		if (!file_walk(f, pair, read_file, err))
			return false;
		progress_item_finish(pair->progress);
		report_note(&job->report, "drill", "--files END restores them, "
		    "too", "the files of %s were read and held against their "
		    "digests: %zu, %s", pair->what->place.from,
		    file_index_count(pair->index),
		    check_size_text(pair->bytes, bytes));
	}
	return true;
}

bool
drill_read_files(struct drill *d, struct run *r, struct err *err)
{
	const struct snapshot_source *s = r->job.snapshot;
	struct spaceferry_options options = d->options;
	size_t i, n = snapshot_source_places(s);
	struct spaceferry_files *unnamed;
	struct files files;
	bool ok;

	if ((unnamed = calloc(n + 1, sizeof(*unnamed))) == NULL)
		return err_nomem(err, "files");
	options.files = unnamed;
	options.n_files = 0;
	for (i = 0; i < n; i++) {
		const char *name = snapshot_source_place(s, i)->name;

		if (!restore_wants_place(&d->options, name))
			unnamed[options.n_files++].place.from = name;
	}
	ok = options.n_files == 0;
	if (!ok) {
		r->job.options = &options;
		ok = walk(&files, &r->job, err);
		files_close(&files);
		r->job.options = &d->options;
	}
	free(unnamed);
	return ok;
}
