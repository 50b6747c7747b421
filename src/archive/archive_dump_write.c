#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive/archive_dump_output.h"
#include "archive/archive_writer.h"
#include "archive/metadata.h"
#include "archive/name.h"
#include "base/buf.h"
#include "base/file.h"

#define OPEN_MAX 32		/* files at a time */
#define FOLDER_MODE 0700
#define REMOVE_DEPTH 8

struct slot {
	struct archive_dump_output output;
	size_t target;
	uint64_t used;		/* when last */
};

struct archive_dump_writer {
	char *path;		/* what it becomes */
	char *temp;		/* what it is until then */
	bool made;		/* temp is there */
	int hold;		/* temp, by which others see that it is written;
				 * -1: not yet */
	bool gzip;
	const struct archive_filter *filter;
	struct slot slots[OPEN_MAX];
	uint64_t clock;
};

/* TEMP/db/collection.bson.gz, to be freed. */
static char *
file_path(const struct archive_dump_writer *d, const char *db,
    const char *collection, const char *ending)
{
	char name[NAME_FILE_MAX + 1], *path;

	if (!name_escape(collection, name) || asprintf(&path, "%s/%s/%s%s%s",
	    d->temp, db, name, ending, d->gzip ? ".gz" : "") < 0)
		return NULL;
	return path;
}

/* A slot for target i: its own, a free one, or the one longest unused. */
static bool
open_slot(struct archive_writer *w, size_t i, struct slot **found,
    struct err *err)
{
	struct archive_dump_writer *d = w->dump;
	struct slot *s, *best = d->slots;
	char *path;
	bool ok;

	for (s = d->slots; s < d->slots + OPEN_MAX; s++) {
		if (s->output.fd >= 0 && s->target == i) {
			s->used = ++d->clock;
			*found = s;
			return true;
		}
		if (s->used < best->used)
			best = s;
	}
	if (best->output.fd >= 0 &&
	    !archive_dump_output_close(&best->output, err))
		return false;
	best->used = 0;
	path = file_path(d, w->targets[i].db, w->targets[i].data, ".bson");
	if (path == NULL)
		return err_nomem(err, "a dump's file");
	ok = archive_dump_output_open(&best->output, path, d->filter, err);
	free(path);
	if (!ok)
		return false;
	best->target = i;
	best->used = ++d->clock;
	*found = best;
	return true;
}

bool
archive_dump_write(struct archive_writer *w, size_t i, const uint8_t *docs,
    size_t len, struct err *err)
{
	struct slot *s;

	return open_slot(w, i, &s, err) &&
	    s->output.content.write(s->output.content.arg, docs, len, err);
}

bool
archive_dump_end(struct archive_writer *w, size_t i, struct err *err)
{
	struct slot *s;

	if (w->targets[i].view)
		return true;
	if (!open_slot(w, i, &s, err))
		return false;
	s->used = 0;
	return archive_dump_output_close(&s->output, err);
}

/* Makes the folder of c's database, if need be, and writes its metadata. */
static bool
put_collection(struct archive_dump_writer *d,
    const struct archive_collection *c, struct err *err)
{
	struct buf json;
	char *folder, *path;
	bool ok;

	if (asprintf(&folder, "%s/%s", d->temp, c->db) < 0)
		return err_nomem(err, "a dump's folder");
	ok = mkdir(folder, FOLDER_MODE) == 0 || errno == EEXIST ||
	    err_set_errno(err, ERR_DISK, errno, "%s", folder);
	free(folder);
	if (!ok || name_beside(c->name))
		return ok;
	buf_init(&json, ARCHIVE_DOC_MAX);
	if (!metadata_write(c, &json, err)) {
		buf_free(&json);
		return err_prefix(err, "metadata of %s.%s", c->db, c->name);
	}
	path = file_path(d, c->db, c->name, ".metadata.json");
	ok = path == NULL ? err_nomem(err, "a dump's file") :
	    archive_dump_output_file(path, d->filter, json.data, json.len, err);
	free(path);
	buf_free(&json);
	return ok;
}

static bool
put_prelude(const struct archive_dump_writer *d,
    const struct archive_head *head, struct err *err)
{
	char text[200], *path;
	bool ok;

	snprintf(text, sizeof(text), "{\"ServerVersion\":\"%.40s\","
	    "\"ToolVersion\":\"%s\"}", archive_writer_version(head),
	    ARCHIVE_TOOL);
	if (asprintf(&path, "%s/prelude.json%s", d->temp,
	    d->gzip ? ".gz" : "") < 0)
		return err_nomem(err, "a dump's file");
	ok = archive_dump_output_file(path, d->filter, text, strlen(text), err);
	free(path);
	return ok;
}

