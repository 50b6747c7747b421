#include <stdlib.h>
#include <string.h>

#include "backup/files_internal.h"
#include "repo/detail.h"

bool
files_lines_init(struct files_lines *l)
{

	memset(l, 0, sizeof(*l));
	return pthread_mutex_init(&l->lock, NULL) == 0;
}

void
files_lines_free(struct files_lines *l)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		free(l->v[i]);
	free(l->v);
	pthread_mutex_destroy(&l->lock);
}

static char *
key_of(struct files_entry *e)
{

	return (char *)(e->blobs + e->n_blobs);
}

static struct files_entry *
entry_new(const struct files_stored *f)
{
	size_t key_size = strlen(f->o->key) + 1, i;
	struct files_entry *e;

	e = malloc(sizeof(*e) + f->n_blobs * REPO_NAME_SIZE + key_size);
	if (e == NULL)
		return NULL;
	e->size = f->o->size;
	e->mtime_ns = f->o->mtime_ns;
	memcpy(e->sha256, f->sha256, sizeof(e->sha256));
	e->n_blobs = f->n_blobs;
	for (i = 0; i < f->n_blobs; i++)
		memcpy(e->blobs[i], f->blobs[i].name, REPO_NAME_SIZE);
	memcpy(key_of(e), f->o->key, key_size);
	return e;
}

static bool
take(struct files_lines *l, struct files_entry *e)
{
	struct files_entry **v;
	size_t cap;

	if (l->n == l->cap) {
		cap = l->cap > 0 ? l->cap + l->cap / 2 : 1024;
		if ((v = realloc(l->v, cap * sizeof(struct files_entry *))) ==
		    NULL)
			return false;
		l->v = v;
		l->cap = cap;
	}
	l->v[l->n++] = e;
	l->bytes += e->size;
	return true;
}

bool
files_lines_add(struct files_lines *l, struct snapshot_writer *w,
    const struct files_stored *f, struct err *err)
{
	struct files_entry *e;
	bool ok;
	size_t i;

	for (i = 0; i < f->n_blobs; i++) {
		if (!snapshot_writer_need(w, &f->blobs[i], err))
			return false;
	}
	if ((e = entry_new(f)) == NULL)
		return err_nomem(err, f->o->key);
	pthread_mutex_lock(&l->lock);
	ok = take(l, e);
	pthread_mutex_unlock(&l->lock);
	if (ok)
		return true;
	free(e);
	return err_nomem(err, f->o->key);
}

static int
compare_keys(const void *a, const void *b)
{

	return strcmp(key_of(*(struct files_entry *const *)a),
	    key_of(*(struct files_entry *const *)b));
}

/* line is scratch. */
static bool
write_line(struct snapshot_writer *w, struct repo_session *s,
    const struct detail *d, struct buf *line, struct err *err)
{

	buf_reset(line);
	return detail_write(d, line, err) && snapshot_writer_detail(w, s,
	    (const char *)line->data, line->len, err);
}

static bool
write_file(struct snapshot_writer *w, struct repo_session *s,
    struct files_entry *e, struct buf *line, struct err *err)
{
	struct detail d = { .kind = DETAIL_FILE };

	d.file.key = key_of(e);
	d.file.size = e->size;
	d.file.mtime_ns = e->mtime_ns;
	memcpy(d.file.sha256, e->sha256, sizeof(d.file.sha256));
	d.file.blobs = e->blobs;
	d.file.n_blobs = e->n_blobs;
	return write_line(w, s, &d, line, err);
}

bool
files_lines_write(struct files_lines *l, const char *name,
    struct snapshot_writer *w, struct repo_session *s, struct err *err)
{
	struct detail d = { .kind = DETAIL_PLACE };
	struct buf line;
	char *copy;
	size_t i;
	bool ok;

	if ((copy = strdup(name)) == NULL)
		return err_nomem(err, "files");
	buf_init(&line, DETAIL_LINE_MAX);
	if (l->n > 0)
		qsort(l->v, l->n, sizeof(struct files_entry *), compare_keys);
	d.place.name = copy;
	d.place.files = l->n;
	d.place.bytes = l->bytes;
	ok = write_line(w, s, &d, &line, err);
	for (i = 0; ok && i < l->n; i++)
		ok = write_file(w, s, l->v[i], &line, err);
	buf_free(&line);
	free(copy);
	return ok;
}
