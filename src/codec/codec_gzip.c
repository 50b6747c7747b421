#include <limits.h>
#include <stdlib.h>
#include <zlib.h>

#include "codec/codec_internal.h"

#define GZIP_WINDOW (15 + 16)	/* the largest; with gzip's head and end */
#define GZIP_MEMORY 8

static bool
start_read(struct codec_reader *r, struct err *err)
{
	z_stream *z;

	if ((z = calloc(1, sizeof(*z))) == NULL)
		return err_nomem(err, "gzip");
	if (inflateInit2(z, GZIP_WINDOW) != Z_OK) {
		free(z);
		return err_nomem(err, "gzip");
	}
	r->state = z;
	return true;
}

static void
stop_read(struct codec_reader *r)
{

	inflateEnd(r->state);
	free(r->state);
}

static bool
step(struct codec_reader *r, void *data, size_t size, size_t *len,
    struct err *err)
{
	z_stream *z = r->state;
	uInt room = size > UINT_MAX ? UINT_MAX : (uInt)size;
	int rc;

	if (r->whole)
		inflateReset(z);	/* the next member */
	r->whole = false;
	z->next_in = r->data + r->begin;
	z->avail_in = (uInt)(r->end - r->begin);
	z->next_out = data;
	z->avail_out = room;
	rc = inflate(z, Z_NO_FLUSH);
	r->begin = r->end - z->avail_in;
	*len = room - z->avail_out;
	r->whole = rc == Z_STREAM_END;
	if (rc == Z_OK || rc == Z_STREAM_END || rc == Z_BUF_ERROR)
		return true;
	if (rc == Z_MEM_ERROR)
		return err_nomem(err, "gzip");
	return codec_damaged(r, z->msg != NULL ? z->msg : "no gzip", err);
}

static bool
start_write(struct codec_writer *w, struct err *err)
{
	z_stream *z;

	if ((z = calloc(1, sizeof(*z))) == NULL)
		return err_nomem(err, "gzip");
	if (deflateInit2(z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, GZIP_WINDOW,
	    GZIP_MEMORY, Z_DEFAULT_STRATEGY) != Z_OK) {
		free(z);
		return err_nomem(err, "gzip");
	}
	w->state = z;
	return true;
}

static void
stop_write(struct codec_writer *w)
{

	deflateEnd(w->state);
	free(w->state);
}

/* At most UINT_MAX bytes. */
static bool
deflate_all(struct codec_writer *w, const void *data, uInt len, int flush,
    struct err *err)
{
	z_stream *z = w->state;
	size_t n;
	int rc;

	z->next_in = (Bytef *)data;
	z->avail_in = len;
	do {
		z->next_out = w->data;
		z->avail_out = CODEC_BLOCK;
		rc = deflate(z, flush);
		if (rc == Z_STREAM_ERROR)
			return err_set(err, ERR_INTERNAL, "zlib failed");
		n = CODEC_BLOCK - z->avail_out;
		if (n > 0 && !w->out.write(w->out.arg, w->data, n, err))
			return false;
	} while (z->avail_out == 0 || (flush == Z_FINISH &&
	    rc != Z_STREAM_END));
	return true;
}

static bool
write_gzip(struct codec_writer *w, const void *data, size_t len, bool finish,
    struct err *err)
{
	const uint8_t *p = data;
	size_t n;

	for (; len > 0; p += n, len -= n) {
		n = len > UINT_MAX ? UINT_MAX : len;
		if (!deflate_all(w, p, (uInt)n, Z_NO_FLUSH, err))
			return false;
	}
	return !finish || deflate_all(w, "", 0, Z_FINISH, err);
}

const struct codec_read_ops codec_gzip_read_ops = {
	start_read, step, stop_read,
};

const struct codec_write_ops codec_gzip_write_ops = {
	start_write, write_gzip, stop_write,
};
