#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "repo/repo_internal.h"

#define LABEL_NAMES "spaceferry blob name"
#define LABEL_SEED "spaceferry age seed"

/* --- what is made of a key --- */

/* HMAC-SHA-256(key, label 00 data). */
static bool
derive(const uint8_t *key, size_t key_len, const char *label,
    const struct buf *data, uint8_t out[HASH_SHA256_SIZE])
{
	size_t n = strlen(label) + 1;
	uint8_t *text;
	bool ok;

	if ((text = malloc(n + data->len)) == NULL)
		return false;
	memcpy(text, label, n);
	if (data->len > 0)
		memcpy(text + n, data->data, data->len);
	ok = hash_hmac_sha256(key, key_len, text, n + data->len, out);
	free(text);
	return ok;
}

bool
repo_derive(const struct repo *r, const char *label, const void *data,
    size_t len, uint8_t out[HASH_SHA256_SIZE], struct err *err)
{
	const struct buf text = { .data = (uint8_t *)(uintptr_t)data,
		.len = len };

	if (r->encrypted && r->own.id[0] == '\0')
		return err_set(err, ERR_INTERNAL, "the repository was not "
		    "opened to add to it");
	return derive(r->own.key, r->encrypted ? REPO_KEY_SIZE : 0, label,
	    &text, out) || err_nomem(err, label);
}

bool
repo_key_fill(struct repo_key *k)
{
	const struct buf nothing = { .len = 0 };
	uint8_t sha256[HASH_SHA256_SIZE];

	if (!hash_sha256(k->key, sizeof(k->key), sha256) ||
	    !derive(k->key, sizeof(k->key), LABEL_NAMES, &nothing, k->names))
		return false;
	hash_hex(sha256, REPO_KEY_ID_SIZE / 2, k->id);
	return true;
}

void
repo_key_text(const struct repo_key *k, char out[REPO_KEY_TEXT_SIZE])
{
	const size_t n = strlen(REPO_KEY_TEXT);

	memcpy(out, REPO_KEY_TEXT, n);
	hash_hex(k->key, sizeof(k->key), out + n);
	memcpy(out + n + 2 * REPO_KEY_SIZE, "\n", 2);
}

bool
repo_key_parse(const struct buf *text, struct repo_key *k)
{
	const size_t n = strlen(REPO_KEY_TEXT);
	char hex[2 * REPO_KEY_SIZE + 1];
	bool ok;

	if (text->len != REPO_KEY_TEXT_SIZE - 1 ||
	    memcmp(text->data, REPO_KEY_TEXT, n) != 0 ||
	    text->data[text->len - 1] != '\n')
		return false;
	memcpy(hex, text->data + n, 2 * REPO_KEY_SIZE);
	hex[2 * REPO_KEY_SIZE] = '\0';
	ok = hash_unhex(hex, k->key, sizeof(k->key)) && repo_key_fill(k);
	explicit_bzero(hex, sizeof(hex));
	return ok;
}

/* --- the key that new blobs are named by --- */

#define OBJECT_SIZE (REPO_KEY_ID_SIZE + 16)

static void
object_of(const char *id, char out[OBJECT_SIZE])
{

	snprintf(out, OBJECT_SIZE, "keys/%s.age", id);
}

/* The key, encrypted to the recipients, goes into the repository before the
 * first blob that it names. */
static bool
publish(struct repo *r, struct repo_session *s, struct err *err)
{
	char key[OBJECT_SIZE], text[REPO_KEY_TEXT_SIZE];
	struct repo_object o = { .key = key };
	struct store_object there;
	struct buf sealed;
	bool ok;

	object_of(r->own.id, key);
	switch (store_head(s->store, key, &there, err)) {
	case STORE_FOUND:
		return true;
	case STORE_FAILED:
		return false;
	case STORE_ABSENT:
		break;
	}
	buf_init(&sealed, REPO_SMALL_MAX);
	repo_key_text(&r->own, text);
	ok = age_encrypt(r->options.recipients, NULL, text, strlen(text),
	    &sealed, err);
	explicit_bzero(text, sizeof(text));
	o.data = sealed.data;
	o.len = sealed.len;
	ok = ok && repo_write_new(s, &o, false, err) != REPO_FAILED;
	buf_free(&sealed);
	return ok;
}

bool
repo_key_own(struct repo *r, struct repo_session *s, struct err *err)
{
	bool made = false;

	if (r->encrypted) {
		if (!repo_keyfile_own(r, &r->own, &made, err) ||
		    !publish(r, s, err))
			return false;
		if (made && !r->made)
			log_warning("a new naming key was made for %s: what is "
			    "there already is stored once more",
			    repo_name(r));
	}
	return repo_derive(r, LABEL_SEED, NULL, 0, r->seed, err);
}

