#include <string.h>

#include "base/cancel.h"
#include "job/file_compare.h"
#include "job/file_content.h"

static bool
on_object(void *arg, const struct store_object *o, struct err *err)
{
	struct file_pair *pair = arg;

	if (cancel_requested())
		return cancel_err(err);
	if (!file_index_add(pair->there, o->key, o->size, o->mtime_ns, o->etag))
		return err_nomem(err, "file index");
	return true;
}

/* What cannot be a key of ours is none of our business on the target. */
bool
file_compare_list(struct file_pair *pair, struct err *err)
{
	static const struct store_list_ops ops = { on_object, store_pass_over };
	struct store_session *s;
	bool ok;

	file_index_free(pair->there);
	if ((pair->there = file_index_new()) == NULL)
		return err_nomem(err, "file index");
	if (pair->target == NULL)
		return true;
	if ((s = store_session_new(pair->target, err)) == NULL)
		return false;
	ok = store_list(s, &ops, pair, err);
	store_session_free(s);
	return ok || err_prefix(err, "files to %s", store_name(pair->target));
}

bool
file_compare_intact(const struct file_pair *pair, const char *key,
    const struct manifest_entry *m)
{
	const struct file_entry *e;

	e = file_index_find(pair->there, key, strlen(key));
	if (e == NULL || e->size != m->sent_size)
		return false;
	if (store_is_local(pair->target))
		return e->mtime_ns == m->sent_mtime_ns;
	return file_index_etag_is(e, m->etag);
}

bool
file_compare_same_source(const struct job *job,
    const struct file_item *item, const struct manifest_entry *m)
{
	char policy[24];

	file_content_policy(job, item->key, policy);
	return m->size == item->size && m->mtime_ns == item->mtime_ns &&
	    item->mtime_ns != 0 && strcmp(policy, m->headers) == 0;
}
