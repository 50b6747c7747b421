#include <stdlib.h>
#include <string.h>

#include "bson/docpaths.h"

/* Splits "a.*.b" at its dots. */
static bool
path_init(struct docpaths_path *path, const char *text, struct err *err)
{
	const char *p;
	char *name, *dot;
	size_t n = 1;

	for (p = text; *p != '\0'; p++)
		n += *p == '.';
	if ((path->text = strdup(text)) == NULL)
		goto fail;
	if ((path->names = calloc(n, sizeof(*path->names))) == NULL)
		goto fail_text;
	path->n = 0;
	for (name = path->text; name != NULL; name = dot) {
		if ((dot = strchr(name, '.')) != NULL)
			*dot++ = '\0';
		path->names[path->n++] = strcmp(name, "*") == 0 ? NULL : name;
	}
	return true;

fail_text:
	free(path->text);
fail:
	return err_nomem(err, "paths of fields");
}

/* Whether the NS of "NS:PATH", which ends at colon, matches ns. */
static bool
concerns(const char *entry, const char *colon, const char *ns, bool *yes,
    struct err *err)
{
	char *glob;

	if ((glob = strndup(entry, (size_t)(colon - entry))) == NULL)
		return err_nomem(err, "paths of fields");
	*yes = glob_match(glob, ns);
	free(glob);
	return true;
}

static bool
add(struct docpaths *paths, const char *entry, const char *option,
    const char *ns, struct err *err)
{
	const char *colon = strchr(entry, ':');
	bool yes = false;

	if (colon == NULL || colon == entry || colon[1] == '\0') {
		err_set(err, ERR_USAGE,
		    "%s %s: not of the form NS:PATH", option, entry);
		return err_hint(err, "write a namespace, a colon, a field, "
		    "like shop.orders:customer.website");
	}
	if (!concerns(entry, colon, ns, &yes, err))
		return false;
	if (!yes)
		return true;
	if (!path_init(&paths->paths[paths->n], colon + 1, err))
		return false;
	paths->n++;
	return true;
}

bool
docpaths_init(struct docpaths *paths, const struct strings *list,
    const char *option, const char *ns, struct err *err)
{
	size_t i;

	paths->paths = NULL;
	paths->n = 0;
	if (list == NULL || list->n == 0)
		return true;
	if ((paths->paths = calloc(list->n, sizeof(*paths->paths))) == NULL)
		return err_nomem(err, "paths of fields");
	for (i = 0; i < list->n; i++) {
		if (!add(paths, list->v[i], option, ns, err)) {
			docpaths_free(paths);
			return false;
		}
	}
	return true;
}

static bool
is_name(const char *wanted, const char *name)
{

	return wanted == NULL || strcmp(wanted, name) == 0;
}

bool
docpaths_cover(const struct docpaths *paths, const char *const *names,
    size_t n, const char *key)
{
	const struct docpaths_path *path;
	size_t i, k;

	for (i = 0; i < paths->n; i++) {
		path = &paths->paths[i];
		if (path->n != n + 1 || !is_name(path->names[n], key))
			continue;
		for (k = 0; k < n && is_name(path->names[k], names[k]); k++)
			continue;
		if (k == n)
			return true;
	}
	return false;
}

void
docpaths_free(struct docpaths *paths)
{
	size_t i;

	for (i = 0; i < paths->n; i++) {
		free(paths->paths[i].names);
		free(paths->paths[i].text);
	}
	free(paths->paths);
	paths->paths = NULL;
	paths->n = 0;
}
