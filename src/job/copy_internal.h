/*
 * What the three stages of copy share: the partitions to do, the queues
 * between, the budget.  Only copy*.c include this.
 */
#ifndef JOB_COPY_INTERNAL_H
#define JOB_COPY_INTERNAL_H

#include <stdatomic.h>

#include "flow/batch.h"
#include "flow/credit.h"
#include "flow/pace.h"
#include "flow/queue.h"
#include "flow/stretch.h"
#include "job/copy.h"
#include "job/part.h"

#define COPY_BATCH_DOCS 8000	/* that a batch usually holds at most */

/* Streams have a pipeline of their own, with one thread for each stage. */
enum copy_which { COPY_RANGES, COPY_STREAMS, COPY_ALL };

struct copy_run {
	struct copy *c;
	enum copy_which which;
	struct part **todo;
	size_t n_todo;
	atomic_size_t next;	/* the next of todo to be read */
	bool *begun;		/* by move, under data.lock: copy_gate() */
	struct credit *credit;
	struct pace *pace;	/* --bwlimit */
	struct queue *read;	/* readers -> rewriters */
	struct queue *rewritten; /* rewriters -> writers */
	size_t batch_bytes;	/* about how much a batch usually holds */
	struct stretch *stretch; /* how many times as much it may hold now */
};

/* For reading stages.  An empty batch for documents of info, once there is
 * credit for it; NULL with *err. */
struct batch *copy_batch_new(struct copy_run *run,
    const struct collection_info *info, struct err *err);

/* Hands a batch of p on, at the pace that was asked for; an empty one is
 * dropped.  The batch is gone whatever is returned. */
bool copy_hand_on(struct copy_run *run, struct part *p, struct batch *b,
    struct err *err);

/* Waits until m may be read: into an archive go few collections at a time.
 * False when the pipeline stops. */
bool copy_gate(struct copy_run *run, const struct move *m, struct err *err);

/* Whether all of m has been read and acknowledged.  data.lock is held. */
bool copy_is_whole(const struct move *m);

/* The stages; pipeline_fn.  arg is the struct copy_run. */
bool copy_read(void *arg, unsigned worker, struct err *err);
bool copy_read_archive(void *arg, unsigned worker, struct err *err);
bool copy_rewrite(void *arg, unsigned worker, struct err *err);
bool copy_write(void *arg, unsigned worker, struct err *err);
bool copy_write_archive(void *arg, unsigned worker, struct err *err);

/* One document goes to quarantine: kept, counted, named.  Thread-safe. */
struct copy_refusal {
	struct part *part;
	const uint8_t *doc;
	size_t len;
	const char *reason;	/* "too_large", "validation", … */
	const char *message;
};
bool copy_quarantine(struct copy_run *run, const struct copy_refusal *refusal,
    struct err *err);

/* A batch of p is acknowledged (or p was read to its end): records p when it
 * was the last. */
bool copy_part_progress(struct copy_run *run, struct part *p, bool batch_done,
    bool read_done, struct err *err);

#endif
