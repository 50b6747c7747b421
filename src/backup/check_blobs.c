#include <stdlib.h>
#include <string.h>

#include "backup/check.h"

/* What a snapshot's object says, until its end has proven it. */
struct gathered {
	struct snapshot_blob *v;
	size_t n, cap;
};

static bool
gather(void *arg, const struct snapshot_blob *b, struct err *err)
{
	struct gathered *g = arg;
	struct snapshot_blob *v;
	size_t cap = g->cap == 0 ? 1024 : 2 * g->cap;

	if (g->n == g->cap) {
		if ((v = realloc(g->v, cap * sizeof(*v))) == NULL)
			return err_nomem(err, "blobs of a snapshot");
		g->v = v;
		g->cap = cap;
	}
	g->v[g->n++] = *b;
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

static bool
take_over(struct check *c, size_t n, const struct gathered *g,
    struct check_blobs *b, struct err *err)
{
	size_t i;

	if ((b->v = calloc(g->n + 1, sizeof(*b->v))) == NULL)
		return err_nomem(err, "blobs of a snapshot");
	for (i = 0; i < g->n; i++) {
		struct check_entry *e;
		uint32_t at;

		if (!check_index_add(&c->index, g->v[i].blob.name, &at, err))
			return false;
		e = &c->index.v[at];
		if (b->note)
			note(c, n, e, &g->v[i].blob);
		e->place = (uint32_t)i;
		b->v[i].entry = at;
		b->v[i].detail = g->v[i].detail;
	}
	b->n = g->n;
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
check_blobs_read(struct check *c, size_t n, struct check_blobs *b,
    struct err *damage, struct err *err)
{
	struct gathered g = { NULL, 0, 0 };
	struct snapshot head;
	bool ok;

	err_clear(damage);
	snapshot_init(&head);
	b->v = NULL;
	b->n = 0;
	ok = snapshot_read(c->session, c->list.v[n].object, &head, gather, &g,
	    err);
	if (ok) {
		ok = take_over(c, n, &g, b, err);
	} else if (is_damage(err->kind)) {
		*damage = *err;
		ok = true;
	}
	free(g.v);
	snapshot_free(&head);
	return ok;
}

void
check_blobs_free(struct check_blobs *b)
{

	free(b->v);
	b->v = NULL;
	b->n = 0;
}

size_t
check_blobs_place(const struct check *c, const struct check_blobs *b,
    const struct check_entry *e)
{
	uint32_t at = (uint32_t)(e - c->index.v);

	return e->place < b->n && b->v[e->place].entry == at ? e->place :
	    SIZE_MAX;
}
