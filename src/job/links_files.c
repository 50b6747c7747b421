#include <string.h>

#include "base/cancel.h"
#include "job/file_walk.h"
#include "job/links_files.h"

#define KIND "unreferenced_file"

struct naming {
	struct files *files;
	struct file_pair *pair;
	uint64_t left;		/* not yet met */
	bool enough;		/* no more are named */
};

static bool
on_object(void *arg, const struct store_object *o, struct err *err)
{
	struct naming *n = arg;
	struct report *report = &n->files->job->report;
	struct file_entry *e;

	if (cancel_requested())
		return cancel_err(err);
	e = file_index_find(n->pair->index, o->key, strlen(o->key));
	if (e == NULL || atomic_load(&e->marked) ||
	    !file_walk_selects(n->files->job, o->key))
		return true;
	n->enough = report_skips_note(report, KIND);
	n->left--;
	if (n->enough)
		return err_set(err, ERR_CANCELLED, "listing: enough is named");
	report_note(report, KIND, "no document that was read links to it",
	    "%s/%s", store_name(n->pair->source), o->key);
	return n->left > 0 || err_set(err, ERR_CANCELLED,
	    "listing: all of them are named");
}

/* The first listing has told of these. */
/* Names the n->left unreferenced files of a pair. */
static void
name_files(struct naming *n)
{
	static const struct store_list_ops ops = { on_object, store_pass_over };
	struct report *report = &n->files->job->report;
	struct store_session *s;
	struct err err;

	err_clear(&err);
	if ((s = store_session_new(n->pair->source, &err)) != NULL &&
	    !store_list(s, &ops, n, &err) && !n->enough && n->left > 0 &&
	    !cancel_requested())
		report_note(report, "unnamed_files", err.hint, "files that "
		    "nothing links to are not named: %s", err.message);
	store_session_free(s);
	if (n->enough)
		report_more_notes(report, KIND, n->left);
}

uint64_t
links_files_unreferenced(struct files *files)
{
	struct naming n = { .files = files };
	uint64_t count = 0;
	size_t i;

	for (i = 0; i < files->n; i++) {
		n.pair = &files->v[i];
		if (n.pair->index == NULL || n.pair->what->url.to == NULL)
			continue;
		n.left = file_index_count(n.pair->index) -
		    file_index_count_marked(n.pair->index);
		count += n.left;
		if (n.enough)
			report_more_notes(&files->job->report, KIND, n.left);
		else if (n.left > 0)
			name_files(&n);
	}
	return count;
}
