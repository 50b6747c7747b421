#include <stdlib.h>
#include <string.h>

#include "repo/blobtable.h"

#define SLOTS_MIN 1024

void
blobtable_init(struct blobtable *t)
{

	memset(t, 0, sizeof(*t));
}

void
blobtable_free(struct blobtable *t)
{
	size_t i;

	for (i = 0; i < t->n_blocks; i++)
		free(t->blocks[i]);
	free(t->blocks);
	free(t->slots);
	blobtable_init(t);
}

struct blobtable_entry *
blobtable_at(const struct blobtable *t, size_t i)
{

	return &t->blocks[i / BLOBTABLE_BLOCK][i % BLOBTABLE_BLOCK];
}

/* The slot of name, or the free one where it would stand; n_slots > 0.  Names
 * are digests: any part of them will do as a hash. */
static uint32_t *
slot_of(const struct blobtable *t, const uint8_t *name)
{
	uint64_t start;
	size_t i;

	memcpy(&start, name, sizeof(start));
	for (i = (size_t)start & (t->n_slots - 1);;
	    i = (i + 1) & (t->n_slots - 1)) {
		if (t->slots[i] == 0 || memcmp(blobtable_at(t,
		    t->slots[i] - 1)->blob.name, name, REPO_NAME_SIZE) == 0)
			return &t->slots[i];
	}
}

struct blobtable_entry *
blobtable_find(const struct blobtable *t, const uint8_t name[REPO_NAME_SIZE])
{
	uint32_t slot = t->n_slots == 0 ? 0 : *slot_of(t, name);

	return slot == 0 ? NULL : blobtable_at(t, slot - 1);
}

static bool
grow_slots(struct blobtable *t)
{
	struct blobtable bigger = *t;
	size_t i;

	if (t->n < t->n_slots / 4 * 3)
		return true;
	bigger.n_slots = t->n_slots == 0 ? SLOTS_MIN : 2 * t->n_slots;
	bigger.slots = calloc(bigger.n_slots, sizeof(*bigger.slots));
	if (bigger.slots == NULL)
		return false;
	for (i = 0; i < t->n; i++)
		*slot_of(&bigger, blobtable_at(t, i)->blob.name) =
		    (uint32_t)i + 1;
	free(t->slots);
	*t = bigger;
	return true;
}

static bool
grow_blocks(struct blobtable *t)
{
	struct blobtable_entry **blocks, *block;

	if (t->n < t->n_blocks * BLOBTABLE_BLOCK)
		return true;
	if (t->n >= UINT32_MAX - BLOBTABLE_BLOCK)
		return false;
	blocks = reallocarray(t->blocks, t->n_blocks + 1, sizeof(*blocks));
	if (blocks == NULL)
		return false;
	t->blocks = blocks;
	if ((block = calloc(BLOBTABLE_BLOCK, sizeof(*block))) == NULL)
		return false;
	blocks[t->n_blocks++] = block;
	return true;
}

struct blobtable_entry *
blobtable_add(struct blobtable *t, const uint8_t name[REPO_NAME_SIZE])
{
	struct blobtable_entry *e = blobtable_find(t, name);

	if (e != NULL)
		return e;
	if (!grow_slots(t) || !grow_blocks(t))
		return NULL;
	e = blobtable_at(t, t->n);
	memcpy(e->blob.name, name, REPO_NAME_SIZE);
	t->n++;
	*slot_of(t, name) = (uint32_t)t->n;
	return e;
}
