#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "base/file.h"
#include "base/hash.h"
#include "codec/age_internal.h"

struct age_recipients *
age_recipients_new(struct err *err)
{
	struct age_recipients *r;

	if (sodium_init() < 0) {
		err_set(err, ERR_INTERNAL, "libsodium does not start");
		return NULL;
	}
	if ((r = calloc(1, sizeof(*r))) == NULL)
		err_nomem(err, "recipients");
	return r;
}

void
age_recipients_free(struct age_recipients *r)
{

	if (r == NULL)
		return;
	if (r->passphrase != NULL)
		sodium_memzero(r->passphrase, strlen(r->passphrase));
	free(r->passphrase);
	free(r);
}

/* What text is instead; it is not quoted, for it may be a secret. */
static bool
refuse(const char *text, struct err *err)
{

	if (strncasecmp(text, "AGE-SECRET-KEY-", 15) == 0) {
		err_set(err, ERR_USAGE, "a secret key where a recipient is "
		    "wanted");
		return err_hint(err, "`age-keygen -y FILE` prints the "
		    "recipient of an identity");
	}
	if (strncmp(text, "ssh-", 4) == 0) {
		err_set(err, ERR_UNSUPPORTED, "ssh keys as recipients are not "
		    "supported");
		return err_hint(err, "`age-keygen` makes an identity and its "
		    "recipient");
	}
	if (strncmp(text, AGE_RECIPIENT, strlen(AGE_RECIPIENT)) != 0)
		return err_set(err, ERR_USAGE, "not an age recipient "
		    "(age1...)");
	/* Bech32 has no "1" in its data: what stands before it is a name. */
	if (strchr(text + strlen(AGE_RECIPIENT), '1') != NULL &&
	    strpbrk(text, " \t,") == NULL)
		return err_set(err, ERR_UNSUPPORTED, "only X25519 recipients "
		    "are supported: %.100s", text);
	return err_set(err, ERR_USAGE, "mistyped age recipient: %.100s", text);
}

bool
age_recipients_add(struct age_recipients *r, const char *text,
    struct err *err)
{
	uint8_t key[AGE_KEY];
	size_t i;
	int order = 1;

	if (!age_bech32_decode(AGE_RECIPIENT, text, key))
		return refuse(text, err);
	if (age_x25519_is_weak(key))
		return err_set(err, ERR_USAGE, "nothing can be encrypted to "
		    "%s", text);
	if (r->passphrase != NULL)
		return err_set(err, ERR_USAGE, "a recipient beside a "
		    "passphrase");
	for (i = 0; i < r->n; i++) {
		if ((order = strcmp(r->list[i].text, text)) >= 0)
			break;
	}
	if (order == 0)
		return true;
	if (r->n == AGE_RECIPIENTS_MAX)
		return err_set(err, ERR_USAGE, "more than %d recipients",
		    AGE_RECIPIENTS_MAX);
	memmove(&r->list[i + 1], &r->list[i],
	    (r->n - i) * sizeof(*r->list));
	memcpy(r->list[i].text, text, strlen(text) + 1);
	memcpy(r->list[i].key, key, sizeof(key));
	r->n++;
	return true;
}

static bool
add_line(void *arg, const char *line, struct err *err)
{

	return age_recipients_add(arg, line, err);
}

bool
age_recipients_add_file(struct age_recipients *r, const char *path,
    struct err *err)
{
	struct buf text;
	size_t n;
	bool ok;

	/* (It may be a file of secrets, given by mistake.) */
	buf_init(&text, AGE_KEYS_MAX);
	ok = (buf_reserve(&text, AGE_KEYS_MAX) || err_nomem(err, path)) &&
	    file_read(path, &text, err) &&
	    age_lines_each(&text, path, &n, add_line, r, err);
	if (ok && n == 0)
		ok = err_set(err, ERR_USAGE, "%s: no recipients in it", path);
	buf_free_secret(&text);
	return ok;
}

bool
age_recipients_add_passphrase(struct age_recipients *r,
    const char *passphrase, unsigned work, struct err *err)
{

	if (r->n > 0 || r->passphrase != NULL)
		return err_set(err, ERR_USAGE, "a passphrase beside other "
		    "recipients");
	if (*passphrase == '\0')
		return err_set(err, ERR_USAGE, "the passphrase is empty");
	if (work > AGE_WORK_MAX)
		return err_set(err, ERR_USAGE, "scrypt's work is at most %d",
		    AGE_WORK_MAX);
	if ((r->passphrase = strdup(passphrase)) == NULL)
		return err_nomem(err, "passphrase");
	r->work = work > 0 ? work : AGE_WORK;
	return true;
}

size_t
age_recipients_count(const struct age_recipients *r)
{

	return r->passphrase != NULL ? 1 : r->n;
}

bool
age_recipients_fingerprint(const struct age_recipients *r, uint8_t out[32])
{
	struct buf lines;
	bool ok = r->passphrase == NULL;
	size_t i;

	buf_init(&lines, sizeof(r->list));
	for (i = 0; i < r->n; i++)
		ok = ok && buf_append_str(&lines, r->list[i].text) &&
		    buf_append_byte(&lines, '\n');
	ok = ok && hash_sha256(lines.data, lines.len, out);
	buf_free(&lines);
	return ok;
}
