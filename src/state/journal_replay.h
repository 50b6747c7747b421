/*
 * What a journal holds in memory, and how records make it: for journal*.c
 * only.  journal.c reads and writes the file, journal_parts.c makes the records
 * of partitions, journal_replay.c applies records.  A record is applied in the
 * same way when it is made and when it is read again, so that a resumed run
 * sees what the interrupted one saw.  The caller of all of these but
 * journal_settle() holds lock.
 */
#ifndef STATE_JOURNAL_REPLAY_H
#define STATE_JOURNAL_REPLAY_H

#include <pthread.h>

#include <jansson.h>

#include "state/place.h"
#include "state/journal.h"
#include "state/lines.h"

#define JOURNAL_COUNTERS (sizeof(((struct journal_part *)0)->counters) / \
    sizeof(uint64_t))

/* The partitions of one collection. */
struct journal_list {
	struct journal_part *parts;
	size_t n;
	size_t cap;
	bool complete;
};

/* low and high of a partition, kept until the journal is freed. */
struct journal_bytes;

struct journal {
	pthread_mutex_t lock;	/* of everything below */
	struct place *place;
	char *path;		/* of the journal, for messages */
	json_t *first;		/* our first line: key and fingerprint */
	struct lines *lines;	/* NULL before the first record */
	bool resumed;
	bool last_succeeded;
	bool closed;

	json_t *facts;		/* name -> string */
	json_t *index;		/* namespace -> number in lists */
	struct journal_list *lists;
	size_t n_lists;
	size_t cap_lists;
	struct journal_bytes *bytes;

	json_t *found;		/* first line of the file being read */
	size_t n_found;		/* records in it */
};

/* Writes a record to the file and applies it.  Takes it over; NULL is out of
 * memory. */
bool journal_record(struct journal *j, json_t *object, struct err *err);

/* To be called after it, once lock is given back: nobody else is to wait for
 * the disk.  durable: the record must be on it; else when it is time. */
bool journal_settle(struct journal *j, bool durable, struct err *err);

/* Applies one record.  ERR_DAMAGED when it makes no sense, ERR_NOMEM. */
bool journal_replay(struct journal *j, const json_t *record, struct err *err);

/* Forgets the lists that were never completed. */
void journal_replay_end(struct journal *j);

/* Frees what journal_replay() made. */
void journal_replay_free(struct journal *j);

/* NULL when nothing is known of ns, or when there is no number i. */
struct journal_list *journal_find_list(struct journal *j, const char *ns);
struct journal_part *journal_find_part(struct journal *j, const char *ns,
    size_t i);

#endif
