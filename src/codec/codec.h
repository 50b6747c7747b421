/*
 * Bytes change form on their way: compressed or not, told by the name of the
 * file or by what the caller wants.  A codec stands between two streams and
 * owns neither.
 *
 * Reading: codec_reader_new(), then its stream until the end.  Writing:
 * codec_writer_new(), its stream, codec_writer_finish(); without finish what
 * was written is no whole file.  One thread each.  Memory is bounded by the
 * codec's window (zstd: at most 8 MiB; larger frames are ERR_UNSUPPORTED).
 */
#ifndef CODEC_CODEC_H
#define CODEC_CODEC_H

#include <stdbool.h>

#include "base/err.h"
#include "base/stream.h"

enum codec { CODEC_NONE, CODEC_GZIP, CODEC_ZSTD };

/* By the end of name: ".gz", ".zst", else none. */
enum codec codec_by_name(const char *name);

/* "gzip", "zstd" or "none".  False when word is none of them. */
bool codec_by_word(const char *word, enum codec *codec);

struct codec_reader;

/* name is for messages.  A cut, damaged or trailing-garbage stream is
 * ERR_DAMAGED.  Several frames or members one behind the other are one. */
struct codec_reader *codec_reader_new(enum codec codec,
    const struct stream_in *in, const char *name, struct err *err);
struct stream_in codec_reader_stream(struct codec_reader *r);
void codec_reader_free(struct codec_reader *r);	/* NULL is allowed */

struct codec_writer;

struct codec_writer *codec_writer_new(enum codec codec,
    const struct stream_out *out, struct err *err);
struct stream_out codec_writer_stream(struct codec_writer *w);
bool codec_writer_finish(struct codec_writer *w, struct err *err);
void codec_writer_free(struct codec_writer *w);	/* NULL is allowed */

#endif
