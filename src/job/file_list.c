#include <stdlib.h>
#include <string.h>

#include "base/cancel.h"
#include "job/file_names.h"
#include "job/file_walk.h"
#include "job/files.h"

struct listing {
	struct files *files;
	struct file_pair *pair;
	struct file_names *names;
};

static bool
on_object(void *arg, const struct store_object *o, struct err *err)
{
	struct listing *l = arg;
	const struct spaceferry_pair *place = &l->pair->what->place;

	if (cancel_requested())
		return cancel_err(err);
	if (!file_walk_selects(l->files->job, o->key))
		return true;
	if (!file_names_add(l->names, place->to != NULL ? place->to :
	    place->from, o->key, err))
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
	bool ok = true;
	size_t i;

	if ((l.names = file_names_new()) == NULL)
		return err_nomem(err, "file names");
	for (i = 0; i < f->n && ok; i++) {
		l.pair = &f->v[i];
		ok = list_pair(&l, err);
	}
	file_names_free(l.names);
	return ok;
}
