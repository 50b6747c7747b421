/*
 * What is compressed comes back, also by gzip(1); what is cut, changed or
 * followed by something else does not.
 */
#include "archive_fixture.h"

#include <zstd.h>

#define MAX ((size_t)1 << 24)

static const enum codec codecs[] = { CODEC_NONE, CODEC_GZIP, CODEC_ZSTD };

/* n bytes that compress somewhat. */
static void
fill(struct buf *b, size_t n)
{
	uint32_t x = 12345;
	size_t i;

	buf_init(b, MAX);
	assert_true(buf_reserve(b, n + 1));
	for (i = 0; i < n; i++) {
		x = x * 1103515245 + 12345;
		b->data[i] = (uint8_t)(i % 3 == 0 ? x >> 16 : i / 100);
	}
	b->len = n;
}

/* Appends the compressed form of from, given in pieces of chunk bytes. */
static void
encode(enum codec codec, const struct buf *from, size_t chunk, struct buf *to)
{
	struct stream_out out = { buf_write, to };
	struct codec_writer *w;
	struct err err;
	size_t at, n;

	w = codec_writer_new(codec, &out, &err);
	assert_non_null(w);
	out = codec_writer_stream(w);
	for (at = 0; at < from->len; at += n) {
		n = from->len - at < chunk ? from->len - at : chunk;
		assert_true(out.write(out.arg, from->data + at, n, &err));
	}
	assert_true(codec_writer_finish(w, &err));
	codec_writer_free(w);
}

/* Appends what the bytes stand for.  False with *err. */
static bool
decode(enum codec codec, const uint8_t *data, size_t len, struct memory *m,
    size_t size, struct buf *to, struct err *err)
{
	struct stream_in in = { memory_read, m };
	struct codec_reader *r;
	size_t n = 1;
	bool ok = true;

	m->data = data;
	m->len = len;
	err_clear(err);
	r = codec_reader_new(codec, &in, "file f", err);
	assert_non_null(r);
	in = codec_reader_stream(r);
	while (ok && n > 0) {
		assert_true(buf_reserve(to, size));
		ok = in.read(in.arg, to->data + to->len, size, &n, err);
		if (ok)
			to->len += n;
	}
	codec_reader_free(r);
	return ok;
}

static void
test_round_trips(void **state)
{
	static const size_t sizes[] = { 0, 1, 1000, 131072, 1000000 };
	static const size_t chunks[] = { 7, 4096, MAX };
	struct buf from, packed, back;
	struct memory m;
	struct err err;
	size_t i, c, k;

	(void)state;
	for (i = 0; i < COUNT(sizes); i++)
		for (c = 0; c < COUNT(codecs); c++)
			for (k = sizes[i] > 200000; k < COUNT(chunks); k++) {
				fill(&from, sizes[i]);
				buf_init(&packed, MAX);
				buf_init(&back, MAX);
				encode(codecs[c], &from, chunks[k], &packed);
				m = (struct memory){ .fail_at = -1,
				    .chunk = chunks[k] };
				if (!decode(codecs[c], packed.data, packed.len,
				    &m, k == 0 ? 11 : 65536, &back, &err))
					fail_msg("%s", err.message);
				assert_int_equal(back.len, from.len);
				if (from.len > 0)
					assert_memory_equal(back.data,
					    from.data, from.len);
				assert_true(c == 0 || from.len < 1000 ||
				    packed.len < from.len);
				buf_free(&back);
				buf_free(&packed);
				buf_free(&from);
			}
}

/* Only the whole of it is read; a changed byte gives an error or changes
 * nothing. */
static void
test_damage(void **state)
{
	struct buf from, packed, back;
	struct memory m;
	struct err err;
	size_t c, n;

	(void)state;
	for (c = 1; c < COUNT(codecs); c++) {
		fill(&from, 600);
		buf_init(&packed, MAX);
		encode(codecs[c], &from, MAX, &packed);
		for (n = 0; n < packed.len; n++) {
			buf_init(&back, MAX);
			m = (struct memory){ .fail_at = -1 };
			assert_false(decode(codecs[c], packed.data, n, &m, 4096,
			    &back, &err));
			assert_int_equal(err.kind, ERR_DAMAGED);
			assert_non_null(strstr(err.message, "file f: it is "
			    "cut"));
			buf_free(&back);
			buf_init(&back, MAX);
			packed.data[n] ^= 0x04;
			m = (struct memory){ .fail_at = -1 };
			if (decode(codecs[c], packed.data, packed.len, &m, 4096,
			    &back, &err)) {
				assert_int_equal(back.len, from.len);
				assert_memory_equal(back.data, from.data,
				    from.len);
			} else {
				assert_true(err.kind == ERR_DAMAGED ||
				    err.kind == ERR_UNSUPPORTED);
			}
			packed.data[n] ^= 0x04;
			buf_free(&back);
		}
		buf_free(&packed);
		buf_free(&from);
	}
}

