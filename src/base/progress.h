/*
 * Who has moved how much: stages add to counters, one reader takes a snapshot
 * now and then.  Items are made while a job runs and live until
 * progress_free().
 *
 * Thread-safe; adding never blocks.
 */
#ifndef BASE_PROGRESS_H
#define BASE_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct progress;
struct progress_item;

/* One item as it was at the moment of the snapshot.  name lives until
 * progress_free(). */
struct progress_view {
	const char *phase;
	const char *name;
	uint64_t items;
	uint64_t items_total;	/* 0: not known */
	uint64_t bytes;
	uint64_t bytes_total;	/* 0: not known */
	bool finished;
};

struct progress *progress_new(void);	/* NULL when out of memory */
void progress_free(struct progress *p);	/* NULL is allowed */

/* A new item, shown after the others.  phase is a string literal, name is
 * copied.  NULL when out of memory; every function below allows NULL, so that
 * nobody fails for want of a display. */
struct progress_item *progress_item_new(struct progress *p, const char *phase,
    const char *name);

/* What is expected in all (0: not known). */
void progress_item_total(struct progress_item *item, uint64_t items,
    uint64_t bytes);
void progress_item_add(struct progress_item *item, uint64_t items,
    uint64_t bytes);
void progress_item_finish(struct progress_item *item);

/* Fills at most max views in the order in which the items were made, leaving
 * out the oldest finished ones where not all fit.  Returns how many. */
size_t progress_snapshot(struct progress *p, struct progress_view *views,
    size_t max);

#endif
