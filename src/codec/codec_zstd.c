#include <zstd.h>
#include <zstd_errors.h>

#include "codec/codec_internal.h"

#define WINDOW_LOG_MAX 23	/* 8 MiB; codec.h says so */
#define LEVEL 3

static bool
start_read(struct codec_reader *r, struct err *err)
{
	ZSTD_DCtx *ctx;

	if ((ctx = ZSTD_createDCtx()) == NULL)
		return err_nomem(err, "zstd");
	ZSTD_DCtx_setParameter(ctx, ZSTD_d_windowLogMax, WINDOW_LOG_MAX);
	r->state = ctx;
	return true;
}

static void
stop_read(struct codec_reader *r)
{

	ZSTD_freeDCtx(r->state);
}

static bool
step(struct codec_reader *r, void *data, size_t size, size_t *len,
    struct err *err)
{
	ZSTD_inBuffer in = { r->data, r->end, r->begin };
	ZSTD_outBuffer out = { data, size, 0 };
	size_t rc;

	rc = ZSTD_decompressStream(r->state, &out, &in);
	r->begin = in.pos;
	*len = out.pos;
	if (!ZSTD_isError(rc)) {
		r->whole = rc == 0;
		return true;
	}
	if (ZSTD_getErrorCode(rc) == ZSTD_error_memory_allocation)
		return err_nomem(err, "zstd");
	if (ZSTD_getErrorCode(rc) != ZSTD_error_frameParameter_windowTooLarge)
		return codec_damaged(r, ZSTD_getErrorName(rc), err);
	err_set(err, ERR_UNSUPPORTED, "%s: its zstd window is larger than "
	    "%d MiB", r->name, 1 << (WINDOW_LOG_MAX - 20));
	return err_hint(err, "decompress it with `zstd -d --long=31`, or make "
	    "it without --long and --ultra");
}

static bool
start_write(struct codec_writer *w, struct err *err)
{
	ZSTD_CCtx *ctx;

	if ((ctx = ZSTD_createCCtx()) == NULL)
		return err_nomem(err, "zstd");
	ZSTD_CCtx_setParameter(ctx, ZSTD_c_compressionLevel, LEVEL);
	ZSTD_CCtx_setParameter(ctx, ZSTD_c_checksumFlag, 1);
	w->state = ctx;
	return true;
}

static void
stop_write(struct codec_writer *w)
{

	ZSTD_freeCCtx(w->state);
}

static bool
write_zstd(struct codec_writer *w, const void *data, size_t len, bool finish,
    struct err *err)
{
	ZSTD_EndDirective end = finish ? ZSTD_e_end : ZSTD_e_continue;
	ZSTD_inBuffer in = { data, len, 0 };
	ZSTD_outBuffer out;
	size_t rc;

	do {
		out = (ZSTD_outBuffer){ w->data, CODEC_BLOCK, 0 };
		rc = ZSTD_compressStream2(w->state, &out, &in, end);
		if (ZSTD_isError(rc))
			return ZSTD_getErrorCode(rc) ==
			    ZSTD_error_memory_allocation ?
			    err_nomem(err, "zstd") : err_set(err, ERR_INTERNAL,
			    "zstd: %s", ZSTD_getErrorName(rc));
		if (out.pos > 0 && !w->out.write(w->out.arg, w->data, out.pos,
		    err))
			return false;
	} while (finish ? rc != 0 : in.pos < in.size);
	return true;
}

const struct codec_read_ops codec_zstd_read_ops = {
	start_read, step, stop_read,
};

const struct codec_write_ops codec_zstd_write_ops = {
	start_write, write_zstd, stop_write,
};
