#include <stdlib.h>
#include <string.h>

#include "backup/check.h"

static bool
gather(void *arg, const struct snapshot_blob *one, struct err *err)
{
	struct check_blobs *b = arg;
	struct snapshot_blob *said;
	size_t cap = b->cap == 0 ? 1024 : 2 * b->cap;

	if (b->n == b->cap) {
		if ((said = realloc(b->said, cap * sizeof(*said))) == NULL)
			return err_nomem(err, "blobs of a snapshot");
		b->said = said;
		b->cap = cap;
	}
	b->said[b->n++] = *one;
	return true;
}

/* The newest snapshot's word counts, and they come oldest first. */
static void
note(struct check *c, size_t n, struct check_entry *e,
    const struct repo_blob *b)
{

	if (e->needed && (e->stored != b->stored ||
	    memcmp(e->sha256, b->sha256, sizeof(e->sha256)) != 0))
		e->differs = true;
	e->needed = true;
	e->stored = b->stored;
	memcpy(e->sha256, b->sha256, sizeof(e->sha256));
	e->key = c->snapshots[n].key;
	if (c->snapshots[n].chosen)
		e->chosen = true;
}

bool
check_blobs_find(struct check *c, size_t n, struct check_blobs *b, bool noted,
    struct err *err)
{
	size_t i;

	if ((b->v = calloc(b->n + 1, sizeof(*b->v))) == NULL)
		return err_nomem(err, "blobs of a snapshot");
	for (i = 0; i < b->n; i++) {
		struct check_entry *e;
		uint32_t at;

		if (!check_index_add(&c->index, b->said[i].blob.name, &at,
		    err))
			return false;
		e = &c->index.v[at];
		if (noted)
			note(c, n, e, &b->said[i].blob);
		e->place = (uint32_t)i;
		b->v[i].entry = at;
		b->v[i].detail = b->said[i].detail;
	}
	return true;
}

/* Whether it is the object's own fault that it cannot be read. */
static bool
is_damage(enum err_kind kind)
{

	switch (kind) {
	case ERR_DAMAGED:
	case ERR_NOT_FOUND:
	case ERR_UNSUPPORTED:
	case ERR_TOO_LARGE:
	case ERR_DENIED:
	case ERR_DISK:
	case ERR_CONFLICT:
	case ERR_CHANGED:
		return true;
	default:
		return false;
	}
}

bool
check_blobs_read(struct check *c, const char *object, struct check_blobs *b,
    struct err *damage, struct err *err)
{

	memset(b, 0, sizeof(*b));
	err_clear(damage);
	snapshot_init(&b->head);
	if (snapshot_read(c->session, object, &b->head, gather, b, err))
		return true;
	if (!is_damage(err->kind))
		return false;
	*damage = *err;
	return true;
}

void
check_blobs_free(struct check_blobs *b)
{

	free(b->v);
	free(b->said);
	snapshot_free(&b->head);
	memset(b, 0, sizeof(*b));
}

size_t
check_blobs_place(const struct check *c, const struct check_blobs *b,
    const struct check_entry *e)
{
	uint32_t at = (uint32_t)(e - c->index.v);

	return e->place < b->n && b->v[e->place].entry == at ? e->place :
	    SIZE_MAX;
}
