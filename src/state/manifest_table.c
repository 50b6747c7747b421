#include <stdlib.h>
#include <string.h>

#include "state/manifest_table.h"

/* Entries start at multiples of UNIT, so that 32 bits reach 32 GiB. */
#define UNIT 8
#define BLOCK ((size_t)256 << 10)
#define UNITS_PER_BLOCK (BLOCK / UNIT)
#define SLOTS_MIN 1024

/* An entry as it lies in a block; text is the ETag and the headers' digest,
 * one behind the other, in room bytes. */
struct packed {
	uint8_t key[MANIFEST_KEY_SIZE];
	uint64_t offset;	/* 0: removed */
	uint64_t size;
	int64_t mtime_ns;
	uint64_t sent_size;
	int64_t sent_mtime_ns;
	uint8_t sha256[HASH_SHA256_SIZE];
	uint16_t room;
	uint8_t etag_len;
	uint8_t headers_len;
	char text[];
};

_Static_assert(sizeof(((struct manifest_entry *)0)->etag) <= 256,
    "etag_len is one byte");

void
manifest_table_free(struct manifest_table *t)
{
	size_t i;

	for (i = 0; i < t->n_blocks; i++)
		free(t->blocks[i]);
	free(t->blocks);
	free(t->slots);
	for (i = 0; i < t->n_uploads; i++)
		free(t->uploads[i].id);
	free(t->uploads);
	memset(t, 0, sizeof(*t));
}

static struct packed *
at(const struct manifest_table *t, uint32_t slot)
{
	size_t place = slot - 1;

	return (struct packed *)(void *)(t->blocks[place / UNITS_PER_BLOCK] +
	    place % UNITS_PER_BLOCK * UNIT);
}

/* The slot of key, or the free one where it would stand; n_slots > 0. */
static uint32_t *
find(const struct manifest_table *t, const uint8_t *key)
{
	uint64_t start;
	size_t i;

	memcpy(&start, key, sizeof(start));
	for (i = (size_t)start & (t->n_slots - 1);;
	    i = (i + 1) & (t->n_slots - 1)) {
		if (t->slots[i] == 0 || memcmp(at(t, t->slots[i])->key, key,
		    MANIFEST_KEY_SIZE) == 0)
			return &t->slots[i];
	}
}

static bool
grow_slots(struct manifest_table *t)
{
	struct manifest_table bigger = *t;
	size_t i;

	if (t->n_used < t->n_slots / 4 * 3)
		return true;
	bigger.n_slots = t->n_slots == 0 ? SLOTS_MIN : 2 * t->n_slots;
	bigger.slots = calloc(bigger.n_slots, sizeof(*bigger.slots));
	if (bigger.slots == NULL)
		return false;
	for (i = 0; i < t->n_slots; i++) {
		if (t->slots[i] != 0)
			*find(&bigger, at(t, t->slots[i])->key) = t->slots[i];
	}
	free(t->slots);
	*t = bigger;
	return true;
}

/* Room for an entry with text of len bytes: what a slot holds, 0 when memory
 * is out. */
static uint32_t
allocate(struct manifest_table *t, size_t len)
{
	size_t size = (offsetof(struct packed, text) + len + UNIT - 1) /
	    UNIT * UNIT;
	uint32_t slot;

	if (t->n_blocks == 0 || size > BLOCK - t->block_used) {
		uint8_t **blocks;

		if (t->n_blocks >= UINT32_MAX / UNITS_PER_BLOCK)
			return 0;
		blocks = reallocarray(t->blocks, t->n_blocks + 1,
		    sizeof(*blocks));
		if (blocks == NULL)
			return 0;
		t->blocks = blocks;
		if ((blocks[t->n_blocks] = malloc(BLOCK)) == NULL)
			return 0;
		t->n_blocks++;
		t->block_used = 0;
	}
	slot = (uint32_t)((t->n_blocks - 1) * UNITS_PER_BLOCK +
	    t->block_used / UNIT + 1);
	t->block_used += size;
	at(t, slot)->room = (uint16_t)(size - offsetof(struct packed, text));
	return slot;
}

