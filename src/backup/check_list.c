#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "backup/check.h"
#include "base/cancel.h"
#include "store/key.h"

/* Objects of a folder of the repository have names of one form. */
static bool
has_form(const char *name, const char *characters, const char *ending)
{
	size_t n = strspn(name, characters);

	return n > 0 && strcmp(name + n, ending) == 0;
}

bool
check_is_snapshot(const char *key)
{

	return strncmp(key, "snapshots/", 10) == 0 &&
	    has_form(key + 10, "0123456789abcdefTZ-", ".jsonl");
}

static void
foreign(struct check *c, const char *key, bool among)
{
	const struct check_finding f = {
		"repository", "foreign_object",
		among ? SPACEFERRY_FAIL : SPACEFERRY_WARN,
		"nothing reads it: look who put it there, and remove it",
	};

	check_tell(c, &f, "%s does not belong to the repository", key);
}

static bool
take_blob(struct check *c, const struct store_object *o,
    const uint8_t *name, struct err *err)
{
	struct check_entry *e;
	uint32_t n;

	if (!check_index_add(&c->index, name, &n, err))
		return false;
	e = &c->index.v[n];
	e->listed = true;
	e->size = o->size;
	c->seen.blobs++;
	c->seen.bytes += o->size;
	return true;
}

/* A blob's object that lies elsewhere in data/: its name tells where it
 * belongs. */
static bool
is_misplaced(const struct check *c, const char *key,
    uint8_t name[REPO_NAME_SIZE])
{
	const char *last = strrchr(key, '/') + 1;
	char place[REPO_OBJECT_MAX], hex[2 * REPO_NAME_SIZE + 1];

	if (strlen(last) < sizeof(hex) - 1)
		return false;
	memcpy(hex, last, sizeof(hex) - 1);
	hex[sizeof(hex) - 1] = '\0';
	if (!hash_unhex(hex, name, REPO_NAME_SIZE))
		return false;
	repo_object_name(c->repository.repo, name, place);
	return strcmp(strrchr(place, '/') + 1, last) == 0;
}

static bool
take_data(struct check *c, const struct store_object *o, struct err *err)
{
	uint8_t name[REPO_NAME_SIZE];

	if (repo_object_parse(c->repository.repo, o->key, name))
		return take_blob(c, o, name, err);
	if (is_misplaced(c, o->key, name))
		return strings_add(&c->misplaced, o->key) ||
		    err_nomem(err, "misplaced blobs");
	foreign(c, o->key, true);
	return true;
}

static bool
take_object(void *arg, const struct store_object *o, struct err *err)
{
	static const char hex[] = "0123456789abcdef";
	struct check *c = arg;
	const char *key = o->key;

	if (cancel_requested())
		return cancel_err(err);
	if (strncmp(key, "data/", 5) == 0)
		return take_data(c, o, err);
	if (strncmp(key, "keys/", 5) == 0 && has_form(key + 5, hex, ".age"))
		return strings_add(&c->key_objects, key) ||
		    err_nomem(err, "keys");
	if (strncmp(key, "snapshots/", 10) == 0) {
		if (!check_is_snapshot(key))
			foreign(c, key, true);
		return true;	/* else it was listed, or is new */
	}
	if (strncmp(key, "locks/", 6) == 0 && has_form(key + 6, hex, ".json"))
		return strings_add(&c->locks, key) || err_nomem(err, "locks");
	if (strncmp(key, "partial/", 8) == 0 &&
	    has_form(key + 8, "0123456789abcdef-", ".jsonl"))
		return strings_add(&c->notes, key) || err_nomem(err, "notes");
	if (strncmp(key, "damaged/", 8) == 0)
		c->seen.aside++;
	else if (strcmp(key, "config") != 0)
		foreign(c, key, strchr(key, '/') != NULL &&
		    (strncmp(key, "keys/", 5) == 0 ||
		    strncmp(key, "locks/", 6) == 0 ||
		    strncmp(key, "partial/", 8) == 0));
	return true;
}

static bool
take_oddity(void *arg, enum store_oddity kind, const char *name,
    const char *why, struct err *err)
{
	const struct check_finding f = {
		"repository", "foreign_object", SPACEFERRY_FAIL,
		"nothing reads it: look who put it there, and remove it",
	}, denied = {
		"repository", "unreadable", SPACEFERRY_FAIL,
		"give the user of check the right to read it",
	};

	(void)err;
	check_tell(arg, kind == STORE_UNREADABLE ? &denied : &f, "%s: %s",
	    name, why);
	return true;
}

static bool
take_snapshot(void *arg, const struct store_object *o, struct err *err)
{
	struct check *c = arg;

	return !check_is_snapshot(o->key) ||
	    strings_add(&c->objects, o->key) || err_nomem(err, "snapshots");
}

/* Snapshots first: what they need was there before them, whatever a backup adds
 * meanwhile. */
bool
check_list(struct check *c, struct err *err)
{
	/* Oddities come once more. */
	const struct store_list_ops first = { take_snapshot, store_pass_over };
	const struct store_list_ops all = { take_object, take_oddity };
	struct store_session *ss = repo_session_store(c->session);

	if (!store_list_under(ss, "snapshots", &first, c, err))
		return false;
	strings_sort(&c->objects);
	return store_list(ss, &all, c, err);
}
