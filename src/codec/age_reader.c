#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "codec/age_internal.h"

/* Where an encrypted chunk ends; one byte more says that another follows. */
#define SEALED (AGE_CHUNK + AGE_TAG)

struct age_reader {
	char *name;
	struct age_armor *armor;	/* NULL: none */
	struct age_input input;
	struct age_cipher cipher;
	size_t begin, end;	/* plain text in chunk not yet handed out */
	bool ahead;		/* chunk[SEALED] is the next one's first byte */
	bool ended, failed;
	uint8_t chunk[SEALED + 1];
};

/* Finds the file key in one stanza. */
static enum age_unwrapped
unwrap(const struct age_stanza *s, const struct age_identities *i,
    uint8_t file_key[AGE_FILE_KEY], struct err *err)
{
	enum age_unwrapped result = AGE_NO_MATCH;
	size_t n;

	if (s->kind == AGE_SCRYPT && i->n_passphrases > 0 &&
	    (s->work > i->work_max || s->work == 0)) {
		err_set(err, ERR_UNSUPPORTED, "its passphrase asks for more "
		    "work than 2^%u", i->work_max);
		return AGE_FAILED;
	}
	if (s->kind == AGE_SCRYPT) {
		for (n = 0; n < i->n_passphrases && result == AGE_NO_MATCH; n++)
			result = age_scrypt_unwrap(s, i->passphrases[n],
			    file_key, err);
	} else {
		for (n = 0; n < i->n && result == AGE_NO_MATCH; n++)
			result = age_x25519_unwrap(s, &i->list[n], file_key,
			    err);
	}
	return result;
}

static bool
no_match(const struct age_header *h, const struct age_identities *i,
    const char *name, struct err *err)
{

	if (h->n == 0 || h->stanza[0].kind != AGE_SCRYPT) {
		err_set(err, ERR_AUTH, "%s: none of the identities given can "
		    "decrypt it", name);
		return err_hint(err, "give the identity of one of the "
		    "recipients it was encrypted to");
	}
	return err_set(err, ERR_AUTH, "%s: %s", name, i->n_passphrases > 0 ?
	    "wrong passphrase" : "it is encrypted with a passphrase");
}

/* The file key, once the header is known to be its owner's. */
static bool
read_header(struct age_reader *r, const struct age_identities *i,
    uint8_t file_key[AGE_FILE_KEY], struct err *err)
{
	enum age_unwrapped result = AGE_NO_MATCH;
	struct age_header h;
	uint8_t mac[AGE_KEY];
	bool ok = false;
	size_t n;

	age_header_init(&h);
	if (!age_header_read(&h, &r->input, r->name, err) ||
	    !age_header_parse(&h, r->name, err))
		goto out;
	for (n = 0; n < h.n && result == AGE_NO_MATCH; n++)
		result = unwrap(&h.stanza[n], i, file_key, err);
	if (result == AGE_FAILED)
		err_prefix(err, "%s", r->name);
	else if (result == AGE_NO_MATCH)
		no_match(&h, i, r->name, err);
	else if (!age_header_mac(&h.text, h.signed_len, file_key, mac))
		err_nomem(err, r->name);
	else if (sodium_memcmp(mac, h.mac, sizeof(mac)) != 0)
		err_set(err, ERR_DAMAGED, "%s: its age header was changed",
		    r->name);
	else
		ok = true;
out:
	age_header_free(&h);
	return ok;
}

static bool
begin(struct age_reader *r, const struct age_identities *i, struct err *err)
{
	uint8_t file_key[AGE_FILE_KEY], nonce[AGE_NONCE];
	size_t n;
	bool ok = false;

	if (!read_header(r, i, file_key, err) ||
	    !age_input_read(&r->input, nonce, sizeof(nonce), &n, err))
		goto out;
	if (n < sizeof(nonce))
		err_set(err, ERR_DAMAGED, "%s: cut behind its age header",
		    r->name);
	else if (!age_cipher_start(&r->cipher, file_key, nonce))
		err_nomem(err, r->name);
	else
		ok = true;
out:
	sodium_memzero(file_key, sizeof(file_key));
	return ok;
}

/* Looks at the first byte: a binary file begins with a letter. */
static bool
open_armor(struct age_reader *r, struct err *err)
{
	struct stream_in in;
	int c;

	if ((c = age_input_peek(&r->input, err)) == -2)
		return false;
	if (c != '-' && c != ' ' && c != '\t' && c != '\r' && c != '\n')
		return true;
	if ((r->armor = age_armor_new(&r->input, r->name, err)) == NULL)
		return false;
	in = age_armor_stream(r->armor);
	age_input_start(&r->input, &in);
	return true;
}

struct age_reader *
age_reader_new(const struct age_identities *i, const struct stream_in *in,
    const char *name, struct err *err)
{
	struct age_reader *r;

	if ((r = malloc(sizeof(*r))) == NULL)
		goto fail;
	if ((r->name = strdup(name)) == NULL)
		goto fail_r;
	r->armor = NULL;
	r->begin = r->end = 0;
	r->ahead = r->ended = r->failed = false;
	age_input_start(&r->input, in);
	if (open_armor(r, err) && begin(r, i, err))
		return r;
	age_reader_free(r);
	return NULL;
fail_r:
	free(r);
fail:
	err_nomem(err, name);
	return NULL;
}

void
age_reader_free(struct age_reader *r)
{

	if (r == NULL)
		return;
	age_armor_free(r->armor);
	free(r->name);
	sodium_memzero(&r->cipher, sizeof(r->cipher));
	sodium_memzero(r->chunk, sizeof(r->chunk));
	free(r);
}

/* Decrypts the next chunk. */
static bool
next_chunk(struct age_reader *r, struct err *err)
{
	uint64_t number = r->cipher.n;
	size_t have = 0, n;

	if (r->ahead)
		r->chunk[have++] = r->chunk[SEALED];
	if (!age_input_read(&r->input, r->chunk + have,
	    sizeof(r->chunk) - have, &n, err))
		return false;
	have += n;
	r->ahead = have > SEALED;
	r->ended = !r->ahead;
	if (r->ahead)
		have = SEALED;
	/* Only an empty file ends with an empty chunk. */
	if (have < AGE_TAG || (have == AGE_TAG && number > 0))
		return err_set(err, ERR_DAMAGED, "%s: cut behind chunk %"
		    PRIu64, r->name, number);
	if (!age_cipher_open(&r->cipher, r->chunk, have, r->ended))
		return err_set(err, ERR_DAMAGED, "%s: chunk %" PRIu64 " is "
		    "damaged or cut", r->name, number + 1);
	r->begin = 0;
	r->end = have - AGE_TAG;
	return true;
}

static bool
read_plain(void *arg, void *data, size_t size, size_t *len, struct err *err)
{
	struct age_reader *r = arg;
	size_t n;

	*len = 0;
	if (r->failed)
		return err_set(err, ERR_DAMAGED, "%s: damaged", r->name);
	if (r->begin == r->end && !r->ended && !next_chunk(r, err)) {
		r->failed = true;
		return false;
	}
	n = r->end - r->begin < size ? r->end - r->begin : size;
	memcpy(data, r->chunk + r->begin, n);
	r->begin += n;
	*len = n;
	return true;
}

struct stream_in
age_reader_stream(struct age_reader *r)
{

	return (struct stream_in){ read_plain, r };
}
