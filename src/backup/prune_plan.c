#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "backup/prune_internal.h"
#include "base/cancel.h"
#include "base/log.h"

#define NS_PER_S INT64_C(1000000000)
#define NOTE_LIFE_NS (24 * 3600 * NS_PER_S)

/* --- snapshots --- */

static void
cannot_read(struct prune *p, const char *object, const struct err *why)
{
	static const char hint[] = "spaceferry check says what is damaged; "
	    "until that is mended prune removes no blobs";

	p->unreadable++;
	if (p->only_of == NULL)
		report_error(&p->job->report, "damaged", hint, "%s cannot be "
		    "read: %s", object, why->message);
	else
		report_note(&p->job->report, "damaged", hint, "%s cannot be "
		    "read: %s", object, why->message);
}

static bool
on_odd(void *arg, const char *key, const struct err *why, struct err *err)
{

	(void)err;
	cannot_read(arg, key, why);
	return true;
}

bool
prune_plan_list(struct prune *p, struct err *err)
{

	if (!snapshot_list(p->session, &p->list, on_odd, p, err))
		return false;
	p->fates = calloc(p->list.n + 1, sizeof(*p->fates));
	return p->fates != NULL || err_nomem(err, "snapshots");
}

static bool
need(void *arg, const struct snapshot_blob *b, struct err *err)
{
	struct prune *p = arg;

	return prune_names_add(&p->needed, b->blob.name) ||
	    err_nomem(err, "the list of blobs");
}

/* It was read before, but not its blobs. */
static bool
read_kept(struct prune *p, const char *object, struct err *err)
{
	struct snapshot head;
	bool ok;

	snapshot_init(&head);
	ok = snapshot_read(p->session, object, &head, need, p, err);
	snapshot_free(&head);
	if (ok)
		return true;
	/* Listed and not found: the store may show it again. */
	if (err->kind != ERR_DAMAGED && err->kind != ERR_UNSUPPORTED &&
	    err->kind != ERR_NOT_FOUND)
		return false;
	cannot_read(p, object, err);
	return true;
}

/* --- what interrupted runs noted --- */

static bool
need_noted(void *arg, const struct repo_blob *b, struct err *err)
{
	struct prune *p = arg;

	return prune_names_add(&p->needed, b->name) ||
	    err_nomem(err, "the list of blobs");
}

static bool
on_note(void *arg, const struct store_object *o, struct err *err)
{

	return strings_add(arg, o->key) || err_nomem(err, o->key);
}

static bool
pass_over(void *arg, enum store_oddity kind, const char *name,
    const char *why, struct err *err)
{

	(void)arg;
	(void)kind;
	(void)err;
	log_debug("%s: %s", name, why);
	return true;
}

/* By the store's clock, where it tells. */
static bool
is_old(const struct store_object *o)
{
	int64_t now = o->now_ns != 0 ? o->now_ns :
	    (int64_t)time(NULL) * NS_PER_S;

	return o->mtime_ns > 0 && now - o->mtime_ns > NOTE_LIFE_NS;
}

/* Those of a young one are left to the run that goes on. */
static bool
judge_note(struct prune *p, const char *key, struct err *err)
{
	struct store_object o;

	switch (store_head(repo_session_store(p->session), key, &o, err)) {
	case STORE_ABSENT:
		return true;
	case STORE_FAILED:
		return false;
	case STORE_FOUND:
		break;
	}
	if (is_old(&o))
		return strings_add(&p->notes, key) || err_nomem(err, key);
	if (repo_read_note(p->session, key, need_noted, p, err) ||
	    err->kind == ERR_NOT_FOUND)
		return true;
	if (err->kind != ERR_DAMAGED && err->kind != ERR_UNSUPPORTED)
		return false;
	/* All that it can do is to save a run some work. */
	log_warning("%s", err->message);
	return true;
}

static bool
read_notes(struct prune *p, struct err *err)
{
	static const struct store_list_ops ops = { on_note, pass_over };
	struct strings keys = { NULL, 0 };
	bool ok;
	size_t i;

	ok = store_list_under(repo_session_store(p->session), "partial", &ops,
	    &keys, err);
	for (i = 0; ok && i < keys.n; i++)
		ok = judge_note(p, keys.v[i], err);
	strings_free(&keys);
	return ok;
}

/* --- blobs --- */

static bool
on_blob(void *arg, const uint8_t name[REPO_NAME_SIZE], uint64_t size,
    struct err *err)
{
	struct prune *p = arg;
	size_t cap = p->cap_blobs == 0 ? 1024 : 2 * p->cap_blobs;
	struct prune_blob *v;

	if (cancel_requested())
		return cancel_err(err);
	p->all_blobs++;
	p->all_bytes += size;
	if (p->unreadable > 0 || prune_names_has(&p->needed, name))
		return true;
	if (p->n_blobs == p->cap_blobs) {
		if ((v = reallocarray(p->blobs, cap, sizeof(*v))) == NULL)
			return err_nomem(err, "the list of blobs");
		p->blobs = v;
		p->cap_blobs = cap;
	}
	memcpy(p->blobs[p->n_blobs].name, name, REPO_NAME_SIZE);
	p->blobs[p->n_blobs++].size = size;
	p->unneeded_bytes += size;
	return true;
}

/* What stands in data/ and is no blob is check's. */
static bool
on_odd_blob(void *arg, const char *key, uint64_t size, struct err *err)
{

	(void)arg;
	(void)size;
	(void)err;
	log_debug("%s is no blob", key);
	return true;
}

bool
prune_plan(struct prune *p, struct err *err)
{
	const struct repo_listing listing = { on_blob, on_odd_blob, p };
	size_t i;

	for (i = 0; i < p->list.n; i++) {
		if (cancel_requested())
			return cancel_err(err);
		if (!p->fates[i].goes &&
		    !read_kept(p, p->list.v[i].object, err))
			return false;
	}
	return read_notes(p, err) && repo_list(p->session, &listing, err);
}
