#include <stdlib.h>

#include "codec/codec.h"
#include "job/archive_filter.h"

/* A file on its way in or out; the raw stream must outlive its codec. */
struct filter {
	struct stream_in in;
	struct stream_out out;
	struct codec_reader *reader;
	struct codec_writer *writer;
};

static void *
reader_open(const struct stream_in *raw, const char *name,
    struct stream_in *content, struct err *err)
{
	struct filter *f;

	if ((f = calloc(1, sizeof(*f))) == NULL) {
		err_nomem(err, name);
		return NULL;
	}
	f->in = *raw;
	f->reader = codec_reader_new(codec_by_name(name), &f->in, name, err);
	if (f->reader == NULL) {
		free(f);
		return NULL;
	}
	*content = codec_reader_stream(f->reader);
	return f;
}

static void
reader_close(void *reader)
{
	struct filter *f = reader;

	codec_reader_free(f->reader);
	free(f);
}

static void *
writer_open(const struct stream_out *raw, const char *name,
    struct stream_out *content, struct err *err)
{
	struct filter *f;

	if ((f = calloc(1, sizeof(*f))) == NULL) {
		err_nomem(err, name);
		return NULL;
	}
	f->out = *raw;
	f->writer = codec_writer_new(codec_by_name(name), &f->out, err);
	if (f->writer == NULL) {
		free(f);
		return NULL;
	}
	*content = codec_writer_stream(f->writer);
	return f;
}

static bool
writer_finish(void *writer, struct err *err)
{
	struct filter *f = writer;

	return codec_writer_finish(f->writer, err);
}

static void
writer_close(void *writer)
{
	struct filter *f = writer;

	codec_writer_free(f->writer);
	free(f);
}

const struct archive_filter archive_filter = {
	.reader_open = reader_open,
	.reader_close = reader_close,
	.writer_open = writer_open,
	.writer_finish = writer_finish,
	.writer_close = writer_close,
};
