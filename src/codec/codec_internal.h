/*
 * Between codec.c, which moves bytes, and a file per format, which changes
 * them.
 */
#ifndef CODEC_CODEC_INTERNAL_H
#define CODEC_CODEC_INTERNAL_H

#include <stddef.h>
#include <stdint.h>

#include "codec/codec.h"

struct codec_reader {
	const struct codec_read_ops *ops;	/* NULL: as it is */
	struct stream_in in;
	char *name;
	uint8_t *data;		/* a block read of in */
	size_t begin, end;	/* what of it is not yet decoded */
	uint64_t taken;		/* bytes decoded before begin */
	bool eof;
	bool whole;		/* a frame has just ended */
	void *state;
};

struct codec_writer {
	const struct codec_write_ops *ops;	/* NULL: as it is */
	struct stream_out out;
	uint8_t *data;		/* room for a block of output */
	bool finished;
	void *state;
};

#define CODEC_BLOCK ((size_t)128 * 1024)

struct codec_read_ops {
	bool (*start)(struct codec_reader *r, struct err *err);
	/* Decodes some of begin to end into data; *len of size are made, and
	 * begin, whole brought up to date. */
	bool (*step)(struct codec_reader *r, void *data, size_t size,
	    size_t *len, struct err *err);
	void (*stop)(struct codec_reader *r);
};

struct codec_write_ops {
	bool (*start)(struct codec_writer *w, struct err *err);
	/* Encodes all of data, and with finish the end of the frame. */
	bool (*write)(struct codec_writer *w, const void *data, size_t len,
	    bool finish, struct err *err);
	void (*stop)(struct codec_writer *w);
};

extern const struct codec_read_ops codec_gzip_read_ops, codec_zstd_read_ops;
extern const struct codec_write_ops codec_gzip_write_ops, codec_zstd_write_ops;

/* ERR_DAMAGED with the reader's name and where. */
bool codec_damaged(const struct codec_reader *r, const char *why,
    struct err *err);

#endif
