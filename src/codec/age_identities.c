#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "codec/age_internal.h"

struct age_identities *
age_identities_new(struct err *err)
{
	struct age_identities *i;

	if (sodium_init() < 0) {
		err_set(err, ERR_INTERNAL, "libsodium does not start");
		return NULL;
	}
	if ((i = calloc(1, sizeof(*i))) == NULL) {
		err_nomem(err, "identities");
		return NULL;
	}
	i->work_max = AGE_WORK_MAX;
	return i;
}

void
age_identities_free(struct age_identities *i)
{
	size_t n;

	if (i == NULL)
		return;
	for (n = 0; n < i->n_passphrases; n++) {
		sodium_memzero(i->passphrases[n], strlen(i->passphrases[n]));
		free(i->passphrases[n]);
	}
	sodium_memzero(i, sizeof(*i));
	free(i);
}

static bool
begins(const char *text, const char *with)
{

	return strncmp(text, with, strlen(with)) == 0;
}

/* What text is instead; it is never quoted. */
static bool
refuse(const char *text, struct err *err)
{

	if (begins(text, AGE_IDENTITY))
		return err_set(err, ERR_USAGE, "mistyped age identity");
	if (begins(text, "AGE-"))
		return err_set(err, ERR_UNSUPPORTED, "only X25519 identities "
		    "(%s...) are supported", AGE_IDENTITY);
	if (begins(text, "-----BEGIN"))
		return err_set(err, ERR_UNSUPPORTED, "ssh keys as identities "
		    "are not supported");
	if (begins(text, AGE_RECIPIENT)) {
		err_set(err, ERR_USAGE, "a recipient where an identity is "
		    "wanted");
		return err_hint(err, "the identity is the line "
		    "%s... that age-keygen made with it", AGE_IDENTITY);
	}
	return err_set(err, ERR_USAGE, "not an age identity (%s...)",
	    AGE_IDENTITY);
}

bool
age_identities_add(struct age_identities *i, const char *text,
    struct err *err)
{
	struct age_identity *to = &i->list[i->n];

	if (i->n == AGE_IDENTITIES_MAX)
		return err_set(err, ERR_USAGE, "more than %d identities",
		    AGE_IDENTITIES_MAX);
	if (!age_bech32_decode(AGE_IDENTITY, text, to->secret) ||
	    crypto_scalarmult_curve25519_base(to->key, to->secret) != 0) {
		sodium_memzero(to, sizeof(*to));
		return refuse(text, err);
	}
	i->n++;
	return true;
}

bool
age_identities_add_passphrase(struct age_identities *i,
    const char *passphrase, struct err *err)
{

	if (i->n_passphrases == AGE_PASSPHRASES_MAX)
		return err_set(err, ERR_USAGE, "more than %d passphrases",
		    AGE_PASSPHRASES_MAX);
	if (*passphrase == '\0')
		return err_set(err, ERR_USAGE, "the passphrase is empty");
	i->passphrases[i->n_passphrases] = strdup(passphrase);
	if (i->passphrases[i->n_passphrases] == NULL)
		return err_nomem(err, "passphrase");
	i->n_passphrases++;
	return true;
}

size_t
age_identities_count(const struct age_identities *i)
{

	return i->n + i->n_passphrases;
}
