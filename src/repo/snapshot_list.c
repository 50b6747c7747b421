#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "repo/repo_internal.h"
#include "repo/snapshot_internal.h"

struct listing {
	struct strings keys;
	const struct repo *repo;
	snapshot_odd_fn *odd;
	void *arg;
};

static bool
odd(const struct listing *l, const char *key, const struct err *why,
    struct err *err)
{

	if (l->odd != NULL)
		return l->odd(l->arg, key, why, err);
	log_warning("%s: %s", key, why->message);
	return true;
}

static bool
on_object(void *arg, const struct store_object *o, struct err *err)
{
	struct listing *l = arg;

	return strings_add(&l->keys, o->key) || err_nomem(err, o->key);
}

static bool
on_oddity(void *arg, enum store_oddity kind, const char *name,
    const char *text, struct err *err)
{
	struct listing *l = arg;
	struct err why;

	if (kind == STORE_UNREADABLE)
		return err_set(err, ERR_DENIED, "cannot list %s of %s: %s",
		    name, repo_name(l->repo), text);
	err_set(&why, ERR_DAMAGED, "it is no snapshot: %s", text);
	return odd(l, name, &why, err);
}

static bool
add(struct snapshot_list *list, size_t *cap, struct snapshot *s)
{
	struct snapshot *v;
	size_t n = *cap == 0 ? 64 : 2 * *cap;

	if (list->n == *cap) {
		if ((v = reallocarray(list->v, n, sizeof(*v))) == NULL)
			return false;
		list->v = v;
		*cap = n;
	}
	list->v[list->n++] = *s;
	snapshot_init(s);
	return true;
}

static bool
read_all(struct repo_session *s, const struct listing *l,
    struct snapshot_list *list, struct err *err)
{
	struct snapshot head;
	struct err why;
	size_t i, cap = 0;
	bool ok = true;

	snapshot_init(&head);
	for (i = 0; ok && i < l->keys.n; i++) {
		if (snapshot_read(s, l->keys.v[i], &head, NULL, NULL, &why)) {
			ok = add(list, &cap, &head) ||
			    err_nomem(err, "the list of snapshots");
		} else if (why.kind == ERR_DAMAGED ||
		    why.kind == ERR_UNSUPPORTED || why.kind == ERR_REFUSED) {
			ok = odd(l, l->keys.v[i], &why, err);
		} else if (why.kind != ERR_NOT_FOUND) {
			/* What was pruned since is not missed. */
			*err = why;
			ok = false;
		}
	}
	snapshot_free(&head);
	return ok;
}

static int
compare(const void *a, const void *b)
{
	const struct snapshot *x = a, *y = b;

	if (x->time_ns != y->time_ns)
		return x->time_ns < y->time_ns ? -1 : 1;
	return strcmp(x->id, y->id);
}

bool
snapshot_list(struct repo_session *s, struct snapshot_list *list,
    snapshot_odd_fn *odd_fn, void *arg, struct err *err)
{
	static const struct store_list_ops ops = { on_object, on_oddity };
	struct listing l = { .repo = s->repo, .odd = odd_fn, .arg = arg };
	bool ok;

	list->v = NULL;
	list->n = 0;
	ok = store_list_under(s->store, "snapshots", &ops, &l, err) &&
	    read_all(s, &l, list, err);
	strings_free(&l.keys);
	if (!ok)
		snapshot_list_free(list);
	else if (list->n > 0)
		qsort(list->v, list->n, sizeof(*list->v), compare);
	return ok;
}

void
snapshot_list_free(struct snapshot_list *list)
{
	size_t i;

	for (i = 0; i < list->n; i++)
		snapshot_free(&list->v[i]);
	free(list->v);
	list->v = NULL;
	list->n = 0;
}

/* --- heads --- */

bool
snapshot_heads(struct repo_session *s, const struct snapshot_heads *which,
    bool (*fn)(void *arg, const struct snapshot *head, struct err *err),
    void *arg, struct err *err)
{
	static const struct store_list_ops ops = { on_object, on_oddity };
	struct listing l = { .repo = s->repo };
	struct snapshot head, since = { .time_ns = which->since_ns };
	char first[REPO_OBJECT_MAX];
	struct err why;
	size_t i;
	bool ok;

	snapshot_init(&head);
	ok = (snapshot_object(&since, first) || err_set(err, ERR_INTERNAL,
	    "a time before all snapshots")) &&
	    store_list_under(s->store, "snapshots", &ops, &l, err);
	if (ok && which->all != NULL)
		*which->all = l.keys.n;
	for (i = 0; ok && i < l.keys.n; i++) {
		/* Names sort as times do. */
		if (strcmp(l.keys.v[i], first) < 0)
			continue;
		if (snapshot_read_head(s, l.keys.v[i], &head, &why)) {
			ok = fn(arg, &head, err);
		} else if (why.kind != ERR_DAMAGED &&
		    why.kind != ERR_UNSUPPORTED &&
		    why.kind != ERR_NOT_FOUND) {
			*err = why;
			ok = false;
		}
	}
	snapshot_free(&head);
	strings_free(&l.keys);
	return ok;
}
