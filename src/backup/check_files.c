#include <stdlib.h>
#include <string.h>

#include "backup/check.h"

#define SLOTS_MIN 256

struct check_files {
	struct check_file *v;
	size_t n, cap;
	uint32_t *slots;	/* 0: free, else number + 1 */
	size_t n_slots;
};

struct check_files *
check_files_new(struct err *err)
{
	struct check_files *f = calloc(1, sizeof(*f));

	if (f == NULL)
		err_nomem(err, "list of files");
	return f;
}

void
check_files_free(struct check_files *f)
{
	size_t i;

	if (f == NULL)
		return;
	for (i = 0; i < f->n; i++)
		free(f->v[i].v);
	free(f->v);
	free(f->slots);
	free(f);
}

size_t
check_files_count(const struct check_files *f)
{

	return f == NULL ? 0 : f->n;
}

struct check_file *
check_files_at(const struct check_files *f, size_t i)
{

	return &f->v[i];
}

static uint32_t *
slot_of(const struct check_files *f, const uint8_t *key)
{
	uint64_t start;
	size_t i;

	memcpy(&start, key, sizeof(start));
	for (i = (size_t)start & (f->n_slots - 1);;
	    i = (i + 1) & (f->n_slots - 1)) {
		if (f->slots[i] == 0 || memcmp(f->v[f->slots[i] - 1].key, key,
		    HASH_SHA256_SIZE) == 0)
			return &f->slots[i];
	}
}

static bool
grow(struct check_files *f)
{
	struct check_files bigger = *f;
	struct check_file *v;
	size_t i, cap = f->cap == 0 ? SLOTS_MIN : 2 * f->cap;

	if (f->n == f->cap) {
		if ((v = realloc(f->v, cap * sizeof(*v))) == NULL)
			return false;
		f->v = v;
		f->cap = cap;
	}
	if (f->n < f->n_slots / 4 * 3)
		return true;
	bigger = *f;
	bigger.n_slots = f->n_slots == 0 ? SLOTS_MIN : 2 * f->n_slots;
	bigger.slots = calloc(bigger.n_slots, sizeof(*bigger.slots));
	if (bigger.slots == NULL)
		return false;
	for (i = 0; i < f->n; i++)
		*slot_of(&bigger, f->v[i].key) = (uint32_t)i + 1;
	free(f->slots);
	*f = bigger;
	return true;
}

static bool
key_of(const struct detail_file *file, uint8_t key[HASH_SHA256_SIZE])
{

	return hash_sha256(file->blobs, file->n_blobs * REPO_NAME_SIZE, key);
}

bool
check_files_add(struct check *c, const struct detail_file *file,
    struct err *err)
{
	struct check_files *f = c->files;
	struct check_file *new;
	struct check_entry *e;
	uint8_t key[HASH_SHA256_SIZE];
	uint32_t *slot;
	size_t i;

	if (!grow(f) || !key_of(file, key))
		return err_nomem(err, "list of files");
	slot = slot_of(f, key);
	if (*slot != 0)
		return true;
	new = &f->v[f->n];
	memset(new, 0, sizeof(*new));
	memcpy(new->key, key, sizeof(key));
	if ((new->v = calloc(file->n_blobs, sizeof(*new->v))) == NULL)
		return err_nomem(err, "list of files");
	for (i = 0; i < file->n_blobs; i++) {
		e = check_index_find(&c->index, file->blobs[i]);
		if (e == NULL) {
			free(new->v);
			return true;	/* told as a mismatch */
		}
		new->v[i] = (uint32_t)(e - c->index.v);
	}
	new->n = file->n_blobs;
	*slot = (uint32_t)++f->n;
	return true;
}

const struct check_file *
check_files_find(const struct check_files *f, const struct detail_file *file)
{
	uint8_t key[HASH_SHA256_SIZE];
	uint32_t *slot;

	if (f == NULL || f->n_slots == 0 || !key_of(file, key))
		return NULL;
	slot = slot_of(f, key);
	return *slot == 0 ? NULL : &f->v[*slot - 1];
}
