#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/console_track.h"

#define SECOND 1e9
#define SMOOTH_SECONDS 5.0	/* older figures fade away in about this time */
#define LEAST_NS 200000000ULL	/* figures nearer than this tell nothing */

static bool
is_item(const struct console_item *item, const struct spaceferry_progress *p)
{
	size_t len = strlen(p->phase);

	return strncmp(item->key, p->phase, len) == 0 &&
	    item->key[len] == ' ' && strcmp(item->key + len + 1, p->name) == 0;
}

/* Progress tells things in the same order each time: look there first. */
static struct console_item *
find(struct console_track *t, const struct spaceferry_progress *p)
{
	size_t i, at;

	for (i = 0; i < t->n; i++) {
		at = (t->next + i) % t->n;
		if (is_item(&t->items[at], p)) {
			t->next = at + 1;
			return &t->items[at];
		}
	}
	return NULL;
}

static struct console_item *
add(struct console_track *t, const struct spaceferry_progress *p, uint64_t now)
{
	struct console_item *items, *item;
	size_t size = strlen(p->phase) + strlen(p->name) + 2;

	if ((t->n & (t->n - 1)) == 0) {
		items = realloc(t->items,
		    (t->n > 0 ? 2 * t->n : 1) * sizeof(*items));
		if (items == NULL)
			return NULL;
		t->items = items;
	}
	item = &t->items[t->n];
	*item = (struct console_item){ .first_ns = now, .last_ns = now,
	    .last_items = p->items, .last_bytes = p->bytes };
	if ((item->key = malloc(size)) == NULL)
		return NULL;
	snprintf(item->key, size, "%s %s", p->phase, p->name);
	t->n++;
	return item;
}

static double
smooth(double old, double fresh, double seconds)
{
	double weight = seconds / (seconds + SMOOTH_SECONDS);

	return old <= 0 ? fresh : old + weight * (fresh - old);
}

static double
speed(uint64_t now, uint64_t before, double seconds)
{

	return now <= before ? 0 : (double)(now - before) / seconds;
}

struct console_item *
console_track_note(struct console_track *t, const struct spaceferry_progress *p,
    uint64_t now_ns)
{
	struct console_item *item;
	double seconds;

	if ((item = find(t, p)) == NULL)
		return add(t, p, now_ns);
	item->rate.seconds = (now_ns - item->first_ns) / 1000000000ULL;
	if (now_ns - item->last_ns < LEAST_NS)
		return item;
	seconds = (double)(now_ns - item->last_ns) / SECOND;
	item->rate.items = smooth(item->rate.items,
	    speed(p->items, item->last_items, seconds), seconds);
	item->rate.bytes = smooth(item->rate.bytes,
	    speed(p->bytes, item->last_bytes, seconds), seconds);
	item->last_ns = now_ns;
	item->last_items = p->items;
	item->last_bytes = p->bytes;
	return item;
}

void
console_track_free(struct console_track *t)
{
	size_t i;

	for (i = 0; i < t->n; i++)
		free(t->items[i].key);
	free(t->items);
	*t = (struct console_track){ 0 };
}
