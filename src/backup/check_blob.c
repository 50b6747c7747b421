#include <string.h>

#include "backup/check.h"
#include "base/cancel.h"
#include "base/log.h"

/* What encryption and a frame of zstd add at most to what cannot be made
 * smaller, by far. */
#define STORED_MAX (REPO_BLOB_MAX + (size_t)1024 * 1024)
/* Larger buffers are not kept from one blob to the next. */
#define KEPT_MAX ((size_t)4 * 1024 * 1024)

bool
check_reader_init(struct check_reader *r, struct check *c, struct err *err)
{

	memset(r, 0, sizeof(*r));
	r->check = c;
	buf_init(&r->stored, STORED_MAX);
	buf_init(&r->clear, STORED_MAX);
	buf_init(&r->raw, REPO_BLOB_MAX);
	r->session = repo_session_new(c->repository.repo, err);
	return r->session != NULL &&
	    (r->codec = block_codec_new(err)) != NULL;
}

void
check_reader_free(struct check_reader *r)
{

	buf_free(&r->stored);
	buf_free(&r->clear);
	buf_free(&r->raw);
	block_codec_free(r->codec);
	repo_session_free(r->session);
}

static void
empty(struct buf *b)
{

	if (b->cap > KEPT_MAX)
		buf_free(b);
	buf_reset(b);
}

static bool
take(void *arg, const void *data, size_t len, struct err *err)
{
	struct check_reader *r = arg;

	if (!pace_wait(r->check->pace, len))
		return cancel_err(err);
	return buf_append(&r->stored, data, len) ||
	    err_set(err, ERR_DAMAGED, "it is larger than any blob");
}

/* False with *err when the store could not be asked; damage says what it
 * said. */
static bool
fetch(struct check_reader *r, const struct check_entry *e,
    enum check_damage *damage, struct err *err)
{
	char object[REPO_OBJECT_MAX];
	struct store_object o;

	*damage = CHECK_WHOLE;
	repo_object_name(r->check->repository.repo, e->name, object);
	if (store_get(repo_session_store(r->session), object, &o, take, r,
	    err))
		return true;
	switch (err->kind) {
	case ERR_NOT_FOUND:
		*damage = CHECK_MISSING;
		return true;
	case ERR_DAMAGED:
		*damage = CHECK_SIZE;
		return true;
	case ERR_DENIED:
	case ERR_DISK:
	case ERR_REFUSED:
	case ERR_CHANGED:
	case ERR_UNSUPPORTED:
		log_warning("%s: %s", object, err->message);
		*damage = CHECK_UNREADABLE;
		return true;
	default:
		return false;
	}
}

/* What the stored bytes hold, to r->raw.  ERR_AUTH: they are for other
 * identities. */
static bool
open_it(struct check_reader *r, const struct check_entry *e,
    enum check_damage *damage, struct err *err)
{
	struct check *c = r->check;
	const struct buf *packed = &r->stored;
	uint8_t name[REPO_NAME_SIZE];

	*damage = CHECK_UNDECRYPTABLE;
	if (repo_is_encrypted(c->repository.repo)) {
		if (!age_decrypt(c->repository.identities, r->stored.data,
		    r->stored.len, "blob", &r->clear, err))
			return false;
		packed = &r->clear;
	}
	*damage = CHECK_UNDECODABLE;
	if (!block_decompress(r->codec, packed->data, packed->len,
	    REPO_BLOB_MAX, "blob", &r->raw, err))
		return false;
	*damage = CHECK_CONTENT;
	if (!c->keys[e->key].loaded)
		return true;	/* nothing to hold it against */
	if (!repo_name_of(c->repository.repo, c->keys[e->key].id, r->raw.data,
	    r->raw.len, name, err))
		return false;
	return memcmp(name, e->name, sizeof(name)) == 0 ||
	    err_set(err, ERR_DAMAGED, "it holds what another blob is to hold");
}

/* Whether it can be opened, as far as that is known: 1 yes, 0 not known, -1
 * no. */
static int
opens(const struct check *c, const struct check_key *k)
{

	if (!c->can_open)
		return -1;
	if (!repo_is_encrypted(c->repository.repo) || k->proven || k->opens)
		return 1;
	return k->tried ? -1 : 0;
}

/* Judges the bytes in r->stored. */
static bool
judge(struct check_reader *r, struct check_entry *e, bool *open,
    struct err *err)
{
	struct check *c = r->check;
	struct check_key *k = &c->keys[e->key];
	uint8_t sum[HASH_SHA256_SIZE];
	enum check_damage inner = CHECK_WHOLE;
	int may = opens(c, k);
	bool same;

	if (!hash_sha256(r->stored.data, r->stored.len, sum))
		return err_nomem(err, "blob");
	same = r->stored.len == e->stored &&
	    memcmp(sum, e->sha256, sizeof(sum)) == 0;
	*open = may >= 0 && open_it(r, e, &inner, err);
	if (may >= 0 && !*open && err->kind != ERR_AUTH &&
	    err->kind != ERR_DAMAGED && err->kind != ERR_UNSUPPORTED)
		return false;
	if (*open && (same || k->loaded)) {
		e->damage = CHECK_WHOLE;
		e->renewed = !same;
		return true;
	}
	if (may < 0 || (may == 0 && !*open && err->kind == ERR_AUTH) || *open)
		inner = CHECK_WHOLE;	/* nothing is known of the inside */
	*open = *open && same;
	if (same)
		e->damage = inner;
	else if (inner == CHECK_CONTENT)
		e->damage = CHECK_CONTENT;
	else
		e->damage = r->stored.len != e->stored ? CHECK_SIZE :
		    CHECK_FLIPPED;
	return true;
}

bool
check_blob(struct check_reader *r, struct check_entry *e, bool *open,
    struct err *err)
{
	enum check_damage damage;

	*open = false;
	empty(&r->stored);
	empty(&r->clear);
	empty(&r->raw);
	if (!fetch(r, e, &damage, err))
		return false;
	e->read = true;
	e->damage = (uint8_t)damage;
	return damage != CHECK_WHOLE || judge(r, e, open, err);
}
