#include <string.h>

#include <sodium.h>

#include "base/file.h"
#include "codec/age_internal.h"

static bool
add_line(void *arg, const char *line, struct err *err)
{

	return age_identities_add(arg, line, err);
}

static bool
is_encrypted(const struct buf *b)
{
	size_t at = 0, n;

	n = strlen(AGE_MAGIC);
	if (b->len >= n && memcmp(b->data, AGE_MAGIC, n) == 0)
		return true;
	n = strlen(AGE_ARMOR_BEGIN);
	while (at < b->len && strchr(" \t\r\n", b->data[at]) != NULL &&
	    b->data[at] != '\0')
		at++;
	return b->len - at >= n &&
	    memcmp(b->data + at, AGE_ARMOR_BEGIN, n) == 0;
}

/* Puts the plain text of b in its place. */
static bool
decrypt(struct buf *b, const char *path, age_passphrase_fn *ask, void *arg,
    struct err *err)
{
	char passphrase[AGE_PASSPHRASE_SIZE] = "";
	struct age_identities *with = NULL;
	struct buf plain;
	bool ok = false;

	buf_init(&plain, AGE_KEYS_MAX);
	if (ask == NULL ||
	    !ask(arg, path, passphrase, sizeof(passphrase))) {
		err_set(err, ERR_AUTH, "%s: it is encrypted with a "
		    "passphrase, and there is none", path);
		goto out;
	}
	if (!buf_reserve(&plain, AGE_KEYS_MAX)) {
		err_nomem(err, path);
		goto out;
	}
	ok = (with = age_identities_new(err)) != NULL &&
	    age_identities_add_passphrase(with, passphrase, err) &&
	    age_decrypt(with, b->data, b->len, path, &plain, err);
	if (ok) {
		buf_reset(b);
		ok = buf_append(b, plain.data, plain.len) ||
		    err_nomem(err, path);
	}
out:
	sodium_memzero(passphrase, sizeof(passphrase));
	buf_free_secret(&plain);
	age_identities_free(with);
	return ok;
}

bool
age_identities_add_file(struct age_identities *i, const char *path,
    age_passphrase_fn *ask, void *arg, struct err *err)
{
	struct buf text;
	size_t n;
	bool ok;

	/* All at once: growing would leave copies behind. */
	buf_init(&text, AGE_KEYS_MAX);
	if (!buf_reserve(&text, AGE_KEYS_MAX))
		return err_nomem(err, path);
	ok = file_read(path, &text, err) &&
	    (!is_encrypted(&text) || decrypt(&text, path, ask, arg, err)) &&
	    age_lines_each(&text, path, &n, add_line, i, err);
	if (ok && n == 0)
		ok = err_set(err, ERR_USAGE, "%s: no identities in it", path);
	buf_free_secret(&text);
	return ok;
}
