/*
 * An archive, a dump directory, a file of documents or a snapshot as one pass of
 * reading: file, decompression and format put behind each other; or blobs,
 * fetched ahead.
 *
 * Order: archive_in_open(), the collections, perhaps archive_in_choose() and
 * archive_in_judge(), archive_in_next() to its end, archive_in_free(); again for
 * another pass.  One thread.
 */
#ifndef JOB_ARCHIVE_IN_H
#define JOB_ARCHIVE_IN_H

#include <stdbool.h>
#include <stddef.h>

#include "archive/archive.h"
#include "base/err.h"
#include "job/archive_place.h"
#include "mongo/judge.h"

struct archive_in;

/* A snapshot's blobs are fetched by so many threads; with archive_in_judge() each
 * has a session there. */
#define ARCHIVE_IN_THREADS 8

/* Opens place, which must outlive it, and reads what describes the
 * collections.  Blocks (stdin: until somebody writes; a stop is heeded).  NULL
 * with *err: ERR_NOT_FOUND, ERR_DENIED, ERR_DAMAGED, ERR_UNSUPPORTED. */
struct archive_in *archive_in_open(const struct archive_place *place,
    struct err *err);
void archive_in_free(struct archive_in *in);	/* NULL is allowed */

size_t archive_in_count(const struct archive_in *in);
const struct archive_collection *archive_in_collection(
    const struct archive_in *in, size_t i);

/* What it reads, when that is a snapshot; else NULL. */
const struct snapshot_source *archive_in_snapshot(const struct archive_in *in);

/* Of the server that it was made of; "" where nothing says. */
const char *archive_in_version(const struct archive_in *in);

/* What is read of one collection. */
struct archive_choice {
	bool wanted;
	uint64_t first;		/* so many of its documents need not be read */
};

/* Says what is needed, one choice per collection, and gets in first the ordinal
 * of the document that comes first all the same.  Of an archive all comes;
 * snapshots are read where they are wanted only. */
void archive_in_choose(struct archive_in *in, struct archive_choice *choices);

/* Of a snapshot: documents that judge, asked on server, does not choose are left
 * out (item->left_out): they come, so that ordinals stay.  Both outlive in. */
void archive_in_judge(struct archive_in *in, struct mongo_server *server,
    const struct judge *judge);

/* As archive_next(); also ends with ERR_CANCELLED when a stop was asked for. */
enum archive_next archive_in_next(struct archive_in *in,
    struct archive_item *item, struct err *err);

/* Tells each document to each, to the end.  False with *err, each's too. */
bool archive_in_all(struct archive_in *in,
    bool (*each)(void *arg, const struct archive_item *item, struct err *err),
    void *arg, struct err *err);

#endif
