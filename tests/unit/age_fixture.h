/*
 * Memory as a stream that gives chunk bytes at a time, and both ways to
 * decrypt.
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

#endif
