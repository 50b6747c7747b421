#include <stdlib.h>
#include <string.h>

#include "backup/prune_names.h"

#define LEAST ((size_t)1024)

void
prune_names_free(struct prune_names *s)
{

	free(s->v);
	free(s->slots);
	memset(s, 0, sizeof(*s));
}

/* The slot that holds name, or the free one where it belongs. */
static uint32_t *
slot_of(const struct prune_names *s, const uint8_t name[REPO_NAME_SIZE])
{
	uint64_t h;
	size_t i;

	memcpy(&h, name, sizeof(h));
	for (i = (size_t)h & (s->n_slots - 1);; i = (i + 1) & (s->n_slots - 1))
		if (s->slots[i] == 0 ||
		    memcmp(s->v[s->slots[i] - 1], name, REPO_NAME_SIZE) == 0)
			return &s->slots[i];
}

/* Makes room for one more: names take at most three quarters of the slots. */
static bool
grow(struct prune_names *s)
{
	size_t cap = s->cap + s->cap / 4 + LEAST;
	size_t n_slots = s->n_slots == 0 ? 2 * LEAST : 2 * s->n_slots, i;
	uint8_t (*v)[REPO_NAME_SIZE];
	uint32_t *slots;

	if (s->n == UINT32_MAX - 1)
		return false;
	if (s->n == s->cap) {
		if ((v = reallocarray(s->v, cap, sizeof(*v))) == NULL)
			return false;
		s->v = v;
		s->cap = cap;
	}
	if (s->n < s->n_slots / 4 * 3)
		return true;
	if ((slots = calloc(n_slots, sizeof(*slots))) == NULL)
		return false;
	free(s->slots);
	s->slots = slots;
	s->n_slots = n_slots;
	for (i = 0; i < s->n; i++)
		*slot_of(s, s->v[i]) = (uint32_t)i + 1;
	return true;
}

bool
prune_names_add(struct prune_names *s, const uint8_t name[REPO_NAME_SIZE])
{
	uint32_t *slot;

	if (!grow(s))
		return false;
	if (*(slot = slot_of(s, name)) != 0)
		return true;
	memcpy(s->v[s->n++], name, REPO_NAME_SIZE);
	*slot = (uint32_t)s->n;
	return true;
}

bool
prune_names_has(const struct prune_names *s,
    const uint8_t name[REPO_NAME_SIZE])
{

	return s->n_slots > 0 && *slot_of(s, name) != 0;
}
