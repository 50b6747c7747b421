#include <stdlib.h>
#include <string.h>

#include "repo/repo_internal.h"

#define FIRST_PATIENCE_MS ((uint64_t)10000)
#define KEEP_MAX ((size_t)4 * 1024 * 1024) /* of each buffer */

const char *
repo_name(const struct repo *r)
{

	return store_name(r->store);
}

const char *
repo_id(const struct repo *r)
{

	return r->id;
}

struct store *
repo_store(const struct repo *r)
{

	return r->store;
}

struct store *
repo_lock_store(const struct repo *r)
{

	return r->lock_store;
}

bool
repo_is_encrypted(const struct repo *r)
{

	return r->encrypted;
}

bool
repo_was_made(const struct repo *r)
{

	return r->made;
}

const char *
repo_key_id(const struct repo *r)
{

	return r->own.id;
}

void
repo_counts(struct repo *r, struct repo_counts *out)
{

	pthread_mutex_lock(&r->lock);
	*out = r->counts;
	pthread_mutex_unlock(&r->lock);
}

/* --- sessions --- */

struct repo_session *
repo_session_new(struct repo *r, struct err *err)
{
	struct repo_session *s;

	if ((s = calloc(1, sizeof(*s))) == NULL) {
		err_nomem(err, store_name(r->store));
		return NULL;
	}
	s->repo = r;
	buf_init(&s->packed, REPO_STORED_MAX);
	buf_init(&s->sealed, REPO_STORED_MAX);
	if ((s->store = store_session_new(r->store, err)) == NULL) {
		free(s);
		return NULL;
	}
	return s;
}

void
repo_session_free(struct repo_session *s)
{

	if (s == NULL)
		return;
	hash_free(s->hash);
	block_codec_free(s->codec);
	buf_free(&s->packed);
	buf_free(&s->sealed);
	store_session_free(s->store);
	free(s);
}

static void
shrink(struct buf *b)
{

	if (b->cap > KEEP_MAX)
		buf_free(b);
}

void
repo_session_shrink(struct repo_session *s)
{

	shrink(&s->packed);
	shrink(&s->sealed);
}

struct store_session *
repo_session_store(struct repo_session *s)
{

	return s->store;
}

/* --- opening and closing --- */

static struct repo *
allocate(const struct repo_options *options, struct err *err)
{
	struct repo *r;
	uint8_t run[REPO_ID_SIZE / 2];

	if ((r = calloc(1, sizeof(*r))) == NULL) {
		err_nomem(err, "the repository");
		return NULL;
	}
	if (!hash_random(run, sizeof(run)) || (r->pace =
	    pace_new(options->bytes_per_second)) == NULL) {
		err_set(err, ERR_INTERNAL, "no random bytes, or no memory");
		free(r);
		return NULL;
	}
	hash_hex(run, sizeof(run), r->run);
	r->options = *options;
	pthread_mutex_init(&r->lock, NULL);
	pthread_mutex_init(&r->load, NULL);
	pthread_cond_init(&r->settled, NULL);
	blobtable_init(&r->table);
	return r;
}

/* Nothing but the config says whether there are to be recipients. */
static bool
check_recipients(const struct repo *r, struct err *err)
{
	bool given = r->options.recipients != NULL &&
	    age_recipients_count(r->options.recipients) > 0;

	if (!r->options.add || given == r->encrypted)
		return true;
	if (r->encrypted) {
		err_set(err, ERR_CONFLICT, "the repository %s is encrypted, "
		    "and no recipient was given", repo_name(r));
		return err_hint(err, "say who can read the new snapshot: "
		    "--recipient age1… or --recipients-file FILE");
	}
	err_set(err, ERR_CONFLICT, "the repository %s is not encrypted: a "
	    "recipient was given", repo_name(r));
	return err_hint(err, "choose another --repo for encrypted backups; one "
	    "cannot be turned into the other");
}

/* The first contact is not worth the patience of a running job: who waits for
 * it has probably mistyped something. */
static bool
first_contact(struct repo *r, const char *url, struct err *err)
{
	const struct store_options options = {
		.create = r->options.create, .only_owner = true,
		.patience_ms = r->options.patience_ms < FIRST_PATIENCE_MS ?
		    r->options.patience_ms : FIRST_PATIENCE_MS,
	};
	struct repo_session *s = NULL;
	bool ok = false;

	if ((r->store = store_open(url, &options, err)) == NULL) {
		if (err->kind == ERR_NOT_FOUND && !r->options.create)
			err_hint(err, "name the repository with --repo; "
			    "`spaceferry backup` makes one where there is "
			    "none");
	} else if ((s = repo_session_new(r, err)) != NULL) {
		ok = repo_config(r, s, err) && check_recipients(r, err) &&
		    (!r->options.add || repo_key_own(r, s, err));
	}
	repo_session_free(s);
	return ok;
}

static bool
open_stores(struct repo *r, const char *url, struct err *err)
{
	const struct store_options options = {
		.only_owner = true, .quiet = true,
		.patience_ms = r->options.patience_ms,
	};
	const struct store_options locks = {
		.only_owner = true, .quiet = true,
		.stall_seconds = 10, .despite_cancel = true,
	};
	struct store *store;

	if ((store = store_open(url, &options, err)) == NULL)
		return false;
	store_free(r->store);
	r->store = store;
	r->lock_store = store_open(url, &locks, err);
	return r->lock_store != NULL;
}

struct repo *
repo_open(const struct repo_options *options, struct err *err)
{
	struct repo *r;

	if ((r = allocate(options, err)) == NULL)
		return NULL;
	if (first_contact(r, options->url, err) &&
	    open_stores(r, options->url, err))
		return r;
	repo_close(r);
	return NULL;
}

void
repo_close(struct repo *r)
{

	if (r == NULL)
		return;
	pace_free(r->pace);
	store_free(r->lock_store);
	store_free(r->store);
	blobtable_free(&r->table);
	strings_free(&r->unread);
	strings_free(&r->met);
	free(r->stored);
	if (r->keys != NULL)
		explicit_bzero(r->keys, r->n_keys * sizeof(*r->keys));
	free(r->keys);
	pthread_mutex_destroy(&r->lock);
	pthread_mutex_destroy(&r->load);
	pthread_cond_destroy(&r->settled);
	explicit_bzero(r, sizeof(*r));
	free(r);
}
