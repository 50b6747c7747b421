#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "state/place_store.h"

void
place_store_key(char out[PLACE_STORE_KEY_MAX], const char *name,
    unsigned generation, unsigned number)
{
	const char *slash = strrchr(name, '/');
	int folder = slash == NULL ? 0 : (int)(slash - name) + 1;

	snprintf(out, PLACE_STORE_KEY_MAX, "%.*s%04u-%04u.%s", folder, name,
	    generation, number, name + folder);
}

static bool
take(void *arg, const void *data, size_t len, struct err *err)
{

	return buf_append(arg, data, len) ||
	    err_set(err, ERR_DAMAGED, "an object of the state is too large");
}

bool
place_store_get(struct place_store *p, const char *key, struct buf *out,
    char etag[STORE_ETAG_MAX], struct err *err)
{
	struct store_object o;

	if (!store_get(p->session, key, &o, take, out, err))
		return err_prefix(err, "state");
	memcpy(etag, o.etag, STORE_ETAG_MAX);
	return true;
}

static bool
read_data(void *arg, uint64_t offset, void *data, size_t len, struct err *err)
{
	const struct buf *b = arg;

	(void)err;
	memcpy(data, b->data + offset, len);
	return true;
}

/* A refused condition: the answer to a first attempt may have been lost, then
 * what stands there is ours. */
static bool
is_there(struct place_store *p, struct place_store_object *o, struct err *err)
{
	const struct buf *data = o->data;
	struct buf there;
	bool same;

	buf_init(&there, PLACE_STORE_MAX);
	same = place_store_get(p, o->key, &there, o->etag, err) &&
	    there.len == data->len &&
	    memcmp(there.data, data->data, data->len) == 0;
	buf_free(&there);
	if (same)
		return true;
	err_set(err, ERR_LOCKED, "%s/%s was changed by somebody else",
	    p->base.path, o->key);
	return err_hint(err, "another run uses this state: wait until it ends "
	    "or stop it, then run this command again");
}

bool
place_store_put(struct place_store *p, struct place_store_object *o,
    struct err *err)
{
	char match[STORE_ETAG_MAX];
	uint8_t sha256[HASH_SHA256_SIZE], md5[HASH_MD5_SIZE];
	struct store_put put = {
		.key = o->key, .sha256 = sha256, .md5 = md5,
		.body = { .size = o->data->len, .read = read_data,
		    .arg = (void *)(uintptr_t)o->data },
		.create_only = !o->replaces && lease_store_creates(p->lease),
		.if_match = o->replaces && lease_store_matches(p->lease) ?
		    match : NULL,
	};
	struct hash *h;
	bool ok;

	memcpy(match, o->etag, sizeof(match));
	if (!lease_held(p->lease, err) || (h = hash_new(true, err)) == NULL)
		return false;
	hash_update(h, o->data->data, o->data->len);
	ok = hash_finish(h, sha256, md5, err);
	hash_free(h);
	if (!ok)
		return false;
	if (store_put(p->session, &put, o->etag, err))
		return true;
	if (err->kind == ERR_CONFLICT)
		return is_there(p, o, err);
	return err_prefix(err, "state");
}

bool
place_store_drop(struct place_store *p, const char *name,
    unsigned generation, unsigned n, struct err *err)
{
	char key[PLACE_STORE_KEY_MAX];
	unsigned i;

	for (i = 0; i < n; i++) {
		place_store_key(key, name, generation, i);
		if (!lease_held(p->lease, err) ||
		    !store_delete(p->session, key, err))
			return err_prefix(err, "state");
	}
	return true;
}
