#include <stdlib.h>
#include <string.h>

#include "store/folder_names.h"

struct folder_names *
folder_names_new(void)
{

	return calloc(1, sizeof(struct folder_names));
}

static void
empty(struct folder_names *names)
{

	while (names->n > 0)
		free(names->v[--names->n]);
}

void
folder_names_free(struct folder_names *names)
{

	if (names == NULL)
		return;
	folder_names_begin(names);
	free(names);
}

void
folder_names_begin(struct folder_names *names)
{

	empty(names);
	free(names->last);
	names->last = NULL;
	names->more = false;
}

void
folder_names_next(struct folder_names *names)
{

	if (names->n > 0) {
		free(names->last);
		names->last = names->v[--names->n];
	}
	empty(names);
	names->more = false;
}

/* Moves v[i] down until no child is larger. */
static void
sift_down(struct folder_names *names, size_t i)
{
	char **v = names->v, *moving = v[i];
	size_t child;

	while ((child = 2 * i + 1) < names->n) {
		if (child + 1 < names->n && strcmp(v[child + 1], v[child]) > 0)
			child++;
		if (strcmp(v[child], moving) <= 0)
			break;
		v[i] = v[child];
		i = child;
	}
	v[i] = moving;
}

static void
sift_up(struct folder_names *names, size_t i)
{
	char **v = names->v, *moving = v[i];

	while (i > 0 && strcmp(v[(i - 1) / 2], moving) < 0) {
		v[i] = v[(i - 1) / 2];
		i = (i - 1) / 2;
	}
	v[i] = moving;
}

bool
folder_names_offer(struct folder_names *names, const char *name)
{
	bool full = names->n == FOLDER_NAMES_MAX;
	char *copy;

	if (names->last != NULL && strcmp(name, names->last) <= 0)
		return true;
	if (full) {
		names->more = true;
		if (strcmp(name, names->v[0]) >= 0)
			return true;
	}
	if ((copy = strdup(name)) == NULL)
		return false;
	if (full) {
		free(names->v[0]);
		names->v[0] = copy;
		sift_down(names, 0);
	} else {
		names->v[names->n++] = copy;
		sift_up(names, names->n - 1);
	}
	return true;
}

static int
by_bytes(const void *a, const void *b)
{

	return strcmp(*(char *const *)a, *(char *const *)b);
}

void
folder_names_sort(struct folder_names *names)
{

	qsort(names->v, names->n, sizeof(names->v[0]), by_bytes);
}
