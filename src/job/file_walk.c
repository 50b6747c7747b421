#include <stdlib.h>
#include <string.h>

#include "base/cancel.h"
#include "flow/pipeline.h"
#include "flow/queue.h"
#include "job/file_walk.h"
#include "job/media_type.h"

#define QUEUE_ITEMS 1024
#define QUEUE_BYTES ((size_t)1024 * 1024)

struct walk {
	struct files *files;
	struct file_pair *pair;
	file_walk_fn *fn;
	struct queue *queue;
};

static void
item_free(void *p)
{
	struct file_item *item = p;

	free(item->key);
	free(item);
}

bool
file_walk_selects(const struct job *job, const char *key)
{

	return glob_selects(&job->files_include, &job->files_exclude, key);
}

static bool
is_kept(const struct file_pair *pair, const char *key)
{
	const struct file_entry *e;

	if (pair->kept == 0)
		return false;
	e = file_index_find(pair->index, key, strlen(key));
	return e != NULL && e->kept;
}

static bool
push_object(void *arg, const struct store_object *o, struct err *err)
{
	struct walk *w = arg;
	struct file_item *item;

	if (cancel_requested())
		return cancel_err(err);
	if (!file_walk_selects(w->files->job, o->key) ||
	    is_kept(w->pair, o->key))
		return true;
	if ((item = calloc(1, sizeof(*item))) == NULL)
		return err_nomem(err, "file list");
	item->size = o->size;
	item->mtime_ns = o->mtime_ns;
	if ((item->key = strdup(o->key)) == NULL) {
		item_free(item);
		return err_nomem(err, "file list");
	}
	if (queue_push(w->queue, item, sizeof(*item) + strlen(item->key)))
		return true;
	item_free(item);
	return err_set(err, ERR_CANCELLED, "listing: stopped");
}

/* files_list() has told of these already. */
static bool
ignore_oddity(void *arg, enum store_oddity kind, const char *name,
    const char *why, struct err *err)
{

	(void)arg;
	(void)kind;
	(void)name;
	(void)why;
	(void)err;
	return true;
}

static bool
list_files(void *arg, unsigned number, struct err *err)
{
	static const struct store_list_ops ops = {
		.object = push_object, .oddity = ignore_oddity
	};
	struct walk *w = arg;
	struct store_session *s;
	bool ok;

	(void)number;
	if ((s = store_session_new(w->pair->source, err)) == NULL)
		return false;
	ok = store_list(s, &ops, w, err);
	store_session_free(s);
	return ok;
}

static bool
work_on_files(void *arg, unsigned number, struct err *err)
{
	struct walk *walk = arg;
	struct file_worker w = { .files = walk->files, .pair = walk->pair };
	struct file_item *item;
	bool ok = false;

	(void)number;
	if ((w.source = store_session_new(walk->pair->source, err)) == NULL)
		goto out;
	if (walk->pair->target != NULL && (w.target =
	    store_session_new(walk->pair->target, err)) == NULL)
		goto out;
	/* Folders know no types; asking costs 5 MiB. */
	if (walk->pair->target != NULL && !store_is_local(walk->pair->target) &&
	    (w.media = media_type_new(err)) == NULL)
		goto out;
	ok = true;
	while (ok && (item = queue_pop(walk->queue)) != NULL) {
		ok = cancel_requested() ? cancel_err(err) :
		    walk->fn(&w, item, err);
		item_free(item);
	}
out:
	if (walk->files->worker_end != NULL)
		walk->files->worker_end(&w);
	media_type_free(w.media);
	store_session_free(w.source);
	store_session_free(w.target);
	return ok;
}

bool
file_walk(struct files *f, struct file_pair *pair, file_walk_fn *fn,
    struct err *err)
{
	struct walk w = { .files = f, .pair = pair, .fn = fn };
	struct pipeline_stage stages[2] = {
		{ .name = "listing", .threads = 1, .run = list_files,
		    .arg = &w },
		{ .name = "copying files", .threads = f->workers,
		    .run = work_on_files, .arg = &w },
	};
	struct pipeline *p = NULL;
	bool ok = false;

	w.queue = queue_new(QUEUE_ITEMS, QUEUE_BYTES, item_free);
	p = pipeline_new();
	stages[0].out = w.queue;
	if (w.queue == NULL || p == NULL || !pipeline_add(p, &stages[0]) ||
	    !pipeline_add(p, &stages[1])) {
		err_nomem(err, "files");
		goto out;
	}
	ok = pipeline_run(p, err);
out:
	pipeline_free(p);
	queue_free(w.queue);
	return ok;
}
