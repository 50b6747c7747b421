/*
 * A block comes back, is the same frame whatever was compressed before, and is
 * refused when cut, changed to mean something else, continued, larger than
 * asked for, or silent about its size.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <zstd.h>

#include "codec/block.h"

#define MOST ((size_t)1 << 20)

/* n bytes that compress somewhat. */
static uint8_t *
fill(size_t n)
{
	uint8_t *data = malloc(n + 1);
	uint32_t x = 12345;
	size_t i;

	assert_non_null(data);
	for (i = 0; i < n; i++) {
		x = x * 1103515245 + 12345;
		data[i] = (uint8_t)(i % 3 == 0 ? x >> 16 : i / 100);
	}
	return data;
}

static void
test_round_trips(void **state)
{
	static const size_t sizes[] = { 0, 1, 1000, 131073, MOST, 0, 1000 };
	struct block_codec *c;
	struct buf packed, again, back;
	struct err err;
	size_t i;

	(void)state;
	assert_non_null(c = block_codec_new(&err));
	buf_init(&packed, 2 * MOST);
	buf_init(&again, 2 * MOST);
	buf_init(&back, MOST + 3);
	for (i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		uint8_t *data = fill(sizes[i]);
		struct block_codec *fresh = block_codec_new(&err);

		buf_reset(&packed);
		buf_reset(&again);
		buf_reset(&back);
		assert_non_null(fresh);
		assert_true(block_compress(c, data, sizes[i], &packed, &err));
		assert_true(block_compress(fresh, data, sizes[i], &again,
		    &err));
		assert_int_equal(packed.len, again.len);
		assert_memory_equal(packed.data, again.data, packed.len);
		assert_int_equal(ZSTD_getFrameContentSize(packed.data,
		    packed.len), sizes[i]);
		assert_true(packed.data[4] & 4);	/* the checksum flag */
		assert_true(buf_append(&back, "abc", 3));
		assert_true(block_decompress(c, packed.data, packed.len,
		    sizes[i], "b", &back, &err));
		assert_int_equal(back.len, sizes[i] + 3);
		assert_memory_equal(back.data, "abc", 3);
		assert_memory_equal(back.data + 3, data, sizes[i]);
		block_codec_free(fresh);
		free(data);
	}
	buf_free(&packed);
	buf_free(&again);
	buf_free(&back);
	block_codec_free(c);
}

/* Must be refused as damaged, with out as it was. */
static void
refuse(struct block_codec *c, const uint8_t *data, size_t len, size_t most)
{
	uint8_t *exact = malloc(len + 1);
	struct buf out;
	struct err err;

	assert_non_null(exact);
	if (len > 0)
		memcpy(exact, data, len);
	exact = realloc(exact, len > 0 ? len : 1);
	buf_init(&out, MOST);
	assert_true(buf_append(&out, "abc", 3));
	err_clear(&err);
	assert_false(block_decompress(c, exact, len, most, "block 7", &out,
	    &err));
	assert_int_equal(err.kind, ERR_DAMAGED);
	assert_non_null(strstr(err.message, "block 7"));
	assert_int_equal(out.len, 3);
	assert_memory_equal(out.data, "abc", 3);
	buf_free(&out);
	free(exact);
}

static void
test_damage(void **state)
{
	static const uint8_t skippable[] = { 0x50, 0x2a, 0x4d, 0x18, 0, 0, 0,
	    0 };
	uint8_t *data = fill(3000);
	struct block_codec *c;
	struct buf packed, back;
	struct err err;
	size_t i, len, same = 0;

	(void)state;
	assert_non_null(c = block_codec_new(&err));
	buf_init(&packed, MOST);
	assert_true(block_compress(c, data, 3000, &packed, &err));
	len = packed.len;
	for (i = 0; i < len; i++)
		refuse(c, packed.data, i, MOST);
	refuse(c, packed.data, len, 2999);
	refuse(c, skippable, sizeof(skippable), MOST);
	/* (A few bits of a frame mean nothing.) */
	for (i = 0; i < len * 8; i++) {
		packed.data[i / 8] ^= (uint8_t)(1 << i % 8);
		buf_init(&back, MOST);
		if (block_decompress(c, packed.data, len, MOST, "b", &back,
		    &err)) {
			assert_int_equal(back.len, 3000);
			assert_memory_equal(back.data, data, 3000);
			same++;
		} else {
			assert_int_equal(err.kind, ERR_DAMAGED);
			assert_int_equal(back.len, 0);
		}
		buf_free(&back);
		packed.data[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	assert_true(same <= 8);
	assert_true(buf_append_byte(&packed, 0));
	refuse(c, packed.data, packed.len, MOST);
	buf_truncate(&packed, len);
	assert_true(buf_append(&packed, skippable, sizeof(skippable)));
	refuse(c, packed.data, packed.len, MOST);
	buf_truncate(&packed, len);
	assert_true(block_compress(c, data, 3000, &packed, &err));
	refuse(c, packed.data, packed.len, MOST);
	/* After all that the codec still works. */
	buf_init(&back, 3000);
	assert_true(block_decompress(c, packed.data, len, 3000, "b", &back,
	    &err));
	assert_memory_equal(back.data, data, 3000);
	buf_free(&back);
	buf_free(&packed);
	block_codec_free(c);
	free(data);
}

static void
test_no_size(void **state)
{
	uint8_t packed[200];
	ZSTD_CCtx *ctx = ZSTD_createCCtx();
	struct block_codec *c;
	struct err err;
	size_t n;

	(void)state;
	assert_non_null(c = block_codec_new(&err));
	ZSTD_CCtx_setParameter(ctx, ZSTD_c_contentSizeFlag, 0);
	n = ZSTD_compress2(ctx, packed, sizeof(packed), "hello", 5);
	assert_false(ZSTD_isError(n));
	refuse(c, packed, n, MOST);
	ZSTD_freeCCtx(ctx);
	block_codec_free(c);
}

static void
test_no_room(void **state)
{
	uint8_t *data = fill(3000);
	struct block_codec *c;
	struct buf packed, small;
	struct err err;

	(void)state;
	assert_non_null(c = block_codec_new(&err));
	buf_init(&packed, MOST);
	buf_init(&small, 2999);
	assert_true(block_compress(c, data, 3000, &packed, &err));
	assert_false(block_compress(c, data, 3000, &small, &err));
	assert_int_equal(err.kind, ERR_TOO_LARGE);
	assert_int_equal(small.len, 0);
	assert_false(block_decompress(c, packed.data, packed.len, MOST, "b",
	    &small, &err));
	assert_int_equal(err.kind, ERR_TOO_LARGE);
	assert_int_equal(small.len, 0);
	buf_free(&packed);
	block_codec_free(c);
	free(data);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trips),
		cmocka_unit_test(test_damage),
		cmocka_unit_test(test_no_size),
		cmocka_unit_test(test_no_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