/* Whether path may become a dump: nothing there, or an empty folder. */
static bool
check_free(const char *path, struct err *err)
{
	struct dirent *entry;
	size_t n = 0;
	DIR *dir;

	if ((dir = opendir(path)) == NULL)
		return errno == ENOENT || err_set_errno(err, ERR_CONFLICT,
		    errno, "dump %s", path);
	while ((entry = readdir(dir)) != NULL)
		n += strcmp(entry->d_name, ".") != 0 &&
		    strcmp(entry->d_name, "..") != 0;
	closedir(dir);
	if (n == 0)
		return true;
	err_set(err, ERR_CONFLICT, "dump %s: the folder is not empty", path);
	return err_hint(err, "name a new folder, or empty this one");
}

/* path without slashes at its end, a link resolved; and its sibling. */
static bool
settle_paths(struct archive_dump_writer *d, const char *path, struct err *err)
{
	char temp[FILE_TEMP_NAME_SIZE], *slash;
	size_t n = strlen(path);

	if ((d->path = realpath(path, NULL)) == NULL) {
		while (n > 1 && path[n - 1] == '/')
			n--;
		if ((d->path = strndup(path, n)) == NULL)
			return err_nomem(err, "a dump's path");
	}
	if (!file_temp_name_of(d->path, temp, err))
		return false;
	slash = strrchr(d->path, '/');
	n = slash == NULL ? 0 : (size_t)(slash - d->path) + 1;
	if (asprintf(&d->temp, "%.*s%s", (int)n, d->path, temp) < 0) {
		d->temp = NULL;
		return err_nomem(err, "a dump's path");
	}
	return true;
}

static bool
make_temp(struct archive_dump_writer *d, struct err *err)
{

	if (mkdir(d->temp, FOLDER_MODE) != 0)
		return err_set_errno(err, ERR_DISK, errno, "dump %s", d->path);
	d->made = true;
	d->hold = open(d->temp, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (d->hold >= 0)
		file_hold(d->hold);
	/* Who looks for leftovers may have found it first. */
	return access(d->temp, F_OK) == 0 || err_set_errno(err, ERR_DISK,
	    errno, "dump %s", d->path);
}

struct archive_writer *
archive_writer_dump(const char *path, const struct archive_head *head,
    bool gzip, const struct archive_filter *filter, struct err *err)
{
	struct archive_dump_writer *d;
	struct archive_writer *w;
	size_t i;

	if (!check_free(path, err))
		return NULL;
	if ((w = archive_writer_make(head, err)) == NULL)
		return NULL;
	if ((d = w->dump = calloc(1, sizeof(*d))) == NULL) {
		err_nomem(err, "writing a dump");
		goto fail;
	}
	for (i = 0; i < OPEN_MAX; i++)
		d->slots[i].output.fd = -1;
	d->hold = -1;
	d->gzip = gzip;
	d->filter = gzip ? filter : NULL;
	if (gzip && filter == NULL) {
		err_set(err, ERR_INTERNAL, "a compressed dump without a filter");
		goto fail;
	}
	if (!settle_paths(d, path, err))
		goto fail;
	if (!make_temp(d, err))
		goto fail;
	if (!put_prelude(d, head, err))
		goto fail;
	for (i = 0; i < head->n; i++)
		if (!put_collection(d, &head->collections[i], err))
			goto fail;
	return w;
fail:
	archive_writer_free(w);
	return NULL;
}

/* The folders' own entries last. */
static bool
sync_folders(const struct archive_writer *w, struct err *err)
{
	const char *last = "";
	char *path;
	size_t i;
	bool ok = true;

	for (i = 0; ok && i < w->n; i++) {
		if (strcmp(w->targets[i].db, last) == 0)
			continue;
		last = w->targets[i].db;
		if (asprintf(&path, "%s/%s/x", w->dump->temp, last) < 0)
			return err_nomem(err, "a dump's path");
		ok = file_sync_folder_of(path, err);
		free(path);
	}
	if (!ok || asprintf(&path, "%s/x", w->dump->temp) < 0)
		return ok ? err_nomem(err, "a dump's path") : false;
	ok = file_sync_folder_of(path, err);
	free(path);
	return ok;
}

bool
archive_dump_finish(struct archive_writer *w, struct err *err)
{
	struct archive_dump_writer *d = w->dump;

	if (!sync_folders(w, err))
		return false;
	if (rename(d->temp, d->path) != 0) {
		if (errno == ENOTEMPTY || errno == EEXIST)
			return err_set(err, ERR_CONFLICT, "dump %s: something "
			    "has come there meanwhile", d->path);
		return err_set_errno(err, ERR_DISK, errno, "dump %s", d->path);
	}
	d->made = false;
	return file_sync_folder_of(d->path, err);
}

static int
remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{

	(void)st;
	(void)flag;
	(void)ftw;
	remove(path);
	return 0;
}

void
archive_dump_writer_free(struct archive_writer *w)
{
	struct archive_dump_writer *d = w->dump;
	size_t i;

	if (d == NULL)
		return;
	for (i = 0; i < OPEN_MAX; i++)
		archive_dump_output_drop(&d->slots[i].output);
	if (d->made)
		nftw(d->temp, remove_one, REMOVE_DEPTH, FTW_DEPTH | FTW_PHYS);
	if (d->hold >= 0)
		close(d->hold);
	free(d->temp);
	free(d->path);
	free(d);
}
