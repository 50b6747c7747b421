#include <string.h>

#include <sodium.h>

#include "codec/age_internal.h"

static bool
append_base64(struct buf *out, const uint8_t *data, size_t len)
{
	char text[64];

	sodium_bin2base64(text, sizeof(text), data, len,
	    sodium_base64_VARIANT_ORIGINAL_NO_PADDING);
	return buf_append_str(out, text);
}

static bool
write_stanza(struct buf *out, const struct age_stanza *s, struct err *err)
{
	bool ok;

	if (s->kind == AGE_SCRYPT)
		ok = buf_append_str(out, "-> scrypt ") &&
		    append_base64(out, s->share, AGE_SALT) &&
		    buf_printf(out, " %u\n", s->work);
	else
		ok = buf_append_str(out, "-> X25519 ") &&
		    append_base64(out, s->share, AGE_KEY) &&
		    buf_append_byte(out, '\n');
	return (ok && append_base64(out, s->wrapped, AGE_WRAPPED) &&
	    buf_append_byte(out, '\n')) || err_nomem(err, "age header");
}

static bool
write_recipient(struct buf *out, const struct age_recipient *to,
    const struct age_random *random, const uint8_t file_key[AGE_FILE_KEY],
    struct err *err)
{
	struct age_stanza s = { .kind = AGE_X25519 };
	uint8_t ephemeral[AGE_KEY];
	bool ok;

	ok = age_random_take(random, "spaceferry age v1 ephemeral", to->key,
	    ephemeral) && age_x25519_wrap(&s, to->key, ephemeral, file_key);
	sodium_memzero(ephemeral, sizeof(ephemeral));
	if (!ok)
		return err_set(err, ERR_INTERNAL, "cannot encrypt to %s",
		    to->text);
	return write_stanza(out, &s, err);
}

static bool
write_passphrase(struct buf *out, const struct age_recipients *r,
    const struct age_random *random, const uint8_t file_key[AGE_FILE_KEY],
    struct err *err)
{
	struct age_stanza s = { .kind = AGE_SCRYPT, .work = r->work };

	if (!age_random_take(random, "spaceferry age v1 salt", NULL, s.share))
		return err_nomem(err, "age header");
	return age_scrypt_wrap(&s, r->passphrase, file_key, err) &&
	    write_stanza(out, &s, err);
}

bool
age_header_write(const struct age_recipients *r,
    const struct age_random *random, const uint8_t file_key[AGE_FILE_KEY],
    struct buf *out, struct err *err)
{
	uint8_t mac[AGE_KEY];
	size_t i;

	if (!buf_append_str(out, AGE_MAGIC "v1\n"))
		return err_nomem(err, "age header");
	for (i = 0; i < r->n; i++) {
		if (!write_recipient(out, &r->list[i], random, file_key, err))
			return false;
	}
	if (r->passphrase != NULL &&
	    !write_passphrase(out, r, random, file_key, err))
		return false;
	return (buf_append_str(out, "---") &&
	    age_header_mac(out, out->len, file_key, mac) &&
	    buf_append_byte(out, ' ') &&
	    append_base64(out, mac, sizeof(mac)) &&
	    buf_append_byte(out, '\n')) || err_nomem(err, "age header");
}
