#include <stdlib.h>
#include <string.h>

#include "cli/report_timeline.h"

#define ITEMS_FIRST 256		/* powers of two */
#define ITEMS_MOST 32768

/* One collection or store in one phase.  A hash of 0 is an empty place. */
struct report_timeline_item {
	uint64_t hash;
	uint64_t items;
	uint64_t bytes;
};

void
report_timeline_init(struct report_timeline *t)
{

	memset(t, 0, sizeof(*t));
	t->n = 1;
}

void
report_timeline_free(struct report_timeline *t)
{

	free(t->items);
	report_timeline_init(t);
}

static int
phase_of(const char *phase)
{

	if (strcmp(phase, "copy") == 0 || strcmp(phase, "read") == 0)
		return REPORT_TIMELINE_COPY;
	if (strcmp(phase, "verify") == 0 || strcmp(phase, "compare") == 0)
		return REPORT_TIMELINE_VERIFY;
	if (strcmp(phase, "files") == 0)
		return REPORT_TIMELINE_FILES;
	if (strcmp(phase, "check") == 0)
		return REPORT_TIMELINE_CHECK;
	return -1;
}

/* FNV-1a, 64 bits. */
static uint64_t
hash_of(const struct spaceferry_progress *p)
{
	uint64_t h = 0xcbf29ce484222325ULL;
	const char *s;

	for (s = p->phase; *s != '\0'; s++)
		h = (h ^ (unsigned char)*s) * 0x100000001b3ULL;
	h *= 0x100000001b3ULL;
	for (s = p->name; *s != '\0'; s++)
		h = (h ^ (unsigned char)*s) * 0x100000001b3ULL;
	return h == 0 ? 1 : h;
}

/* The place of that hash, or the empty one where it belongs. */
static struct report_timeline_item *
place_of(struct report_timeline_item *items, size_t cap, uint64_t hash)
{
	size_t i = (size_t)hash & (cap - 1);

	while (items[i].hash != 0 && items[i].hash != hash)
		i = (i + 1) & (cap - 1);
	return &items[i];
}

/* Half of the places stay empty. */
static bool
make_room(struct report_timeline *t)
{
	size_t i, cap = t->cap == 0 ? ITEMS_FIRST : 2 * t->cap;
	struct report_timeline_item *items;

	if (t->n_items < t->cap / 2)
		return true;
	if (cap > ITEMS_MOST || (items = calloc(cap, sizeof(*items))) == NULL)
		return false;
	for (i = 0; i < t->cap; i++) {
		if (t->items[i].hash != 0)
			*place_of(items, cap, t->items[i].hash) = t->items[i];
	}
	free(t->items);
	t->items = items;
	t->cap = cap;
	return true;
}

static struct report_timeline_item *
item_of(struct report_timeline *t, const struct spaceferry_progress *p)
{
	uint64_t hash = hash_of(p);
	struct report_timeline_item *item = NULL;

	if (t->cap > 0)
		item = place_of(t->items, t->cap, hash);
	if (item != NULL && item->hash != 0)
		return item;
	if (!make_room(t))
		return NULL;
	item = place_of(t->items, t->cap, hash);
	item->hash = hash;
	t->n_items++;
	return item;
}

/* What came since the last time; a stream that starts over takes nothing back. */
static uint64_t
grown(uint64_t now, uint64_t *last)
{
	uint64_t more = now > *last ? now - *last : 0;

	*last = now;
	return more;
}

static void
take(struct report_timeline *t, struct report_timeline_point *now,
    const struct spaceferry_progress *p)
{
	struct report_timeline_item *item;
	int phase = phase_of(p->phase);

	if (strcmp(p->phase, "waiting") == 0)
		now->waiting = true;
	if (phase < 0 || (item = item_of(t, p)) == NULL)
		return;
	now->items[phase] += grown(p->items, &item->items);
	now->bytes[phase] += grown(p->bytes, &item->bytes);
}

/* Leaves every second point, the first and the last among them. */
static void
thin_out(struct report_timeline *t)
{
	struct report_timeline_point *points = t->points;
	struct report_timeline_point last = points[t->n - 1];
	size_t i, n = 1;

	for (i = 2; i + 1 < t->n; i += 2) {
		points[n] = points[i];
		points[n++].waiting |= points[i - 1].waiting;
	}
	points[n] = last;
	points[n++].waiting |= points[t->n - 2].waiting;
	t->n = n;
	t->step = 2 * last.seconds / (double)REPORT_TIMELINE_POINTS;
}

void
report_timeline_note(struct report_timeline *t, double seconds,
    const struct spaceferry_progress *v, size_t n)
{
	struct report_timeline_point now = t->points[t->n - 1];
	size_t i;
	bool waited = now.waiting;

	now.seconds = seconds;
	now.waiting = false;
	for (i = 0; i < n; i++)
		take(t, &now, &v[i]);
	/* The last point moves on until it is far enough from the one before. */
	if (t->n > 1 && seconds - t->points[t->n - 2].seconds < t->step) {
		now.waiting |= waited;
		t->points[t->n - 1] = now;
		return;
	}
	if (t->n == REPORT_TIMELINE_POINTS)
		thin_out(t);
	t->points[t->n++] = now;
}
