#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "job/file_index.h"

#define FIRST_SLOTS 1024	/* a power of two */

/* Open addressing with linear probing; the digest is its own hash. */
struct file_index {
	struct file_entry *slots;
	size_t n_slots;
	size_t n;
};

struct file_index *
file_index_new(void)
{
	struct file_index *f;

	if ((f = calloc(1, sizeof(*f))) == NULL)
		return NULL;
	f->n_slots = FIRST_SLOTS;
	if ((f->slots = calloc(f->n_slots, sizeof(*f->slots))) == NULL) {
		free(f);
		return NULL;
	}
	return f;
}

void
file_index_free(struct file_index *f)
{

	if (f == NULL)
		return;
	free(f->slots);
	free(f);
}

/* The first n bytes of a text's SHA-256.  False when libcrypto fails. */
static bool
short_id(const char *text, size_t len, uint8_t *id, size_t n)
{
	uint8_t full[HASH_SHA256_SIZE];

	if (!hash_sha256(text, len, full))
		return false;
	memcpy(id, full, n);
	return true;
}

/* The slot of id, or the free one where it belongs. */
static struct file_entry *
slot_of(struct file_entry *slots, size_t n_slots, const uint8_t id[16])
{
	uint64_t start;
	size_t i;

	memcpy(&start, id, sizeof(start));
	for (i = (size_t)start & (n_slots - 1); slots[i].used;
	    i = (i + 1) & (n_slots - 1)) {
		if (memcmp(slots[i].id, id, 16) == 0)
			break;
	}
	return &slots[i];
}

static bool
grow(struct file_index *f)
{
	struct file_entry *slots, *to;
	size_t i;

	if ((slots = calloc(f->n_slots * 2, sizeof(*slots))) == NULL)
		return false;
	for (i = 0; i < f->n_slots; i++) {
		if (!f->slots[i].used)
			continue;
		to = slot_of(slots, f->n_slots * 2, f->slots[i].id);
		memcpy(to, &f->slots[i], sizeof(*to));
	}
	free(f->slots);
	f->slots = slots;
	f->n_slots *= 2;
	return true;
}

bool
file_index_add(struct file_index *f, const char *key, uint64_t size,
    int64_t mtime_ns, const char *etag)
{
	struct file_entry *e;
	uint8_t id[16], etag_id[8];

	if (f->n + f->n / 2 >= f->n_slots && !grow(f))
		return false;
	if (!short_id(key, strlen(key), id, sizeof(id)) ||
	    !short_id(etag, strlen(etag), etag_id, sizeof(etag_id)))
		return false;
	e = slot_of(f->slots, f->n_slots, id);
	if (!e->used) {
		e->used = true;
		memcpy(e->id, id, sizeof(id));
		f->n++;
	}
	e->size = size;
	e->mtime_ns = mtime_ns;
	memcpy(e->etag_id, etag_id, sizeof(etag_id));
	return true;
}

struct file_entry *
file_index_find(struct file_index *f, const char *key, size_t len)
{
	struct file_entry *e;
	uint8_t id[16];

	if (!short_id(key, len, id, sizeof(id)))
		return NULL;
	e = slot_of(f->slots, f->n_slots, id);
	return e->used ? e : NULL;
}

size_t
file_index_count(const struct file_index *f)
{

	return f->n;
}

size_t
file_index_count_marked(const struct file_index *f)
{
	size_t i, n = 0;

	for (i = 0; i < f->n_slots; i++)
		n += f->slots[i].used && atomic_load(&f->slots[i].marked);
	return n;
}

bool
file_index_etag_is(const struct file_entry *e, const char *etag)
{
	uint8_t id[8];

	return short_id(etag, strlen(etag), id, sizeof(id)) &&
	    memcmp(id, e->etag_id, sizeof(id)) == 0;
}
