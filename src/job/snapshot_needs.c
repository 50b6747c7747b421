#include <stdlib.h>
#include <string.h>

#include "job/file_walk.h"
#include "job/snapshot_needs.h"
#include "job/snapshot_source.h"

struct need {
	uint8_t name[REPO_NAME_SIZE];
	uint64_t stored;
	bool listed;
	bool there;
};

struct needs {
	struct run *run;
	const struct snapshot_source *source;
	struct repo_session *session;
	struct need *v;		/* sorted by name, once it is filled */
	size_t n, cap;
	size_t missing;
};

static bool
add(void *arg, const struct snapshot_blob *b, struct err *err)
{
	struct needs *needs = arg;
	struct need *grown;

	if (b->detail)
		return true;	/* they were read */
	if (needs->n == needs->cap) {
		needs->cap = needs->cap > 0 ? 2 * needs->cap : 256;
		grown = realloc(needs->v, needs->cap * sizeof(*grown));
		if (grown == NULL)
			return err_nomem(err, "blobs");
		needs->v = grown;
	}
	memcpy(needs->v[needs->n].name, b->blob.name, REPO_NAME_SIZE);
	needs->v[needs->n].stored = b->blob.stored;
	needs->v[needs->n].listed = false;
	needs->v[needs->n++].there = false;
	return true;
}

static int
by_name(const void *a, const void *b)
{
	const struct need *x = a, *y = b;

	return memcmp(x->name, y->name, REPO_NAME_SIZE);
}

static struct need *
find(const struct needs *needs, const uint8_t name[REPO_NAME_SIZE])
{
	struct need key;

	memcpy(key.name, name, REPO_NAME_SIZE);
	return needs->n == 0 ? NULL : bsearch(&key, needs->v, needs->n,
	    sizeof(key), by_name);
}

static bool
mark(void *arg, const uint8_t name[REPO_NAME_SIZE], uint64_t size,
    struct err *err)
{
	struct need *need = find(arg, name);

	(void)err;
	if (need != NULL) {
		need->listed = true;
		need->there = need->stored == size;
	}
	return true;
}

/* One of another size may have been stored anew by another version: what it
 * holds tells. */
static bool
look_into(struct needs *needs, const char *key_id, struct err *err)
{
	struct buf b;
	bool ok = true;
	size_t i;

	buf_init(&b, REPO_BLOB_MAX);
	for (i = 0; ok && i < needs->n; i++) {
		struct need *need = &needs->v[i];

		if (!need->listed || need->there)
			continue;
		buf_reset(&b);
		need->there = repo_get(needs->session, key_id, need->name, &b,
		    err);
		ok = need->there || err->kind == ERR_DAMAGED ||
		    err->kind == ERR_NOT_FOUND || err->kind == ERR_AUTH;
	}
	buf_free(&b);
	return ok;
}

/* --- who needs what is missing --- */

static bool
is_there(const struct needs *needs, const uint8_t name[REPO_NAME_SIZE])
{
	const struct need *need = find(needs, name);

	return need != NULL && need->there;
}

static bool
tell(const struct needs *needs, const char *what, const char *name,
    const uint8_t blob[REPO_NAME_SIZE], struct err *err)
{
	char object[REPO_OBJECT_MAX];

	repo_object_name(snapshot_source_repo(needs->source), blob, object);
	err_set(err, ERR_DAMAGED, "%s: %s%s needs %s, which is %s",
	    snapshot_source_name(needs->source), what, name, object,
	    find(needs, blob) != NULL ? "missing or of another size" :
	    "not in the snapshot's list");
	return err_hint(err, "`spaceferry check` tells all that is lost; --exclude and "
	    "--files-exclude leave it out, another snapshot may have it");
}

static bool
is_chosen(const struct data *d, const char *ns)
{
	size_t i;

	for (i = 0; i < d->n_moves; i++) {
		if (strcmp(d->moves[i].info->ns, ns) == 0)
			return true;
	}
	return false;
}

static bool
check_collections(const struct needs *needs, struct err *err)
{
	size_t i, j;

	for (i = 0; i < snapshot_source_count(needs->source); i++) {
		const struct snapshot_collection *c;

		c = snapshot_source_collection(needs->source, i);
		if (!is_chosen(&needs->run->data, c->ns))
			continue;
		for (j = 0; j < c->n_runs; j++) {
			if (!is_there(needs, c->runs[j].name))
				return tell(needs, "", c->ns, c->runs[j].name,
				    err);
		}
	}
	return true;
}

static bool
is_chosen_place(const struct needs *needs, size_t place)
{
	const struct spaceferry_options *o = needs->run->job.options;
	const char *name, *from;
	size_t i;

	name = snapshot_source_place(needs->source, place)->name;
	for (i = 0; i < o->n_files; i++) {
		from = o->files[i].place.from;
		if (from == NULL || strcmp(from, name) == 0)
			return true;
	}
	return false;
}

static bool
check_file(void *arg, size_t place, const struct detail_file *f,
    struct err *err)
{
	const struct needs *needs = arg;
	size_t i;

	if (!is_chosen_place(needs, place) ||
	    !file_walk_selects(&needs->run->job, f->key))
		return true;
	for (i = 0; i < f->n_blobs; i++) {
		if (!is_there(needs, f->blobs[i]))
			return tell(needs, "file ", f->key, f->blobs[i], err);
	}
	return true;
}

static bool
blame(struct needs *needs, struct err *err)
{

	if (needs->run->has_files && !snapshot_source_files(needs->source,
	    needs->session, SIZE_MAX, check_file, needs, err))
		return false;
	report_note(&needs->run->job.report, "blobs_missing", "`spaceferry check` tells what "
	    "is lost", "%s: %zu blobs are missing or of another size, none that "
	    "is needed here", snapshot_source_name(needs->source),
	    needs->missing);
	return true;
}

static bool
check(struct needs *needs, struct err *err)
{
	struct repo_listing listing = { .blob = mark, .arg = needs };
	struct snapshot head;
	bool ok;
	size_t i;

	snapshot_init(&head);
	ok = snapshot_read(needs->session,
	    snapshot_source_head(needs->source)->object, &head, add, needs,
	    err);
	snapshot_free(&head);
	if (!ok)
		return false;
	if (needs->n > 0)
		qsort(needs->v, needs->n, sizeof(*needs->v), by_name);
	if (!repo_list(needs->session, &listing, err) || !look_into(needs,
	    snapshot_source_head(needs->source)->key_id, err))
		return false;
	for (i = 0; i < needs->n; i++)
		needs->missing += !needs->v[i].there;
	if (needs->run->has_data && !check_collections(needs, err))
		return false;
	return needs->missing == 0 || blame(needs, err);
}

bool
snapshot_needs_check(struct run *r, struct err *err)
{
	struct needs needs = { .run = r, .source = r->job.snapshot };
	bool ok;

	if (needs.source == NULL)
		return true;
	needs.session = repo_session_new(snapshot_source_repo(needs.source),
	    err);
	ok = needs.session != NULL && check(&needs, err);
	repo_session_free(needs.session);
	free(needs.v);
	return ok;
}
