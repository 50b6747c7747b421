#include <stdlib.h>
#include <string.h>

#include "base/cancel.h"
#include "job/file_walk.h"
#include "job/files.h"

/* The keys of every pair as they will stand on the targets, and the folders
 * above them: a key beside a key below it fits no folder and confuses
 * everybody who mounts a bucket. */
struct listing {
	struct files *files;
	struct file_pair *pair;
	struct file_index *keys;
	struct file_index *folders;
	struct buf name;	/* target identity + '/' + key */
};

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

/* Adds key and the folders above it, unless they collide. */
static bool
add_key(struct listing *l, const char *key, struct err *err)
{
	char *name, *slash;
	size_t root;

	buf_reset(&l->name);
	if (!buf_append_str(&l->name, l->pair->what->place.to) ||
	    !buf_append_byte(&l->name, '/') ||
	    !buf_append_str(&l->name, key) || buf_str(&l->name) == NULL)
		return err_nomem(err, "file names");
	name = (char *)l->name.data;
	root = l->name.len - strlen(key);
	if (file_index_find(l->folders, name, l->name.len) != NULL)
		return refuse_collision(name, err);
	if (file_index_find(l->keys, name, l->name.len) != NULL)
		return refuse_twice(name, err);
	if (!file_index_add(l->keys, name, 0, 0, ""))
		return err_nomem(err, "file names");
	for (slash = strchr(name + root, '/'); slash != NULL;
	    slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (file_index_find(l->keys, name, strlen(name)) != NULL)
			return refuse_collision(name, err);
		if (!file_index_add(l->folders, name, 0, 0, ""))
			return err_nomem(err, "file names");
		*slash = '/';
	}
	return true;
}

static bool
on_object(void *arg, const struct store_object *o, struct err *err)
{
	struct listing *l = arg;

	if (cancel_requested())
		return cancel_err(err);
	if (!file_walk_selects(l->files->job, o->key))
		return true;
	if (!add_key(l, o->key, err))
		return false;
	l->pair->bytes += o->size;
	if (!file_index_add(l->pair->index, o->key, o->size, o->mtime_ns,
	    o->etag))
		return err_nomem(err, "file index");
	return true;
}

static bool
on_oddity(void *arg, enum store_oddity kind, const char *name, const char *why,
    struct err *err)
{
	struct listing *l = arg;

	if (!file_walk_selects(l->files->job, name))
		return true;
	if (kind == STORE_OUTSIDE_LINK) {
		err_set(err, ERR_DENIED, "files: %s: %s", name, why);
		return err_hint(err, "a link out of the folder could publish "
		    "any file of this machine: copy the file into the folder, "
		    "or --files-exclude '%s'", name);
	}
	atomic_fetch_add(&l->files->failed, 1);
	report_error(&l->files->job->report, "file",
	    "--files-exclude leaves it out", "%s: %s", name, why);
	return true;
}

static bool
list_pair(struct listing *l, struct err *err)
{
	static const struct store_list_ops ops = { on_object, on_oddity };
	struct store_session *s;
	bool ok;

	if ((s = store_session_new(l->pair->source, err)) == NULL)
		return false;
	ok = store_list(s, &ops, l, err);
	store_session_free(s);
	return ok;
}

bool
files_list(struct files *f, struct err *err)
{
	struct listing l = { .files = f };
	bool ok = false;
	size_t i;

	buf_init(&l.name, 65536);
	l.keys = file_index_new();
	l.folders = file_index_new();
	if (l.keys == NULL || l.folders == NULL) {
		err_nomem(err, "file names");
		goto out;
	}
	for (i = 0; i < f->n; i++) {
		l.pair = &f->v[i];
		if (!list_pair(&l, err))
			goto out;
	}
	ok = true;
out:
	file_index_free(l.keys);
	file_index_free(l.folders);
	buf_free(&l.name);
	return ok;
}
