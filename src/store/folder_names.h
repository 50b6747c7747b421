/*
 * The names in one folder in sorted order, a bounded number at a time: of all
 * names offered, the FOLDER_NAMES_MAX smallest ones that come after the last
 * one of the round before.
 *
 * Order: begin for a folder; then rounds of next, offer for every name in the
 * folder, sort; until more is false.
 */
#ifndef STORE_FOLDER_NAMES_H
#define STORE_FOLDER_NAMES_H

#include <stdbool.h>
#include <stddef.h>

#define FOLDER_NAMES_MAX 8192

struct folder_names {
	char *v[FOLDER_NAMES_MAX]; /* until sort: a heap, the largest first */
	size_t n;
	bool more;		/* some had to be left for another round */
	char *last;		/* the largest of the rounds before, or NULL */
};

/* NULL when memory is out. */
struct folder_names *folder_names_new(void);
void folder_names_free(struct folder_names *names);

void folder_names_begin(struct folder_names *names);
void folder_names_next(struct folder_names *names);

/* Copies name.  False when memory is out. */
bool folder_names_offer(struct folder_names *names, const char *name);
void folder_names_sort(struct folder_names *names);

#endif
