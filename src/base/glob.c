#include <stdlib.h>
#include <string.h>

#include "base/glob.h"

bool
strings_add(struct strings *list, const char *s)
{
	char **v = list->v;
	char *copy;

	if ((copy = strdup(s)) == NULL)
		return false;
	/* The array doubles whenever n is a power of two. */
	if ((list->n & (list->n - 1)) == 0) {
		size_t cap = list->n == 0 ? 1 : 2 * list->n;

		if ((v = realloc(v, cap * sizeof(*v))) == NULL) {
			free(copy);
			return false;
		}
		list->v = v;
	}
	list->v[list->n++] = copy;
	return true;
}

void
strings_free(struct strings *list)
{
	size_t i;

	for (i = 0; i < list->n; i++)
		free(list->v[i]);
	free(list->v);
	list->v = NULL;
	list->n = 0;
}

static int
by_bytes(const void *a, const void *b)
{

	return strcmp(*(char *const *)a, *(char *const *)b);
}

void
strings_sort(struct strings *list)
{

	if (list->n > 0)
		qsort(list->v, list->n, sizeof(*list->v), by_bytes);
}

/* Only the last '*' need be gone back to, so time is at most the product of
 * the lengths and there is no recursion. */
bool
glob_match(const char *glob, const char *name)
{
	const char *star = NULL, *from = NULL;

	while (*name != '\0') {
		if (*glob == '*') {
			star = ++glob;
			from = name;
		} else if (*glob == '?' || *glob == *name) {
			glob++;
			name++;
		} else if (star != NULL) {
			glob = star;
			name = ++from;
		} else {
			return false;
		}
	}
	while (*glob == '*')
		glob++;
	return *glob == '\0';
}

static bool
matches_any(const struct strings *globs, const char *name)
{
	size_t i;

	for (i = 0; i < globs->n; i++) {
		if (glob_match(globs->v[i], name))
			return true;
	}
	return false;
}

bool
glob_selects(const struct strings *include, const struct strings *exclude,
    const char *name)
{

	if (include->n > 0 && !matches_any(include, name))
		return false;
	return !matches_any(exclude, name);
}

/* Compares n bytes of a glob without '*'. */
static bool
same_bytes(const char *glob, const char *name, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (glob[i] != '?' && glob[i] != name[i])
			return false;
	}
	return true;
}

/* What the '*' of from stands for in name (nothing when from has none). */
static bool
star_text(const char *from, const char *name, const char **text, size_t *len)
{
	size_t from_len = strlen(from), name_len = strlen(name), head, tail;
	const char *star = strchr(from, '*');

	*text = name + name_len;
	*len = 0;
	if (star == NULL)
		return from_len == name_len && same_bytes(from, name, from_len);
	head = (size_t)(star - from);
	tail = from_len - head - 1;
	if (strchr(star + 1, '*') != NULL || name_len < head + tail)
		return false;
	*text = name + head;
	*len = name_len - head - tail;
	return same_bytes(from, name, head) &&
	    same_bytes(star + 1, name + name_len - tail, tail);
}

bool
glob_rename(const char *from, const char *to, const char *name, char *out,
    size_t out_size)
{
	const char *text, *star = strchr(to, '*');
	size_t text_len, head, tail;

	if (!star_text(from, name, &text, &text_len))
		return false;
	if (star == NULL) {
		head = strlen(to);
		tail = 0;
		text_len = 0;
	} else {
		head = (size_t)(star - to);
		tail = strlen(star + 1);
		if (strchr(from, '*') == NULL || strchr(star + 1, '*') != NULL)
			return false;
	}
	if (head + text_len + tail >= out_size)
		return false;
	memcpy(out, to, head);
	memcpy(out + head, text, text_len);
	if (star != NULL)
		memcpy(out + head + text_len, star + 1, tail);
	out[head + text_len + tail] = '\0';
	return true;
}