bool
manifest_table_put(struct manifest_table *t,
    const uint8_t key[MANIFEST_KEY_SIZE], const struct manifest_entry *entry,
    uint64_t offset)
{
	size_t etag_len = strnlen(entry->etag, sizeof(entry->etag) - 1);
	size_t headers_len = strnlen(entry->headers,
	    sizeof(entry->headers) - 1);
	uint32_t *slot, fresh;
	struct packed *p;

	if (!grow_slots(t))
		return false;
	slot = find(t, key);
	/* One that has outgrown its room leaves it unused until the manifest
	 * is read anew. */
	if (*slot == 0 || at(t, *slot)->room < etag_len + headers_len) {
		if ((fresh = allocate(t, etag_len + headers_len)) == 0)
			return false;
		p = at(t, fresh);
		memcpy(p->key, key, MANIFEST_KEY_SIZE);
		p->offset = *slot == 0 ? 0 : at(t, *slot)->offset;
		t->n_used += *slot == 0;
		*slot = fresh;
	}
	p = at(t, *slot);
	t->n += p->offset == 0;
	p->offset = offset;
	p->size = entry->size;
	p->mtime_ns = entry->mtime_ns;
	p->sent_size = entry->sent_size;
	p->sent_mtime_ns = entry->sent_mtime_ns;
	memcpy(p->sha256, entry->sha256, sizeof(p->sha256));
	p->etag_len = (uint8_t)etag_len;
	p->headers_len = (uint8_t)headers_len;
	memcpy(p->text, entry->etag, etag_len);
	memcpy(p->text + etag_len, entry->headers, headers_len);
	return true;
}

void
manifest_table_remove(struct manifest_table *t,
    const uint8_t key[MANIFEST_KEY_SIZE])
{
	uint32_t slot;

	if (t->n_slots == 0 || (slot = *find(t, key)) == 0 ||
	    at(t, slot)->offset == 0)
		return;
	at(t, slot)->offset = 0;
	t->n--;
}

uint64_t
manifest_table_get(const struct manifest_table *t,
    const uint8_t key[MANIFEST_KEY_SIZE], struct manifest_entry *entry)
{
	const struct packed *p;
	uint32_t slot;

	if (t->n_slots == 0 || (slot = *find(t, key)) == 0)
		return 0;
	p = at(t, slot);
	if (entry == NULL || p->offset == 0)
		return p->offset;
	memset(entry, 0, sizeof(*entry));
	entry->size = p->size;
	entry->mtime_ns = p->mtime_ns;
	entry->sent_size = p->sent_size;
	entry->sent_mtime_ns = p->sent_mtime_ns;
	memcpy(entry->sha256, p->sha256, sizeof(p->sha256));
	memcpy(entry->etag, p->text, p->etag_len);
	memcpy(entry->headers, p->text + p->etag_len, p->headers_len);
	return p->offset;
}

const struct manifest_upload *
manifest_table_find_upload(const struct manifest_table *t,
    const uint8_t key[MANIFEST_KEY_SIZE])
{
	size_t i;

	for (i = 0; i < t->n_uploads; i++) {
		if (memcmp(t->uploads[i].key, key, MANIFEST_KEY_SIZE) == 0)
			return &t->uploads[i];
	}
	return NULL;
}

void
manifest_table_forget_upload(struct manifest_table *t,
    const uint8_t key[MANIFEST_KEY_SIZE])
{
	const struct manifest_upload *u = manifest_table_find_upload(t, key);

	if (u == NULL)
		return;
	free(u->id);
	t->uploads[u - t->uploads] = t->uploads[t->n_uploads - 1];
	t->n_uploads--;
}

bool
manifest_table_set_upload(struct manifest_table *t,
    const struct manifest_upload *u)
{

	manifest_table_forget_upload(t, u->key);
	if (t->n_uploads == t->cap_uploads) {
		size_t cap = t->cap_uploads == 0 ? 8 : 2 * t->cap_uploads;
		struct manifest_upload *bigger;

		bigger = reallocarray(t->uploads, cap, sizeof(*bigger));
		if (bigger == NULL) {
			free(u->id);
			return false;
		}
		t->uploads = bigger;
		t->cap_uploads = cap;
	}
	t->uploads[t->n_uploads++] = *u;
	return true;
}
