/*
 * A place in a store: its files are rows of objects ("segments",
 * docs/FORMAT.md).  place_store.c knows which there are, place_store_object.c
 * reads and writes one, place_store_read.c reads and replaces whole files,
 * place_store_file.c appends, and sends what was appended.  The contracts are
 * place.h's.  For place_store*.c only.
 *
 * Threads: io is held while the session is used, lock while anything else of
 * the place is; io is taken before lock, and lock is never held during a
 * request.
 */
#ifndef STATE_PLACE_STORE_H
#define STATE_PLACE_STORE_H

#include <pthread.h>

#include "base/buf.h"
#include "state/lease.h"
#include "state/place_driver.h"

/* A segment that has reached so much is not added to. */
#define PLACE_STORE_SEGMENT ((size_t)1 << 20)
/* The same where it must be sent at once and so will be sent often. */
#define PLACE_STORE_SMALL ((size_t)128 << 10)
/* The largest thing that is appended at once, and then some. */
#define PLACE_STORE_MAX ((size_t)80 << 20)
/* All tails together; beyond it they are sealed as soon as they are sent. */
#define PLACE_STORE_HELD ((size_t)16 << 20)
#define PLACE_STORE_KEY_MAX 1024

/* One file. */
struct place_store_entry {
	char *name;
	unsigned generation;	/* 0: there is no such file */
	unsigned highest;	/* generation that was ever seen */
	unsigned n;		/* segments in the store, from 0 */
	uint64_t *sizes;	/* of those; room for cap */
	size_t cap;

	/* While it is appended to. */
	bool open;
	unsigned number;	/* of the segment that tail is */
	struct buf tail;	/* its contents */
	uint64_t size;		/* of all, what was not sent too */
	bool dirty;		/* tail holds what was not sent */
	bool stored;		/* the store has it, in a shorter form */
	char etag[STORE_ETAG_MAX]; /* of that; "" when it does not say */
};

struct place_store {
	struct place base;
	struct store *store;
	struct store *lease_store;
	struct lease *lease;	/* NULL: look only */

	pthread_mutex_t io;	/* of session and sending */
	struct store_session *session;
	struct buf sending;

	pthread_mutex_t lock;	/* of everything below */
	pthread_cond_t wake;	/* waits by CLOCK_MONOTONIC */
	pthread_t thread;
	bool running;
	bool stop;
	struct err failed;	/* nothing more is accepted, unless ERR_NONE */
	size_t held;		/* bytes of all tails */
	struct place_store_entry **entries;
	size_t n;
	size_t cap;
};

/* The entry of name, made if missing; NULL with *err.  Takes lock. */
struct place_store_entry *place_store_entry(struct place_store *p,
    const char *name, struct err *err);

/* Remembers that e has a segment number of size bytes; the caller holds lock.
 * False when memory is out. */
bool place_store_note(struct place_store_entry *e, unsigned number,
    uint64_t size);

/* The key of a segment: FOLDER/GGGG-NNNN.NAME. */
void place_store_key(char out[PLACE_STORE_KEY_MAX], const char *name,
    unsigned generation, unsigned number);

/* The rest: the caller holds io. */

/* Appends the object to out; *etag gets its ETag. */
bool place_store_get(struct place_store *p, const char *key, struct buf *out,
    char etag[STORE_ETAG_MAX], struct err *err);

/* An object to write. */
struct place_store_object {
	char key[PLACE_STORE_KEY_MAX];
	const struct buf *data;
	bool replaces;		/* the one with etag; else none may be there */
	char etag[STORE_ETAG_MAX]; /* gets the new one */
};

/* ERR_LOCKED when another is there, or the lease was lost. */
bool place_store_put(struct place_store *p, struct place_store_object *o,
    struct err *err);

/* Removes the first n segments of a generation, the first one first: without it
 * the others are nothing. */
bool place_store_drop(struct place_store *p, const char *name,
    unsigned generation, unsigned n, struct err *err);

/* place_store_file.c */

/* Sends what is not sent of e; the caller holds neither io nor lock.  durable:
 * somebody waits for it. */
bool place_store_send(struct place_store *p, struct place_store_entry *e,
    bool durable, struct err *err);

/* Starts the thread that sends, and ends it. */
bool place_store_start(struct place_store *p, struct err *err);
void place_store_stop(struct place_store *p);

struct place_file *place_store_file_open(struct place *p, const char *name,
    uint64_t good, bool many, struct err *err);
bool place_store_file_append(struct place_file *f, const void *data,
    size_t len, struct err *err);
bool place_store_file_sync(struct place_file *f, struct err *err);
bool place_store_file_due(struct place_file *f);
uint64_t place_store_file_size(const struct place_file *f);
void place_store_file_free(struct place_file *f);

/* place_store_read.c */
struct place_reader *place_store_reader_new(struct place *p, const char *name,
    struct err *err);
bool place_store_reader_read(struct place_reader *r, void *data, size_t size,
    size_t *got, struct err *err);
void place_store_reader_free(struct place_reader *r);
struct place_writer *place_store_writer_new(struct place *p, const char *name,
    struct err *err);
bool place_store_writer_write(struct place_writer *w, const void *data,
    size_t len, struct err *err);
bool place_store_writer_finish(struct place_writer *w, struct err *err);
void place_store_writer_free(struct place_writer *w);

#endif