static void
test_members(void **state)
{
	struct buf from, packed, back;
	struct memory m = { .fail_at = -1, .chunk = 5 };
	struct err err;
	size_t c;

	(void)state;
	for (c = 1; c < COUNT(codecs); c++) {
		fill(&from, 100);
		buf_init(&packed, MAX);
		buf_init(&back, MAX);
		encode(codecs[c], &from, MAX, &packed);
		encode(codecs[c], &from, MAX, &packed);
		m.at = 0;
		assert_true(decode(codecs[c], packed.data, packed.len, &m, 64,
		    &back, &err));
		assert_int_equal(back.len, 200);
		assert_memory_equal(back.data + 100, from.data, 100);
		buf_append(&packed, "garbage", 7);
		buf_reset(&back);
		m.at = 0;
		assert_false(decode(codecs[c], packed.data, packed.len, &m, 64,
		    &back, &err));
		assert_int_equal(err.kind, ERR_DAMAGED);
		buf_free(&back);
		buf_free(&packed);
		buf_free(&from);
	}
}

/* zstd --long=27 wants 128 MiB to be read. */
static void
test_window(void **state)
{
	ZSTD_CCtx *ctx = ZSTD_createCCtx();
	struct buf packed, back;
	struct memory m = { .fail_at = -1 };
	ZSTD_outBuffer out;
	ZSTD_inBuffer in;
	struct err err;

	(void)state;
	ZSTD_CCtx_setParameter(ctx, ZSTD_c_windowLog, 27);
	buf_init(&packed, MAX);
	buf_init(&back, MAX);
	assert_true(buf_reserve(&packed, 1000));
	out = (ZSTD_outBuffer){ packed.data, 1000, 0 };
	in = (ZSTD_inBuffer){ "text", 4, 0 };
	ZSTD_compressStream2(ctx, &out, &in, ZSTD_e_continue);
	ZSTD_compressStream2(ctx, &out, &in, ZSTD_e_end);
	ZSTD_freeCCtx(ctx);
	assert_false(decode(CODEC_ZSTD, packed.data, out.pos, &m, 64, &back,
	    &err));
	assert_int_equal(err.kind, ERR_UNSUPPORTED);
	assert_non_null(strstr(err.message, "larger than 8 MiB"));
	assert_non_null(strstr(err.hint, "--long"));
	buf_free(&back);
	buf_free(&packed);
}

static void
test_failing_ends(void **state)
{
	struct buf from, packed, back, small;
	struct stream_out out = { buf_write, &small };
	struct codec_writer *w;
	struct memory m;
	struct err err;
	size_t c;
	long n;
	bool ok;

	(void)state;
	for (c = 0; c < COUNT(codecs); c++) {
		fill(&from, 3000);
		buf_init(&packed, MAX);
		encode(codecs[c], &from, MAX, &packed);
		for (n = 0, ok = false; !ok; n++) {
			buf_init(&back, MAX);
			m = (struct memory){ .fail_at = n, .chunk = 500 };
			ok = decode(codecs[c], packed.data, packed.len, &m, 900,
			    &back, &err);
			assert_true(ok || err.kind == ERR_DISK);
			buf_free(&back);
		}
		assert_true(n >= 4);
		buf_init(&small, 10);
		w = codec_writer_new(codecs[c], &out, &err);
		assert_non_null(w);
		ok = codec_writer_stream(w).write(w, from.data, from.len, &err)
		    && codec_writer_finish(w, &err);
		assert_false(ok);
		assert_string_equal(err.message, "it is full");
		codec_writer_free(w);
		buf_free(&small);
		buf_free(&packed);
		buf_free(&from);
	}
}

static void
test_gzip_agrees(void **state)
{
	struct buf from, packed, back;
	struct memory m = { .fail_at = -1 };
	struct err err;

	(void)state;
	fill(&from, 300000);
	buf_init(&packed, MAX);
	encode(CODEC_GZIP, &from, 1000, &packed);
	assert_true(file_replace("plain", from.data, from.len, &err));
	assert_true(file_replace("ours.gz", packed.data, packed.len, &err));
	assert_int_equal(system("gzip -dc ours.gz | cmp - plain && "
	    "gzip -c plain >theirs.gz && gzip -c plain >>theirs.gz"), 0);
	buf_reset(&packed);
	assert_true(file_read("theirs.gz", &packed, &err));
	buf_init(&back, MAX);
	assert_true(decode(CODEC_GZIP, packed.data, packed.len, &m, 4096, &back,
	    &err));
	assert_int_equal(back.len, 2 * from.len);
	assert_memory_equal(back.data + from.len, from.data, from.len);
	buf_free(&back);
	buf_free(&packed);
	buf_free(&from);
}

static void
test_names(void **state)
{
	enum codec codec;

	(void)state;
	assert_int_equal(codec_by_name("a.archive"), CODEC_NONE);
	assert_int_equal(codec_by_name("a.archive.gz"), CODEC_GZIP);
	assert_int_equal(codec_by_name("a.zst"), CODEC_ZSTD);
	assert_int_equal(codec_by_name(".gz"), CODEC_NONE);
	assert_int_equal(codec_by_name("-"), CODEC_NONE);
	assert_true(codec_by_word("gzip", &codec) && codec == CODEC_GZIP);
	assert_true(codec_by_word("zstd", &codec) && codec == CODEC_ZSTD);
	assert_true(codec_by_word("none", &codec) && codec == CODEC_NONE);
	assert_false(codec_by_word("lz4", &codec));
	assert_false(codec_by_word("", &codec));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trips),
		cmocka_unit_test(test_damage),
		cmocka_unit_test(test_members),
		cmocka_unit_test(test_window),
		cmocka_unit_test(test_failing_ends),
		cmocka_unit_test_setup_teardown(test_gzip_agrees, make_root,
		    remove_root),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
