#include <stdlib.h>
#include <string.h>

#include "backup/check_index.h"

#define SLOTS_MIN 1024

const char *
check_damage_word(enum check_damage d)
{
	static const char *const words[] = {
		[CHECK_WHOLE] = "whole",
		[CHECK_MISSING] = "missing_blob",
		[CHECK_SIZE] = "wrong_size",
		[CHECK_UNREADABLE] = "unreadable",
		[CHECK_FLIPPED] = "flipped",
		[CHECK_UNDECRYPTABLE] = "undecryptable",
		[CHECK_UNDECODABLE] = "undecodable",
		[CHECK_CONTENT] = "wrong_content",
	};

	return words[d];
}

void
check_index_free(struct check_index *x)
{

	free(x->v);
	free(x->contents);
	free(x->slots);
	memset(x, 0, sizeof(*x));
}

/* The slot of name, or the free one where it would stand; n_slots > 0.  Names
 * are digests, and whoever makes up others can only make this slow. */
static uint32_t *
slot_of(const struct check_index *x, const uint8_t *name)
{
	uint64_t start;
	size_t i;

	memcpy(&start, name, sizeof(start));
	for (i = (size_t)start & (x->n_slots - 1);;
	    i = (i + 1) & (x->n_slots - 1)) {
		if (x->slots[i] == 0 || memcmp(x->v[x->slots[i] - 1].name,
		    name, REPO_NAME_SIZE) == 0)
			return &x->slots[i];
	}
}

static bool
grow_slots(struct check_index *x)
{
	struct check_index bigger = *x;
	size_t i;

	if (x->n < x->n_slots / 4 * 3)
		return true;
	bigger.n_slots = x->n_slots == 0 ? SLOTS_MIN : 2 * x->n_slots;
	bigger.slots = calloc(bigger.n_slots, sizeof(*bigger.slots));
	if (bigger.slots == NULL)
		return false;
	for (i = 0; i < x->n; i++)
		*slot_of(&bigger, x->v[i].name) = (uint32_t)i + 1;
	free(x->slots);
	*x = bigger;
	return true;
}

static bool
grow_entries(struct check_index *x)
{
	struct check_entry *v;
	size_t cap = x->cap == 0 ? SLOTS_MIN : x->cap + x->cap / 2;

	if (x->n < x->cap)
		return true;
	if (cap >= UINT32_MAX ||
	    (v = realloc(x->v, cap * sizeof(*v))) == NULL)
		return false;
	x->v = v;
	x->cap = cap;
	return true;
}

bool
check_index_add(struct check_index *x, const uint8_t *name, uint32_t *n,
    struct err *err)
{
	struct check_entry *e;
	uint32_t *slot;

	if (!grow_slots(x) || !grow_entries(x))
		return err_nomem(err, "index of blobs");
	slot = slot_of(x, name);
	if (*slot == 0) {
		e = &x->v[x->n];
		memset(e, 0, sizeof(*e));
		memcpy(e->name, name, REPO_NAME_SIZE);
		*slot = (uint32_t)++x->n;
	}
	*n = *slot - 1;
	return true;
}

struct check_entry *
check_index_find(const struct check_index *x, const uint8_t *name)
{
	uint32_t *slot;

	if (x->n_slots == 0)
		return NULL;
	slot = slot_of(x, name);
	return *slot == 0 ? NULL : &x->v[*slot - 1];
}

bool
check_index_want_contents(struct check_index *x, struct err *err)
{

	x->contents = calloc(x->n + 1, sizeof(*x->contents));
	x->n_contents = x->n;
	return x->contents != NULL || err_nomem(err, "digests of blobs");
}
