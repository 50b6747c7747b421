/*
 * Three identities, memory as a stream that gives chunk bytes at a time, and
 * both ways to decrypt what must be accepted or refused.
 */
#ifndef AGE_FIXTURE_H
#define AGE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/hash.h"
#include "codec/age.h"

#define MAX ((size_t)8 << 20)

#define ID1 \
    "AGE-SECRET-KEY-1N0KMFR3M2AQMTLRJ7745SDSPLSKZX8XVYAM62AYUGH7E5JHLV06QWA59TU"
#define TO1 "age1swe9pr4xa3xu0568wk9m8d30ddaf5wydzr2ycuvwkqk2ln9atatsa45k7n"
#define ID2 \
    "AGE-SECRET-KEY-1777RRHU4QQ8A935UN6MZDPDDNT4QNTLGM5KCNGP6HHLV5HQN5VQSCRCC2W"
#define TO2 "age19gmfcmg52cacj23kd0k3s38h57uc2cjakkvruk6ls7hga95nsqzs2ufvuu"
#define ID3 \
    "AGE-SECRET-KEY-1YV5PWLV9G7PN0HP4UQUDPKT44TY7YPTRX054RUTXLQKMD2KNTZPQ54AZ5T"

struct memory {
	const uint8_t *data;
	size_t len, chunk;
};

static inline bool
memory_read(void *arg, void *data, size_t size, size_t *len, struct err *err)
{
	struct memory *m = arg;

	(void)err;
	*len = m->len < size ? m->len : size;
	if (*len > m->chunk)
		*len = m->chunk;
	if (*len > 0) {
		memcpy(data, m->data, *len);
		m->data += *len;
		m->len -= *len;
	}
	return true;
}

static inline bool
memory_write(void *arg, const void *data, size_t len, struct err *err)
{

	return buf_append(arg, data, len) || err_nomem(err, "memory");
}

/* Appends all that a reader hands out before the end, or before it fails. */
static inline bool
decrypt_stream(const struct age_identities *i, const uint8_t *data,
    size_t len, size_t chunk, struct buf *out, struct err *err)
{
	struct memory m = { data, len, chunk };
	struct stream_in in = { memory_read, &m };
	struct age_reader *r;
	uint8_t part[1000];
	size_t n = 1;
	bool ok = true;

	if ((r = age_reader_new(i, &in, "file f", err)) == NULL)
		return false;
	in = age_reader_stream(r);
	while (ok && n > 0) {
		ok = in.read(in.arg, part, sizeof(part), &n, err);
		if (ok)
			assert_true(buf_append(out, part, n));
	}
	if (!ok) {
		struct err again;

		assert_false(in.read(in.arg, part, sizeof(part), &n, &again));
	}
	age_reader_free(r);
	return ok;
}

static inline struct age_recipients *
recipients(const char *one, const char *two)
{
	struct age_recipients *r;
	struct err err;

	assert_non_null(r = age_recipients_new(&err));
	if (one != NULL)
		assert_true(age_recipients_add(r, one, &err));
	if (two != NULL)
		assert_true(age_recipients_add(r, two, &err));
	return r;
}

static inline struct age_identities *
identities(const char *one)
{
	struct age_identities *i;
	struct err err;

	assert_non_null(i = age_identities_new(&err));
	if (one != NULL)
		assert_true(age_identities_add(i, one, &err));
	return i;
}

static inline uint8_t *
fill(size_t n)
{
	uint8_t *data = malloc(n + 1);
	size_t k;

	assert_non_null(data);
	for (k = 0; k < n; k++)
		data[k] = (uint8_t)(k * 7 + k / 256);
	return data;
}

/* The file of data to TO1 and TO2. */
static inline void
encrypt(const uint8_t *with, const void *data, size_t len, struct buf *out)
{
	struct age_recipients *r = recipients(TO1, TO2);
	struct err err;

	buf_init(out, MAX);
	assert_true(age_encrypt(r, with, data, len, out, &err));
	age_recipients_free(r);
}

/* Neither way to decrypt takes it; nothing of it is appended by the block's,
 * and by the stream's nothing that is not at the beginning of plain. */
static inline enum err_kind
refuse(const struct age_identities *i, const uint8_t *data, size_t len,
    const uint8_t *plain)
{
	uint8_t *exact = malloc(len > 0 ? len : 1);
	struct buf out;
	struct err err, err2;

	assert_non_null(exact);
	if (len > 0)
		memcpy(exact, data, len);
	buf_init(&out, MAX);
	assert_true(buf_append(&out, "abc", 3));
	assert_false(age_decrypt(i, exact, len, "file f", &out, &err));
	assert_int_equal(out.len, 3);
	assert_memory_equal(out.data, "abc", 3);
	assert_non_null(strstr(err.message, "file f"));
	buf_reset(&out);
	assert_false(decrypt_stream(i, exact, len, 4096, &out, &err2));
	assert_int_equal(err.kind, err2.kind);
	if (out.len > 0)
		assert_memory_equal(out.data, plain, out.len);
	buf_free(&out);
	free(exact);
	return err.kind;
}

static inline void
accept(const struct age_identities *i, const struct buf *file,
    const uint8_t *plain, size_t len)
{
	static const size_t chunks[] = { MAX, 997 };
	struct buf out;
	struct err err;
	size_t n;

	buf_init(&out, MAX);
	assert_true(buf_append(&out, "abc", 3));
	assert_true(age_decrypt(i, file->data, file->len, "file f", &out,
	    &err));
	assert_int_equal(out.len, len + 3);
	assert_memory_equal(out.data, "abc", 3);
	assert_memory_equal(out.data + 3, plain, len);
	for (n = 0; n < 2; n++) {
		buf_reset(&out);
		assert_true(decrypt_stream(i, file->data, file->len,
		    chunks[n], &out, &err));
		assert_int_equal(out.len, len);
		if (len > 0)
			assert_memory_equal(out.data, plain, len);
	}
	/* No room for the last byte. */
	buf_free(&out);
	if (len > 0) {
		buf_init(&out, len - 1 > 0 ? len - 1 : 1);
		if (len == 1)
			assert_true(buf_append(&out, "x", 1));
		n = out.len;
		assert_false(age_decrypt(i, file->data, file->len, "file f",
		    &out, &err));
		assert_int_equal(err.kind, ERR_TOO_LARGE);
		assert_int_equal(out.len, n);
		buf_free(&out);
		buf_init(&out, len);
		assert_true(age_decrypt(i, file->data, file->len, "file f",
		    &out, &err));
		buf_free(&out);
	}
}

#endif
