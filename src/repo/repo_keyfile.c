#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/file.h"
#include "base/home.h"
#include "base/log.h"
#include "repo/repo_internal.h"

#define ENVIRONMENT "SPACEFERRY_NAMING_KEY"
#define LABEL_ENVIRONMENT "spaceferry naming key"

/* The folder of all naming keys; freed by the caller. */
static char *
folder(const struct repo *r, struct err *err)
{
	const char *given = r->options.key_folder;
	char *base, *path;

	if (given != NULL && strncasecmp(given, "file:///", 8) == 0)
		given += 7;
	if (given != NULL && strstr(given, "://") != NULL) {
		err_set(err, ERR_USAGE, "the naming key of %s is kept on this "
		    "machine: --state has to be a folder", repo_name(r));
		err_hint(err, "name a folder that lasts, or set " ENVIRONMENT
		    " to 64 random hex digits that stay the same (openssl rand "
		    "-hex 32)");
		return NULL;
	}
	base = given != NULL ? strdup(given) : home_state(err);
	if (base == NULL) {
		if (given != NULL)
			err_nomem(err, given);
		return NULL;
	}
	if (asprintf(&path, "%s/keys", base) < 0) {
		err_nomem(err, base);
		path = NULL;
	}
	free(base);
	return path;
}

/* --- one file --- */

enum found { FOUND, ABSENT, FAILED };

static enum found
read_file(const char *path, struct repo_key *k, struct err *err)
{
	enum found found = FAILED;
	struct buf text;

	buf_init(&text, 4096);
	if (!file_read(path, &text, err)) {
		if (err->kind == ERR_NOT_FOUND)
			found = ABSENT;
	} else if (!repo_key_parse(&text, k)) {
		err_set(err, ERR_DAMAGED, "%s is damaged: it holds no naming "
		    "key", path);
		err_hint(err, "put the file back from a copy, or remove it: a "
		    "new key is made then, and everything stored once more");
	} else {
		found = FOUND;
	}
	buf_free_secret(&text);
	return found;
}

/* Under a name of its own first, then linked: of two that make one at a time,
 * one wins. */
static bool
write_file(const char *path, const struct repo_key *k, struct err *err)
{
	char name[FILE_TEMP_NAME_SIZE], text[REPO_KEY_TEXT_SIZE], *temp;
	int slash = (int)(strrchr(path, '/') - path);
	bool ok;

	if (!file_temp_name(name, err))
		return false;
	if (asprintf(&temp, "%.*s/%s", slash, path, name) < 0)
		return err_nomem(err, path);
	repo_key_text(k, text);
	ok = file_replace(temp, text, strlen(text), err);
	explicit_bzero(text, sizeof(text));
	if (ok && link(temp, path) != 0 && errno != EEXIST)
		ok = err_set_errno(err, ERR_DISK, errno, "cannot write %s",
		    path);
	unlink(temp);
	ok = ok && file_sync_folder_of(path, err);
	free(temp);
	return ok;
}

/* --- the key for these recipients --- */

static bool
fingerprint(const struct repo *r, uint8_t out[HASH_SHA256_SIZE],
    struct err *err)
{

	if (age_recipients_fingerprint(r->options.recipients, out))
		return true;
	err_set(err, ERR_UNSUPPORTED, "a repository is encrypted to "
	    "recipients, not with a passphrase");
	return err_hint(err, "make a key pair with age-keygen; its file may be "
	    "encrypted with a passphrase (age -p)");
}

/* Not the key itself, but one for these recipients: blobs that were stored for
 * others must not count as there. */
static bool
from_environment(const struct repo *r, const char *hex, struct repo_key *k,
    struct err *err)
{
	uint8_t secret[REPO_KEY_SIZE], text[64 + HASH_SHA256_SIZE];
	const size_t n = sizeof(LABEL_ENVIRONMENT);
	bool ok;

	if (!hash_unhex(hex, secret, sizeof(secret))) {
		err_set(err, ERR_USAGE, ENVIRONMENT " has to be 64 hex digits");
		return err_hint(err, "make them once with `openssl rand -hex "
		    "32`, and keep them secret");
	}
	memcpy(text, LABEL_ENVIRONMENT, n);
	ok = fingerprint(r, text + n, err) &&
	    ((hash_hmac_sha256(secret, sizeof(secret), text,
	    n + HASH_SHA256_SIZE, k->key) && repo_key_fill(k)) ||
	    err_nomem(err, ENVIRONMENT));
	explicit_bzero(secret, sizeof(secret));
	return ok;
}

static bool
make(const char *path, struct repo_key *k, bool *made, struct err *err)
{
	char text[REPO_KEY_TEXT_SIZE];
	bool ok;

	if (!hash_random(k->key, sizeof(k->key)))
		return err_set(err, ERR_INTERNAL, "no random bytes");
	repo_key_text(k, text);
	/* Another may have been faster: what is there counts. */
	ok = write_file(path, k, err) && read_file(path, k, err) == FOUND;
	if (ok) {
		char there[REPO_KEY_TEXT_SIZE];

		repo_key_text(k, there);
		*made = memcmp(there, text, sizeof(there)) == 0;
		explicit_bzero(there, sizeof(there));
	}
	explicit_bzero(text, sizeof(text));
	return ok;
}

bool
repo_keyfile_own(const struct repo *r, struct repo_key *k, bool *made,
    struct err *err)
{
	char hex[16 + 1], *in, *path = NULL;
	const char *environment = getenv(ENVIRONMENT);
	uint8_t print[HASH_SHA256_SIZE];
	bool ok = false;

	*made = false;
	if (environment != NULL && *environment != '\0')
		return from_environment(r, environment, k, err);
	if (!fingerprint(r, print, err) || (in = folder(r, err)) == NULL)
		return false;
	hash_hex(print, sizeof(hex) / 2, hex);
	if (asprintf(&path, "%s/%s-%s", in, r->id, hex) < 0) {
		path = NULL;
		err_nomem(err, in);
		goto out;
	}
	switch (read_file(path, k, err)) {
	case FOUND:
		ok = true;
		break;
	case ABSENT:
		ok = file_make_folders(in, 0700, err) &&
		    make(path, k, made, err);
		break;
	case FAILED:
		break;
	}
out:
	if (!ok)
		err_prefix(err, "the naming key");
	free(path);
	free(in);
	return ok;
}

/* --- a key by its id --- */

bool
repo_keyfile_find(const struct repo *r, const char *id, struct repo_key *k)
{
	struct dirent *e;
	struct err err;
	bool found = false;
	char *in, *path;
	DIR *d;

	if ((in = folder(r, &err)) == NULL)
		return false;
	if ((d = opendir(in)) == NULL)
		goto out;
	while (!found && (e = readdir(d)) != NULL) {
		if (strncmp(e->d_name, r->id, strlen(r->id)) != 0 ||
		    e->d_name[strlen(r->id)] != '-' ||
		    asprintf(&path, "%s/%s", in, e->d_name) < 0)
			continue;
		if (read_file(path, k, &err) == FAILED)
			log_debug("%s", err.message);
		else
			found = strcmp(k->id, id) == 0;
		free(path);
	}
	closedir(d);
out:
	free(in);
	return found;
}
