#include <stdint.h>
#include <stdlib.h>

#include <zstd.h>
#include <zstd_errors.h>

#include "codec/block.h"

#define LEVEL 3		/* as fast as level 1, and smaller (docs/BENCHMARKS.md) */

struct block_codec {
	ZSTD_CCtx *compress;
	ZSTD_DCtx *decompress;
};

struct block_codec *
block_codec_new(struct err *err)
{
	struct block_codec *c;

	if ((c = calloc(1, sizeof(*c))) == NULL)
		goto fail;
	if ((c->compress = ZSTD_createCCtx()) == NULL)
		goto fail_c;
	if ((c->decompress = ZSTD_createDCtx()) == NULL)
		goto fail_compress;
	ZSTD_CCtx_setParameter(c->compress, ZSTD_c_compressionLevel, LEVEL);
	ZSTD_CCtx_setParameter(c->compress, ZSTD_c_checksumFlag, 1);
	return c;

fail_compress:
	ZSTD_freeCCtx(c->compress);
fail_c:
	free(c);
fail:
	err_nomem(err, "zstd");
	return NULL;
}

void
block_codec_free(struct block_codec *c)
{

	if (c == NULL)
		return;
	ZSTD_freeDCtx(c->decompress);
	ZSTD_freeCCtx(c->compress);
	free(c);
}

/* Room for n more bytes at the end of out. */
static bool
reserve(struct buf *out, size_t n, const char *name, struct err *err)
{

	if (n > out->max - out->len)
		return err_set(err, ERR_TOO_LARGE, "%s: %zu bytes do not fit "
		    "into %zu", name, n, out->max - out->len);
	return buf_reserve(out, n) || err_nomem(err, name);
}

bool
block_compress(struct block_codec *c, const void *data, size_t len,
    struct buf *out, struct err *err)
{
	size_t n;

	if (!reserve(out, ZSTD_compressBound(len), "block", err))
		return false;
	/* One call: zstd knows the size, and writes it. */
	n = ZSTD_compress2(c->compress, out->data + out->len,
	    out->cap - out->len, data, len);
	if (!ZSTD_isError(n)) {
		out->len += n;
		return true;
	}
	ZSTD_CCtx_reset(c->compress, ZSTD_reset_session_only);
	if (ZSTD_getErrorCode(n) == ZSTD_error_memory_allocation)
		return err_nomem(err, "zstd");
	return err_set(err, ERR_INTERNAL, "zstd: %s", ZSTD_getErrorName(n));
}

/* Exactly one frame (none to skip), and what it says of its size. */
static bool
frame_size(const uint8_t *data, size_t len, size_t most, size_t *size)
{
	static const uint8_t magic[4] = { 0x28, 0xb5, 0x2f, 0xfd };
	unsigned long long n;
	size_t i;

	for (i = 0; i < sizeof(magic); i++) {
		if (i >= len || data[i] != magic[i])
			return false;
	}
	n = ZSTD_getFrameContentSize(data, len);
	if (n == ZSTD_CONTENTSIZE_UNKNOWN || n == ZSTD_CONTENTSIZE_ERROR ||
	    n > most || ZSTD_findFrameCompressedSize(data, len) != len)
		return false;
	*size = (size_t)n;
	return true;
}

bool
block_decompress(struct block_codec *c, const void *data, size_t len,
    size_t most, const char *name, struct buf *out, struct err *err)
{
	uint8_t none;
	size_t size, n;

	if (!frame_size(data, len, most, &size))
		return err_set(err, ERR_DAMAGED, "%s: not one whole zstd frame "
		    "of at most %zu bytes", name, most);
	if (!reserve(out, size, name, err))
		return false;
	n = ZSTD_decompressDCtx(c->decompress,
	    size > 0 ? out->data + out->len : &none, size, data, len);
	if (ZSTD_getErrorCode(n) == ZSTD_error_memory_allocation)
		return err_nomem(err, name);
	if (ZSTD_isError(n) || n != size)
		return err_set(err, ERR_DAMAGED, "%s: %s", name,
		    ZSTD_isError(n) ? ZSTD_getErrorName(n) :
		    "shorter than it says");
	out->len += size;
	return true;
}