/* --- keys to read by --- */

/* r->lock is held. */
static const struct repo_key *
loaded(const struct repo *r, const char *id)
{
	size_t i;

	if (r->own.id[0] != '\0' && strcmp(r->own.id, id) == 0)
		return &r->own;
	for (i = 0; i < r->n_keys; i++) {
		if (strcmp(r->keys[i].id, id) == 0)
			return &r->keys[i];
	}
	return NULL;
}

bool
repo_key_names(struct repo *r, const char *key_id, uint8_t out[REPO_KEY_SIZE])
{
	const struct repo_key *k;

	pthread_mutex_lock(&r->lock);
	if ((k = loaded(r, key_id)) != NULL)
		memcpy(out, k->names, REPO_KEY_SIZE);
	pthread_mutex_unlock(&r->lock);
	return k != NULL;
}

static bool
keep(struct repo *r, const struct repo_key *k)
{
	struct repo_key *keys;
	bool ok = true;

	pthread_mutex_lock(&r->lock);
	if (loaded(r, k->id) == NULL) {
		/* No realloc: what it leaves behind is a secret. */
		if ((keys = calloc(r->n_keys + 1, sizeof(*keys))) == NULL) {
			ok = false;
		} else {
			if (r->n_keys > 0) {
				memcpy(keys, r->keys,
				    r->n_keys * sizeof(*keys));
				explicit_bzero(r->keys,
				    r->n_keys * sizeof(*keys));
			}
			keys[r->n_keys++] = *k;
			free(r->keys);
			r->keys = keys;
		}
	}
	pthread_mutex_unlock(&r->lock);
	return ok;
}

bool
repo_key_can_open(const struct repo *r, struct err *err)
{

	if (r->options.identities != NULL &&
	    age_identities_count(r->options.identities) > 0)
		return true;
	err_set(err, ERR_AUTH, "%s is encrypted, and no identity was given",
	    repo_name(r));
	return err_hint(err, "name the file of the secret key with --identity");
}

/* From the repository. */
static bool
fetch(struct repo *r, const char *id, struct repo_key *k, struct err *err)
{
	char key[OBJECT_SIZE], what[REPO_WHAT_MAX];
	struct repo_session *s;
	struct buf sealed, text;
	bool ok = false;

	object_of(id, key);
	repo_what(r, key, what);
	buf_init(&sealed, REPO_SMALL_MAX);
	buf_init(&text, REPO_SMALL_MAX);
	if ((s = repo_session_new(r, err)) == NULL)
		goto out;
	if (!repo_read(s, key, &sealed, err)) {
		if (err->kind == ERR_NOT_FOUND)
			err_prefix(err, "the naming key is missing");
		goto out;
	}
	if (!age_decrypt(r->options.identities, sealed.data, sealed.len, what,
	    &text, err))
		goto out;
	ok = (repo_key_parse(&text, k) && strcmp(k->id, id) == 0) ||
	    err_set(err, ERR_DAMAGED, "%s is damaged: it does not hold the "
	    "naming key that it is called after", what);
out:
	repo_session_free(s);
	buf_free(&sealed);
	buf_free_secret(&text);
	return ok;
}

bool
repo_key_opens(struct repo *r, const char *key_id)
{
	struct repo_key k;
	struct err err;
	bool ok;

	ok = fetch(r, key_id, &k, &err);
	explicit_bzero(&k, sizeof(k));
	return ok;
}

static bool
is_id(const char *id)
{
	uint8_t bytes[REPO_KEY_ID_SIZE / 2];

	return hash_unhex(id, bytes, sizeof(bytes));
}

bool
repo_load_key(struct repo *r, const char *key_id, struct err *err)
{
	uint8_t names[REPO_KEY_SIZE];
	struct repo_key k;
	bool ok = true;

	if (!r->encrypted)
		return true;
	if (!is_id(key_id))
		return err_set(err, ERR_DAMAGED, "a naming key cannot be "
		    "called \"%s\"", key_id);
	memset(&k, 0, sizeof(k));
	if (repo_key_names(r, key_id, names)) {
		explicit_bzero(names, sizeof(names));
		return true;
	}
	if (!repo_keyfile_find(r, key_id, &k))
		ok = repo_key_can_open(r, err) && fetch(r, key_id, &k, err);
	ok = ok && (keep(r, &k) || err_nomem(err, "naming keys"));
	explicit_bzero(&k, sizeof(k));
	return ok;
}
