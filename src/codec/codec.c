#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cancel.h"
#include "codec/codec_internal.h"

static const struct {
	enum codec codec;
	const char *word, *ending;
	const struct codec_read_ops *read;
	const struct codec_write_ops *write;
} codecs[] = {
	{ CODEC_NONE, "none", "", NULL, NULL },
	{ CODEC_GZIP, "gzip", ".gz", &codec_gzip_read_ops,
	    &codec_gzip_write_ops },
	{ CODEC_ZSTD, "zstd", ".zst", &codec_zstd_read_ops,
	    &codec_zstd_write_ops },
};

#define CODECS (sizeof(codecs) / sizeof(*codecs))

enum codec
codec_by_name(const char *name)
{
	size_t i, n = strlen(name), m;

	for (i = 1; i < CODECS; i++) {
		m = strlen(codecs[i].ending);
		if (n > m && strcmp(name + n - m, codecs[i].ending) == 0)
			return codecs[i].codec;
	}
	return CODEC_NONE;
}

bool
codec_by_word(const char *word, enum codec *codec)
{
	size_t i;

	for (i = 0; i < CODECS; i++) {
		if (strcmp(word, codecs[i].word) == 0) {
			*codec = codecs[i].codec;
			return true;
		}
	}
	return false;
}

bool
codec_damaged(const struct codec_reader *r, const char *why, struct err *err)
{

	return err_set(err, ERR_DAMAGED, "%s: %s (at byte %" PRIu64 " of the "
	    "compressed file)", r->name, why, r->taken);
}

struct codec_reader *
codec_reader_new(enum codec codec, const struct stream_in *in,
    const char *name, struct err *err)
{
	struct codec_reader *r;

	if ((r = calloc(1, sizeof(*r))) == NULL)
		goto fail;
	r->in = *in;
	if ((r->name = strdup(name)) == NULL)
		goto fail_r;
	if ((r->data = malloc(CODEC_BLOCK)) == NULL)
		goto fail_name;
	if (codecs[codec].read != NULL && !codecs[codec].read->start(r, err))
		goto fail_data;
	r->ops = codecs[codec].read;
	return r;

fail_data:
	free(r->data);
	free(r->name);
	free(r);
	return NULL;
fail_name:
	free(r->name);
fail_r:
	free(r);
fail:
	err_nomem(err, "decompression");
	return NULL;
}

void
codec_reader_free(struct codec_reader *r)
{

	if (r == NULL)
		return;
	if (r->ops != NULL)
		r->ops->stop(r);
	free(r->data);
	free(r->name);
	free(r);
}

static bool
fill(struct codec_reader *r, struct err *err)
{
	size_t len;

	if (cancel_requested())
		return cancel_err(err);
	if (!r->in.read(r->in.arg, r->data, CODEC_BLOCK, &len, err))
		return false;
	r->begin = 0;
	r->end = len;
	r->eof = len == 0;
	return true;
}

static bool
read_decoded(void *arg, void *data, size_t size, size_t *len, struct err *err)
{
	struct codec_reader *r = arg;
	size_t begin;

	*len = 0;
	if (r->ops == NULL)
		return r->in.read(r->in.arg, data, size, len, err);
	while (*len == 0) {
		if (r->begin == r->end && !r->eof && !fill(r, err))
			return false;
		if (r->begin == r->end && r->whole)
			return true;
		begin = r->begin;
		if (!r->ops->step(r, data, size, len, err))
			return false;
		r->taken += r->begin - begin;
		if (*len == 0 && r->eof && !r->whole)
			return codec_damaged(r, "it is cut", err);
	}
	return true;
}

struct stream_in
codec_reader_stream(struct codec_reader *r)
{

	return (struct stream_in){ read_decoded, r };
}

struct codec_writer *
codec_writer_new(enum codec codec, const struct stream_out *out,
    struct err *err)
{
	struct codec_writer *w;

	if ((w = calloc(1, sizeof(*w))) == NULL)
		goto fail;
	w->out = *out;
	if ((w->data = malloc(CODEC_BLOCK)) == NULL)
		goto fail_w;
	if (codecs[codec].write != NULL && !codecs[codec].write->start(w, err))
		goto fail_data;
	w->ops = codecs[codec].write;
	return w;

fail_data:
	free(w->data);
	free(w);
	return NULL;
fail_w:
	free(w);
fail:
	err_nomem(err, "compression");
	return NULL;
}

void
codec_writer_free(struct codec_writer *w)
{

	if (w == NULL)
		return;
	if (w->ops != NULL)
		w->ops->stop(w);
	free(w->data);
	free(w);
}

static bool
write_encoded(void *arg, const void *data, size_t len, struct err *err)
{
	struct codec_writer *w = arg;

	if (w->ops == NULL)
		return w->out.write(w->out.arg, data, len, err);
	return len == 0 || w->ops->write(w, data, len, false, err);
}

struct stream_out
codec_writer_stream(struct codec_writer *w)
{

	return (struct stream_out){ write_encoded, w };
}

bool
codec_writer_finish(struct codec_writer *w, struct err *err)
{

	if (w->finished || w->ops == NULL)
		return true;
	w->finished = true;
	return w->ops->write(w, "", 0, true, err);
}
