#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "codec/age_internal.h"

struct age_writer {
	struct stream_out out;
	struct age_cipher cipher;
	size_t len;		/* of plain text in chunk */
	bool finished;
	uint8_t chunk[AGE_CHUNK + AGE_TAG];
};

/* The header, the nonce, and the key of what follows. */
static bool
begin(struct age_writer *w, const struct age_recipients *r,
    const struct age_random *random, struct err *err)
{
	uint8_t file_key[AGE_KEY], nonce[AGE_KEY];
	struct buf head;
	bool ok = false;

	buf_init(&head, AGE_HEADER_MAX);
	if (age_recipients_count(r) == 0) {
		err_set(err, ERR_USAGE, "nobody to encrypt to");
		goto out;
	}
	if (!age_random_take(random, "spaceferry age v1 file key", NULL,
	    file_key) || !age_random_take(random, "spaceferry age v1 nonce",
	    NULL, nonce)) {
		err_nomem(err, "encryption");
		goto out;
	}
	if (!age_header_write(r, random, file_key, &head, err))
		goto out;
	if (!buf_append(&head, nonce, AGE_NONCE) ||
	    !age_cipher_start(&w->cipher, file_key, nonce)) {
		err_nomem(err, "encryption");
		goto out;
	}
	ok = w->out.write(w->out.arg, head.data, head.len, err);
out:
	sodium_memzero(file_key, sizeof(file_key));
	buf_free(&head);
	return ok;
}

struct age_writer *
age_writer_start(const struct age_recipients *r,
    const struct age_random *random, const struct stream_out *out,
    struct err *err)
{
	struct age_writer *w;

	if ((w = malloc(sizeof(*w))) == NULL) {
		err_nomem(err, "encryption");
		return NULL;
	}
	w->out = *out;
	w->len = 0;
	w->finished = false;
	if (begin(w, r, random, err))
		return w;
	age_writer_free(w);
	return NULL;
}

struct age_writer *
age_writer_new(const struct age_recipients *r, const struct stream_out *out,
    struct err *err)
{
	static const struct age_random chance = { .seed = NULL };

	return age_writer_start(r, &chance, out, err);
}

void
age_writer_free(struct age_writer *w)
{

	if (w == NULL)
		return;
	sodium_memzero(w, sizeof(*w));
	free(w);
}

static bool
flush(struct age_writer *w, bool last, struct err *err)
{
	size_t n = w->len + AGE_TAG;

	age_cipher_seal(&w->cipher, w->chunk, w->len, last);
	w->len = 0;
	return w->out.write(w->out.arg, w->chunk, n, err);
}

static bool
write_plain(void *arg, const void *data, size_t len, struct err *err)
{
	struct age_writer *w = arg;
	const uint8_t *p = data;
	size_t n;

	if (w->finished)
		return err_set(err, ERR_INTERNAL, "more behind the end of an "
		    "age file");
	for (; len > 0; p += n, len -= n) {
		/* A full chunk waits: it may turn out to be the last. */
		if (w->len == AGE_CHUNK && !flush(w, false, err))
			return false;
		n = AGE_CHUNK - w->len < len ? AGE_CHUNK - w->len : len;
		memcpy(w->chunk + w->len, p, n);
		w->len += n;
	}
	return true;
}

struct stream_out
age_writer_stream(struct age_writer *w)
{

	return (struct stream_out){ write_plain, w };
}

bool
age_writer_finish(struct age_writer *w, struct err *err)
{

	if (w->finished)
		return true;
	w->finished = true;
	return flush(w, true, err);
}
