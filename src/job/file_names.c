#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "job/file_index.h"
#include "job/file_names.h"

struct file_names {
	struct file_index *keys;
	struct file_index *folders; /* above them */
	struct buf name;	/* place + '/' + key */
};

struct file_names *
file_names_new(void)
{
	struct file_names *n;

	if ((n = calloc(1, sizeof(*n))) == NULL)
		return NULL;
	buf_init(&n->name, 65536);
	n->keys = file_index_new();
	n->folders = file_index_new();
	if (n->keys != NULL && n->folders != NULL)
		return n;
	file_names_free(n);
	return NULL;
}

void
file_names_free(struct file_names *n)
{

	if (n == NULL)
		return;
	file_index_free(n->keys);
	file_index_free(n->folders);
	buf_free(&n->name);
	free(n);
}

static bool
refuse_collision(const char *name, struct err *err)
{

	err_set(err, ERR_CONFLICT, "files: %s is a file and also a folder with "
	    "files in it", name);
	return err_hint(err, "rename one of them, or leave one out with "
	    "--files-exclude");
}

static bool
refuse_twice(const char *name, struct err *err)
{

	err_set(err, ERR_CONFLICT, "files: two --files bring %s", name);
	return err_hint(err, "give each --files a prefix of its own in TO");
}

bool
file_names_add(struct file_names *n, const char *place, const char *key,
    struct err *err)
{
	char *name, *slash;
	size_t root;

	buf_reset(&n->name);
	if (!buf_append_str(&n->name, place) ||
	    !buf_append_byte(&n->name, '/') ||
	    !buf_append_str(&n->name, key) || buf_str(&n->name) == NULL)
		return err_nomem(err, "file names");
	name = (char *)n->name.data;
	root = n->name.len - strlen(key);
	if (file_index_find(n->folders, name, n->name.len) != NULL)
		return refuse_collision(name, err);
	if (file_index_find(n->keys, name, n->name.len) != NULL)
		return refuse_twice(name, err);
	if (!file_index_add(n->keys, name, 0, 0, ""))
		return err_nomem(err, "file names");
	for (slash = strchr(name + root, '/'); slash != NULL;
	    slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (file_index_find(n->keys, name, strlen(name)) != NULL)
			return refuse_collision(name, err);
		if (!file_index_add(n->folders, name, 0, 0, ""))
			return err_nomem(err, "file names");
		*slash = '/';
	}
	return true;
}
