/*
 * What the stages of backup_data_run() share.  Only data*.c include this.
 */
#ifndef BACKUP_DATA_INTERNAL_H
#define BACKUP_DATA_INTERNAL_H

#include <stdatomic.h>

#include "backup/data.h"
#include "flow/batch.h"
#include "flow/credit.h"
#include "flow/pace.h"
#include "flow/queue.h"

struct data_run {
	struct backup_data *backup;
	uint64_t seed;
	atomic_size_t next;	/* of backup->parts, to be read */
	struct credit *credit;
	struct pace *pace;	/* --bwlimit */
	struct queue *queue;	/* of struct data_item */
	size_t budget;		/* of credit */
	size_t reply_bytes;	/* about how much the server sends at once */
};

/* A run on its way from the reader to the storer. */
struct data_item {
	struct backup_part *part;
	size_t index;		/* in part->runs */
	unsigned epoch;
	struct batch *batch;
};

void data_item_free(void *item);	/* fits queue_free_fn */

/* For reading stages.  An empty run, once there is credit for it; NULL with
 * *err. */
struct batch *data_begin(struct data_run *run, struct err *err);

/* Gives a whole run of part to the storers; takes b (NULL: nothing happens) whatever
 * it returns.  Blocks while they are busy. */
bool data_hand_on(struct data_run *run, struct backup_part *part,
    struct batch *b, struct err *err);

/* The stages: pipeline_fn, arg is the struct data_run. */
bool data_read(void *arg, unsigned worker, struct err *err);
bool data_read_archive(void *arg, unsigned worker, struct err *err);
bool data_store(void *arg, unsigned worker, struct err *err);

#endif
