#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backup/check.h"

#define KEY_FILE_MAX ((size_t)64 * 1024)
#define FIRST_LINE "age-encryption.org/v1\n"
#define CONTENT "spaceferry naming key "

static bool
append(void *arg, const void *data, size_t len, struct err *err)
{

	return buf_append(arg, data, len) ||
	    err_set(err, ERR_DAMAGED, "it is too large");
}

/* Whether clear is the line that holds the key of this id. */
static bool
is_key(const struct buf *clear, const char *id, struct err *err)
{
	uint8_t key[REPO_KEY_SIZE], sum[HASH_SHA256_SIZE];
	char hex[2 * REPO_KEY_SIZE + 1], found[2 * HASH_SHA256_SIZE + 1];
	const size_t head = strlen(CONTENT);
	bool ok;

	if (clear->len != head + sizeof(hex) ||
	    memcmp(clear->data, CONTENT, head) != 0 ||
	    clear->data[clear->len - 1] != '\n')
		return err_set(err, ERR_DAMAGED, "it holds no naming key");
	memcpy(hex, clear->data + head, sizeof(hex) - 1);
	hex[sizeof(hex) - 1] = '\0';
	if (!hash_unhex(hex, key, sizeof(key)))
		return err_set(err, ERR_DAMAGED, "it holds no naming key");
	ok = hash_sha256(key, sizeof(key), sum);
	explicit_bzero(key, sizeof(key));
	explicit_bzero(hex, sizeof(hex));
	if (!ok)
		return err_nomem(err, "naming key");
	hash_hex(sum, sizeof(sum), found);
	if (strncmp(found, id, REPO_KEY_ID_SIZE) == 0)
		return true;
	return err_set(err, ERR_DIFFERS, "it holds another naming key");
}

/* False with *why when the object is not what it should be: ERR_AUTH when no
 * identity opens it, ERR_DAMAGED, ERR_DIFFERS; with another kind when that could
 * not be seen. */
static bool
look_at(struct check *c, const struct check_key *k, struct err *why)
{
	struct store_object o;
	struct buf stored, clear;
	char object[REPO_OBJECT_MAX];
	bool ok;

	buf_init(&stored, KEY_FILE_MAX);
	buf_init(&clear, KEY_FILE_MAX);
	snprintf(object, sizeof(object), "keys/%s.age", k->id);
	ok = store_get(repo_session_store(c->session), object, &o, append,
	    &stored, why);
	if (ok && (stored.len < strlen(FIRST_LINE) ||
	    memcmp(stored.data, FIRST_LINE, strlen(FIRST_LINE)) != 0))
		ok = err_set(why, ERR_DAMAGED, "it is no age file");
	if (ok && c->repository.identities != NULL)
		ok = age_decrypt(c->repository.identities, stored.data,
		    stored.len, object, &clear, why) &&
		    is_key(&clear, k->id, why);
	buf_free(&stored);
	buf_free_secret(&clear);
	return ok;
}

static void
tell_missing(struct check *c, const struct check_key *k)
{

	check_fail(c, "repository", "missing_key", "put the copy of it back "
	    "that you have, or run backup on the machine whose state folder "
	    "holds it; without it no blob can be held against its name",
	    "keys/%s.age is missing: the naming key of snapshots", k->id);
}

static bool
check_key(struct check *c, struct check_key *k, struct err *err)
{
	struct err why;

	err_clear(&why);
	k->loaded = repo_load_key(c->repository.repo, k->id, &why);
	if (!k->listed) {
		tell_missing(c, k);
		return true;
	}
	if (look_at(c, k, &why)) {
		k->proven = c->repository.identities != NULL;
		return true;
	}
	switch (why.kind) {
	case ERR_AUTH:		/* of the key alone? snapshots will tell */
		return true;
	case ERR_DAMAGED:
		k->damaged = true;
		check_fail(c, "repository", "bad_key", "put a copy of it back; "
		    "or check --repair, and backup on the machine whose state "
		    "folder holds the key", "keys/%s.age: %s", k->id,
		    why.message);
		return true;
	case ERR_DIFFERS:
		k->damaged = true;
		check_fail(c, "repository", "wrong_key", "put a copy of the "
		    "right one back; or check --repair, and backup on the "
		    "machine whose state folder holds the key",
		    "keys/%s.age: %s", k->id, why.message);
		return true;
	default:
		*err = why;
		return false;
	}
}

bool
check_key_number(struct check *c, const char *id, uint32_t *number,
    struct err *err)
{
	char object[REPO_OBJECT_MAX];
	struct check_key *k;
	size_t i;

	for (i = 0; i < c->n_keys; i++) {
		if (strcmp(c->keys[i].id, id) == 0)
			break;
	}
	*number = (uint32_t)i;
	if (i < c->n_keys)
		return true;
	if ((k = realloc(c->keys, (i + 1) * sizeof(*k))) == NULL)
		return err_nomem(err, "naming keys");
	c->keys = k;
	k += i;
	c->n_keys++;
	memset(k, 0, sizeof(*k));
	memcpy(k->id, id, sizeof(k->id));
	if (!repo_is_encrypted(c->repository.repo)) {
		k->loaded = true;
		return true;
	}
	snprintf(object, sizeof(object), "keys/%s.age", id);
	for (i = 0; i < c->key_objects.n; i++)
		k->listed = k->listed ||
		    strcmp(c->key_objects.v[i], object) == 0;
	return check_key(c, k, err);
}

/* What is good about them. */
void
check_tell_keys(struct check *c)
{
	size_t k, proven = 0, bad = 0;

	for (k = 0; k < c->n_keys; k++) {
		proven += c->keys[k].proven;
		bad += c->keys[k].damaged || !c->keys[k].listed;
	}
	if (repo_is_encrypted(c->repository.repo) && c->n_keys > 0 && bad == 0)
		check_pass(c, "repository", "keys", "%s of snapshots; %zu "
		    "opened by an identity", CHECK_COUNT(c->n_keys,
		    "naming key"), proven);
}
