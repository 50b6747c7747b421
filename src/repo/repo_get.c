#include <stdio.h>
#include <string.h>

#include "repo/repo_internal.h"

bool
repo_name_of(struct repo *r, const char *key_id, const void *data, size_t len,
    uint8_t name[REPO_NAME_SIZE], struct err *err)
{
	uint8_t key[REPO_KEY_SIZE];
	bool ok;

	if (!r->encrypted)
		return hash_sha256(data, len, name) || err_nomem(err, "digest");
	if (!repo_key_names(r, key_id, key))
		return err_set(err, ERR_INTERNAL, "the naming key %s is not "
		    "loaded", key_id);
	ok = hash_hmac_sha256(key, sizeof(key), data, len, name) ||
	    err_nomem(err, "digest");
	explicit_bzero(key, sizeof(key));
	return ok;
}

/* A blob that none of the identities opens is damaged, where they open the
 * naming key, which is for the same recipients. */
static bool
unseal(struct repo_session *s, const char *key_id, const char *what,
    struct err *err)
{
	struct repo *r = s->repo;

	buf_reset(&s->packed);
	if (age_decrypt(r->options.identities, s->sealed.data, s->sealed.len,
	    what, &s->packed, err))
		return true;
	if (err->kind == ERR_UNSUPPORTED ||
	    (err->kind == ERR_AUTH && repo_key_opens(r, key_id)))
		err_set(err, ERR_DAMAGED, "%s is damaged: its header is not "
		    "what was written", what);
	return false;
}

static bool
open_blob(struct repo_session *s, const char *key_id, const char *what,
    struct buf *out, struct err *err)
{
	const struct buf *packed = &s->sealed;

	if (s->codec == NULL && (s->codec = block_codec_new(err)) == NULL)
		return false;
	if (s->repo->encrypted) {
		if (!unseal(s, key_id, what, err))
			return false;
		packed = &s->packed;
	}
	return block_decompress(s->codec, packed->data, packed->len,
	    REPO_BLOB_MAX, what, out, err);
}

static bool
get(struct repo_session *s, const char *key_id,
    const uint8_t name[REPO_NAME_SIZE], struct buf *out, struct err *err)
{
	char key[REPO_OBJECT_MAX], what[REPO_WHAT_MAX];
	uint8_t got[REPO_NAME_SIZE];
	size_t start = out->len;

	repo_object_name(s->repo, name, key);
	repo_what(s->repo, key, what);
	buf_reset(&s->sealed);
	if (!repo_read(s, key, &s->sealed, err)) {
		if (err->kind == ERR_NOT_FOUND && err->hint[0] == '\0')
			err_set(err, ERR_NOT_FOUND, "%s is missing", what);
		return false;
	}
	if (!open_blob(s, key_id, what, out, err))
		return false;
	if (!repo_name_of(s->repo, key_id, out->data + start,
	    out->len - start, got, err))
		return false;
	return memcmp(got, name, REPO_NAME_SIZE) == 0 ||
	    err_set(err, ERR_DAMAGED, "%s is damaged: it holds something else "
	    "than it is named after", what);
}

bool
repo_get(struct repo_session *s, const char *key_id,
    const uint8_t name[REPO_NAME_SIZE], struct buf *out, struct err *err)
{
	size_t start = out->len;
	bool ok;

	if (s->repo->encrypted && !repo_key_can_open(s->repo, err))
		return false;
	ok = get(s, key_id, name, out, err);
	repo_session_shrink(s);
	if (ok)
		return true;
	buf_truncate(out, start);
	if (err->kind == ERR_DAMAGED ||
	    (err->kind == ERR_NOT_FOUND && err->hint[0] == '\0'))
		err_hint(err, "`spaceferry check --read-data` tells what is "
		    "lost");
	return false;
}
