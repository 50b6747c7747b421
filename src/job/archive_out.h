/*
 * An archive or a dump directory that is being written: format, compression
 * and file put behind each other.  It takes its name only once it is whole.
 *
 * Order: archive_out_check() before anything is read, archive_out_open(),
 * writes, archive_out_finish(), archive_out_free(); free without finish leaves
 * nothing behind (but for what went to stdout).  One thread at a time.
 */
#ifndef JOB_ARCHIVE_OUT_H
#define JOB_ARCHIVE_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "archive/archive.h"
#include "base/err.h"
#include "job/archive_place.h"

/* Whether place may be written: a file that exists or a folder that is not
 * empty is ERR_CONFLICT unless replace, a folder that holds anything but a dump
 * even then; stdout must not be a terminal. */
bool archive_out_check(const struct archive_place *place, bool replace,
    struct err *err);

struct archive_out;

/* Begins.  place must outlive it, head need not.  NULL with *err. */
struct archive_out *archive_out_open(const struct archive_place *place,
    const struct archive_head *head, struct err *err);

/* Adds n bytes of whole documents to one of head's collections. */
bool archive_out_write(struct archive_out *out, size_t collection,
    const uint8_t *docs, size_t len, struct err *err);

/* Whether something was written to this collection, and it was not ended. */
bool archive_out_is_open(const struct archive_out *out, size_t collection);

/* Nothing more comes for this collection; once more is allowed. */
bool archive_out_end(struct archive_out *out, size_t collection,
    struct err *err);

/* Ends the archive and gives it its name, in the place of what was there.
 * Durable on return. */
bool archive_out_finish(struct archive_out *out, struct err *err);
void archive_out_free(struct archive_out *out);	/* NULL is allowed */

#endif
