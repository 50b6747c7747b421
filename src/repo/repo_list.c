#include <stdio.h>
#include <string.h>

#include "repo/repo_internal.h"

#define FOLDER "data"

static const char *
suffix(const struct repo *r)
{

	return r->encrypted ? ".zst.age" : ".zst";
}

void
repo_object_name(const struct repo *r, const uint8_t name[REPO_NAME_SIZE],
    char out[REPO_OBJECT_MAX])
{
	char hex[2 * REPO_NAME_SIZE + 1];

	hash_hex(name, REPO_NAME_SIZE, hex);
	snprintf(out, REPO_OBJECT_MAX, FOLDER "/%.2s/%s%s", hex, hex,
	    suffix(r));
}

bool
repo_object_parse(const struct repo *r, const char *key,
    uint8_t name[REPO_NAME_SIZE])
{
	const size_t start = strlen(FOLDER "/ab/");
	char hex[2 * REPO_NAME_SIZE + 1], same[REPO_OBJECT_MAX];

	if (strlen(key) != start + 2 * REPO_NAME_SIZE + strlen(suffix(r)))
		return false;
	memcpy(hex, key + start, sizeof(hex) - 1);
	hex[sizeof(hex) - 1] = '\0';
	if (!hash_unhex(hex, name, REPO_NAME_SIZE))
		return false;
	repo_object_name(r, name, same);
	return strcmp(key, same) == 0;
}

struct listing {
	const struct repo *repo;
	const struct repo_listing *to;
};

static bool
on_object(void *arg, const struct store_object *o, struct err *err)
{
	const struct listing *l = arg;
	uint8_t name[REPO_NAME_SIZE];

	if (repo_object_parse(l->repo, o->key, name))
		return l->to->blob(l->to->arg, name, o->size, err);
	return l->to->odd == NULL || l->to->odd(l->to->arg, o->key, o->size,
	    err);
}

/* What cannot be listed must not count as absent. */
static bool
on_oddity(void *arg, enum store_oddity kind, const char *name,
    const char *why, struct err *err)
{
	const struct listing *l = arg;

	if (kind == STORE_UNREADABLE)
		return err_set(err, ERR_DENIED, "cannot list %s of %s: %s",
		    name, repo_name(l->repo), why);
	return l->to->odd == NULL || l->to->odd(l->to->arg, name, 0, err);
}

bool
repo_list(struct repo_session *s, const struct repo_listing *to,
    struct err *err)
{
	static const struct store_list_ops ops = { on_object, on_oddity };
	struct listing l = { .repo = s->repo, .to = to };

	return store_list_under(s->store, FOLDER, &ops, &l, err);
}
