/*
 * Where the state of one migration lives: a folder of this machine, or the
 * same under a prefix of a store.  It is named after the key and held by one
 * run at a time, so that two never write to the same state: a folder under
 * flock(2), which dies with the process, a store by a lease (lease.h).
 *
 * It holds files that are appended to, read whole, or replaced whole.  In a
 * folder they are files.  In a store each is a row of objects
 * (docs/FORMAT.md), of which only the last is replaced when more is appended:
 * by a thread, every PLACE_SEND_MS, and whenever something is to be durable.
 * What waits to be sent is held in memory, a few MiB.
 *
 * Names of files are relative, '/' between folder and file.  Order:
 * place_new(), files, all files closed, place_free().  A place may be used by
 * many threads, a file or reader by one at a time, but for place_file_sync().
 */
#ifndef STATE_PLACE_H
#define STATE_PLACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define PLACE_SEND_MS 5000

struct place;
struct place_file;
struct place_reader;
struct place_writer;

struct place_options {
	const char *state;	/* PATH, file:///p, a store's URL, or NULL for
				 * the default place (journal.h) */
	const char *key;	/* holds no credentials: it is written in the
				 * clear */
	uint64_t patience_ms;	/* stores: to wait for another run's lease, and
				 * for each request */
	bool look_only;		/* makes and locks nothing, a missing place is
				 * empty; what writes is ERR_INTERNAL */
};

/* Makes and locks it; a folder's lock is never waited for.  NULL with *err:
 * ERR_LOCKED (names the other run), ERR_URI, ERR_DISK, ERR_DENIED,
 * ERR_NOT_FOUND, ERR_AUTH and others of the store's. */
struct place *place_new(const struct place_options *options, struct err *err);

/* A folder that is there already and that nobody else uses, as it is: without
 * lock and key. */
struct place *place_folder(const char *path, struct err *err);

/* Sends what was not sent, as far as it can, and unlocks; NULL is allowed. */
void place_free(struct place *p);

/* The folder, or the URL of the prefix.  Lives with p. */
const char *place_path(const struct place *p);

/* path/name, for messages; the caller frees it.  NULL when memory is out. */
char *place_join(const struct place *p, const char *name);

/* False with ERR_LOCKED once the lease was lost: nothing more can be written,
 * and a stop was requested. */
bool place_held(struct place *p, struct err *err);

enum place_found { PLACE_FOUND, PLACE_ABSENT, PLACE_FAILED };

enum place_found place_exists(struct place *p, const char *name,
    struct err *err);

/* Removes a file, durably; true when there is none. */
bool place_remove(struct place *p, const char *name, struct err *err);

/* Replaces to by from, durably.  In a store from may be there still when this
 * is cut short.  Neither may be open. */
bool place_rename(struct place *p, const char *from, const char *to,
    struct err *err);

/* Tells the name of each file in folder (without it), in any order.  A missing
 * folder is empty. */
typedef bool place_list_fn(void *arg, const char *name, struct err *err);
bool place_list(struct place *p, const char *folder, place_list_fn *fn,
    void *arg, struct err *err);

/* Reads a file from its beginning; one that is not there is empty.  What was
 * appended and not synced may be missing. */
struct place_reader *place_reader_new(struct place *p, const char *name,
    struct err *err);
/* Up to size bytes; *got is 0 at the end. */
bool place_reader_read(struct place_reader *r, void *data, size_t size,
    size_t *got, struct err *err);
void place_reader_free(struct place_reader *r);	/* NULL is allowed */

/* Replaces a file by what is written: finish() commits, durably, free() alone
 * leaves the old one.  The file may not be open. */
struct place_writer *place_writer_new(struct place *p, const char *name,
    struct err *err);
bool place_writer_write(struct place_writer *w, const void *data, size_t len,
    struct err *err);
bool place_writer_finish(struct place_writer *w, struct err *err);
void place_writer_free(struct place_writer *w);	/* NULL is allowed */

/* Opens a file for more behind its first good bytes, cutting off the rest with
 * the first append at the latest.  It is made by that when it is missing (good
 * is 0), with its folder.  many: one of many, so holds no descriptor. */
struct place_file *place_file_open(struct place *p, const char *name,
    uint64_t good, bool many, struct err *err);

/* On false nothing of data is left; but after a failed sync what is stored is
 * unknown, and nothing more is accepted.  What is appended at once stays
 * together in one object of a store. */
bool place_file_append(struct place_file *f, const void *data, size_t len,
    struct err *err);

/* Makes what was appended so far durable.  May be called by several threads,
 * while another appends. */
bool place_file_sync(struct place_file *f, struct err *err);

/* True when the last sync was a second ago or more and there is something to
 * sync; in a store never: it is sent in time. */
bool place_file_due(struct place_file *f);

/* Bytes in it: where the next append will stand. */
uint64_t place_file_size(const struct place_file *f);
void place_file_free(struct place_file *f);	/* syncs if it can; NULL too */

/* Gives an error met in the state's files its hint, if it has none or one for
 * any disk.  Returns false always. */
bool place_hint(struct err *err);

#endif
