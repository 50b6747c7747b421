#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backup/files.h"
#include "backup/first.h"
#include "store/store.h"

#define URL_SHOWN_MAX 300

/* The folder above; false when path has none to leave. */
static bool
leave_last(char *path)
{
	char *slash = strrchr(path, '/');

	if (slash == NULL || slash == path || slash[-1] == '/')
		return false;
	*slash = '\0';
	return true;
}

/* The nearest folder that there is of where it will be made; a prefix of a bucket
 * is always there.  NULL: not known. */
static struct store *
open_place(const char *url)
{
	static const struct store_options options = { .patience_ms = 1 };
	struct store *store = NULL;
	struct err err;
	char *path;
	bool up = true;

	if (asprintf(&path, "%s%s", url[0] == '/' || strstr(url, "://") !=
	    NULL ? "" : "./", url) < 0)
		return NULL;
	while (store == NULL && up) {
		store = store_open(path, &options, &err);
		up = store == NULL && err.kind == ERR_NOT_FOUND &&
		    leave_last(path);
	}
	free(path);
	return store;
}

/* What it lies in cannot be said the other way round: it is not there. */
static bool
check_apart(const struct job *job, const struct store *place,
    const struct spaceferry_files *f, struct err *err)
{
	const struct store_options options = {
		.patience_ms = job->patience_ms,
	};
	struct store *source;
	char repo[URL_SHOWN_MAX];
	bool ok;

	if ((source = store_open(f->place.from, &options, err)) == NULL)
		return false;
	ok = !store_lies_in(store_identity(place), store_identity(source));
	if (!ok) {
		store_redact(job->options->repo, repo, sizeof(repo));
		err_set(err, ERR_SAME, "files: %s and the repository %s lie "
		    "within each other", f->place.from, repo);
		err_hint(err, "a backup must not hold itself: give the "
		    "repository a place of its own");
	}
	store_free(source);
	return ok;
}

bool
first_check(struct job *job, struct err *err)
{
	const struct spaceferry_options *o = job->options;
	struct backup_files *files;
	struct store *place;
	bool ok = true;
	size_t i;

	if (o->n_files == 0)
		return true;
	if ((files = backup_files_open(job, NULL, err)) == NULL)
		return false;
	place = open_place(o->repo);
	for (i = 0; place != NULL && ok && i < o->n_files; i++)
		ok = check_apart(job, place, &o->files[i], err);
	store_free(place);
	backup_files_close(files);
	return ok;
}
