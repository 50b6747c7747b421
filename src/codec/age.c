#include <string.h>

#include "base/hash.h"
#include "codec/age_internal.h"

struct memory {
	const uint8_t *data;
	size_t len;
};

static bool
read_memory(void *arg, void *data, size_t size, size_t *len, struct err *err)
{
	struct memory *m = arg;

	(void)err;
	*len = m->len < size ? m->len : size;
	if (*len > 0) {
		memcpy(data, m->data, *len);
		m->data += *len;
		m->len -= *len;
	}
	return true;
}

static bool
write_buf(void *arg, const void *data, size_t len, struct err *err)
{
	struct buf *b = arg;

	if (len > b->max - b->len)
		return err_set(err, ERR_TOO_LARGE, "the encrypted block does "
		    "not fit into %zu bytes", b->max);
	return buf_append(b, data, len) || err_nomem(err, "encryption");
}

bool
age_encrypt(const struct age_recipients *r, const uint8_t seed[AGE_SEED_SIZE],
    const void *data, size_t len, struct buf *out, struct err *err)
{
	struct age_random random = { .seed = seed };
	struct stream_out to = { write_buf, out };
	struct age_writer *w;
	size_t before = out->len, need;
	bool ok;

	if (seed != NULL && !hash_sha256(data, len, random.digest))
		return err_nomem(err, "encryption");
	/* Room for all at once, where that is allowed. */
	need = len + len / AGE_CHUNK * AGE_TAG + 128 * (r->n + 3);
	if (need <= out->max - out->len && !buf_reserve(out, need))
		return err_nomem(err, "encryption");
	if ((w = age_writer_start(r, &random, &to, err)) == NULL) {
		buf_truncate(out, before);
		return false;
	}
	to = age_writer_stream(w);
	ok = to.write(to.arg, data, len, err) && age_writer_finish(w, err);
	age_writer_free(w);
	if (!ok)
		buf_truncate(out, before);
	return ok;
}

/* Reads to the end, into what room there is. */
static bool
read_all(struct age_reader *r, const char *name, struct buf *out,
    struct err *err)
{
	struct stream_in in = age_reader_stream(r);
	size_t room, n;
	uint8_t more;

	do {
		room = out->max - out->len;
		if (room == 0) {
			if (!in.read(in.arg, &more, 1, &n, err))
				return false;
			return n == 0 || err_set(err, ERR_TOO_LARGE, "%s: "
			    "larger than %zu bytes", name, out->max);
		}
		if (room > AGE_CHUNK)
			room = AGE_CHUNK;
		if (!buf_reserve(out, room))
			return err_nomem(err, name);
		if (!in.read(in.arg, out->data + out->len, room, &n, err))
			return false;
		out->len += n;
	} while (n > 0);
	return true;
}

bool
age_decrypt(const struct age_identities *i, const void *data, size_t len,
    const char *name, struct buf *out, struct err *err)
{
	struct memory m = { data, len };
	struct stream_in in = { read_memory, &m };
	struct age_reader *r;
	size_t before = out->len;
	bool ok;

	if (len <= out->max - out->len && !buf_reserve(out, len))
		return err_nomem(err, name);
	if ((r = age_reader_new(i, &in, name, err)) == NULL)
		return false;
	ok = read_all(r, name, out, err);
	age_reader_free(r);
	if (!ok)
		buf_truncate(out, before);
	return ok;
}
