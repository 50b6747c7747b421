#include <string.h>

#include "base/cancel.h"
#include "job/file_extras.h"
#include "job/file_walk.h"

struct extras {
	struct files *files;
	struct file_pair *pair;
	file_extras_fn *each;
	void *arg;
};

static bool
on_object(void *arg, const struct store_object *o, struct err *err)
{
	struct extras *x = arg;
	const struct file_entry *e;

	if (cancel_requested())
		return cancel_err(err);
	/* Removing another name would remove the file itself. */
	if (o->linked || !file_walk_selects(x->files->job, o->key))
		return true;
	e = file_index_find(x->pair->there, o->key, strlen(o->key));
	/* Who came after the listing is none that was compared. */
	if (e == NULL || atomic_load(&e->marked))
		return true;
	return x->each(x->arg, x->pair, o, err);
}

bool
file_extras(struct files *f, struct file_pair *pair, file_extras_fn *each,
    void *arg, struct err *err)
{
	static const struct store_list_ops ops = { on_object, store_pass_over };
	struct extras x = { f, pair, each, arg };
	struct store_session *s;
	bool ok;

	if (pair->target == NULL)
		return true;
	if ((s = store_session_new(pair->target, err)) == NULL)
		return false;
	ok = store_list(s, &ops, &x, err);
	store_session_free(s);
	return ok || err_prefix(err, "files to %s", store_name(pair->target));
}
