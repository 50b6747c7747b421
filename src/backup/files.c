#include <stdlib.h>
#include <string.h>

#include "backup/files_internal.h"
#include "store/key.h"

/* --- opening --- */

/* One name for one place: restore asks for it. */
static bool
check_twice(const struct backup_files *b, size_t i, struct err *err)
{
	const struct file_pair *v = b->files.v;
	size_t j;

	for (j = 0; j < i; j++) {
		if (strcmp(store_identity(v[i].source),
		    store_identity(v[j].source)) != 0 &&
		    strcmp(b->names.v[i], b->names.v[j]) != 0)
			continue;
		err_set(err, ERR_USAGE, "files: %s is given twice",
		    b->names.v[i]);
		return err_hint(err, "each place needs --files once");
	}
	return true;
}

/* Found out now, not when all is stored and the details are written. */
static bool
check_utf8(const char *name, struct err *err)
{

	if (key_is_utf8(name))
		return true;
	err_set(err, ERR_USAGE, "files: the name %s is not UTF-8: a snapshot "
	    "cannot hold it", name);
	return err_hint(err, "name it by a symbolic link whose own path is "
	    "UTF-8");
}

/* A backup that holds itself would grow with each run. */
static bool
check_apart(const struct backup_files *b, size_t i,
    const struct store *repository, struct err *err)
{
	const char *place = store_identity(b->files.v[i].source);
	const char *repo;

	if (repository == NULL)
		return true;
	repo = store_identity(repository);
	if (!store_lies_in(repo, place) && !store_lies_in(place, repo))
		return true;
	err_set(err, ERR_SAME, "files: %s and the repository %s lie within "
	    "each other", b->names.v[i], store_name(repository));
	return err_hint(err, "a backup must not hold itself: give the "
	    "repository a place of its own");
}

static bool
add_name(struct backup_files *b, const char *url, struct err *err)
{
	size_t size = strlen(url) + sizeof("***");
	char *shown = malloc(size);
	bool ok = false;

	if (shown != NULL) {
		store_redact(url, shown, size);
		ok = strings_add(&b->names, shown);
		free(shown);
	}
	return ok || err_nomem(err, "files");
}

static bool
prepare(struct backup_files *b, const struct store *repository,
    struct err *err)
{
	size_t i;

	if (!files_open(&b->files, b->job, err))
		return false;
	b->files.arg = b;
	b->files.workers = b->job->workers;
	b->files.worker_end = files_read_end;
	if ((b->lines = calloc(b->files.n + 1, sizeof(*b->lines))) == NULL)
		return err_nomem(err, "files");
	for (i = 0; i < b->files.n; i++) {
		if (!files_lines_init(&b->lines[i]))
			return err_nomem(err, "files");
		b->n_lines++;
		if (!add_name(b, b->files.v[i].what->place.from, err) ||
		    !check_utf8(b->names.v[i], err) ||
		    !check_twice(b, i, err) ||
		    !check_apart(b, i, repository, err))
			return false;
	}
	return true;
}

struct backup_files *
backup_files_open(struct job *job, const struct store *repository,
    struct err *err)
{
	struct backup_files *b;

	if ((b = calloc(1, sizeof(*b))) == NULL) {
		err_nomem(err, "files");
		return NULL;
	}
	b->job = job;
	if (prepare(b, repository, err))
		return b;
	backup_files_close(b);
	return NULL;
}

void
backup_files_close(struct backup_files *b)
{
	size_t i;

	if (b == NULL)
		return;
	for (i = 0; i < b->n_lines; i++)
		files_lines_free(&b->lines[i]);
	free(b->lines);
	strings_free(&b->names);
	files_close(&b->files);
	free(b);
}

const struct strings *
backup_files_names(const struct backup_files *b)
{

	return &b->names;
}

bool
backup_files_identity(const struct backup_files *b, struct buf *out)
{
	struct strings sorted = { NULL, 0 };
	bool ok = true;
	size_t i;

	for (i = 0; ok && i < b->files.n; i++)
		ok = strings_add(&sorted, store_identity(b->files.v[i].source));
	strings_sort(&sorted);
	for (i = 0; ok && i < sorted.n; i++)
		ok = buf_printf(out, "files %s\n", sorted.v[i]);
	strings_free(&sorted);
	return ok;
}

/* --- listing, running --- */

bool
backup_files_list(struct backup_files *b, struct err *err)
{
	size_t i;

	if (!files_list(&b->files, err))
		return false;
	for (i = 0; i < b->files.n; i++) {
		struct file_pair *pair = &b->files.v[i];

		pair->progress = progress_item_new(b->job->progress, "files",
		    b->names.v[i]);
		progress_item_total(pair->progress,
		    file_index_count(pair->index), pair->bytes);
		b->listed += file_index_count(pair->index);
		b->listed_bytes += pair->bytes;
		/* 64 bytes a file that nobody asks for. */
		file_index_free(pair->index);
		pair->index = NULL;
	}
	return true;
}

bool
backup_files_run(struct backup_files *b, struct repo *repo,
    struct snapshot_writer *w, struct err *err)
{
	uint8_t key[HASH_SHA256_SIZE];
	bool ok = true;
	size_t i;

	if (!repo_derive(repo, "chunker", "", 0, key, err))
		return false;
	if (!chunker_init(&b->chunker, key, sizeof(key)))
		return err_nomem(err, "chunker");
	b->ran = true;
	b->repo = repo;
	b->writer = w;
	for (i = 0; i < b->files.n && ok; i++) {
		ok = file_walk(&b->files, &b->files.v[i], files_read_file, err);
		progress_item_finish(b->files.v[i].progress);
	}
	b->repo = NULL;
	b->writer = NULL;
	return ok;
}

bool
backup_files_details(struct backup_files *b, struct snapshot_writer *w,
    struct repo_session *s, struct err *err)
{
	size_t i;

	for (i = 0; i < b->n_lines; i++) {
		if (!files_lines_write(&b->lines[i], b->names.v[i], w, s, err))
			return false;
	}
	return true;
}

/* --- counts --- */

uint64_t
backup_files_places(const struct backup_files *b)
{

	return b->n_lines;
}

uint64_t
backup_files_count(const struct backup_files *b)
{
	uint64_t n = 0;
	size_t i;

	for (i = 0; i < b->n_lines; i++)
		n += b->lines[i].n;
	return n;
}

uint64_t
backup_files_bytes_read(const struct backup_files *b)
{

	return atomic_load(&b->read);
}

void
backup_files_summarise(struct backup_files *b)
{
	struct spaceferry_file_counts *c = &b->job->report.summary->files;

	files_summarise(&b->files);
	c->count = b->ran ? atomic_load(&b->seen) : b->listed;
	c->bytes = b->ran ? atomic_load(&b->seen_bytes) : b->listed_bytes;
	if (b->job->options->dry_run)
		c->uploaded = b->listed;
}
