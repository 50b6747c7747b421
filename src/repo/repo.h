/*
 * A repository of backups in any store: blobs that are named after their
 * contents, and snapshots that say which of them make up a database and its
 * files (docs/FORMAT.md, "Repository").  Nothing is ever changed in it: objects
 * are added, and removed by prune.
 *
 * With recipients all contents are encrypted (age), and names are keyed by a
 * naming key, which stays on the machine that backs up (and, encrypted, in the
 * repository): so that machine can add, but not read.  Without recipients names
 * are plain SHA-256.
 *
 * Order: repo_open(); sessions, one per thread; sessions freed, repo_close().  A
 * struct repo is shared by threads; what may be called from several at a time is
 * said below.
 */
#ifndef REPO_REPO_H
#define REPO_REPO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/hash.h"
#include "codec/age.h"
#include "store/store.h"

#define REPO_NAME_SIZE 32	/* of a blob: a SHA-256, keyed or not */
#define REPO_ID_SIZE 8		/* of a snapshot or lock, in hex digits */
#define REPO_KEY_SIZE 32
#define REPO_KEY_ID_SIZE 16	/* in hex digits */
/* Before compression: a document of the largest size that there is. */
#define REPO_BLOB_MAX ((size_t)16 * 1024 * 1024 + 16 * 1024)

struct repo;
struct repo_session;

struct repo_options {
	const char *url;
	/* Adding: NULL or none: not encrypted.  Outlives the repo. */
	const struct age_recipients *recipients;
	/* Reading: NULL: none.  Outlives the repo. */
	const struct age_identities *identities;
	/* Folder of this machine for naming keys; NULL: the default place of
	 * the state.  $SPACEFERRY_NAMING_KEY (64 hex digits) comes first. */
	const char *key_folder;
	uint64_t patience_ms;
	uint64_t bytes_per_second; /* of all sessions, 0: no limit; not for
				 * folders */
	bool create;		/* make it where there is none */
	bool add;		/* blobs will be stored: needs the naming key */
};

/* Opens it, reads its config, finds or makes the naming key.  Blocks.  NULL with
 * *err: ERR_NOT_FOUND (no repository there), ERR_UNSUPPORTED (newer version),
 * ERR_DAMAGED, ERR_CONFLICT (something else is there; not encrypted, and
 * recipients were given, or the reverse), ERR_AUTH and others of the store's. */
struct repo *repo_open(const struct repo_options *options, struct err *err);
void repo_close(struct repo *r);	/* NULL is allowed */

/* For messages, no secret in it.  Lives with r, as do the others. */
const char *repo_name(const struct repo *r);
/* What identifies it: 32 hex digits, chosen when it was made. */
const char *repo_id(const struct repo *r);
struct store *repo_store(const struct repo *r);
/* The same place, opened once more for locks: its requests go on after a stop
 * and are given up soon (despite_cancel, stall_seconds 10, quiet). */
struct store *repo_lock_store(const struct repo *r);
bool repo_is_encrypted(const struct repo *r);
bool repo_was_made(const struct repo *r);	/* by this repo_open() */
/* The naming key's id, as snapshots name it; "" without encryption. */
const char *repo_key_id(const struct repo *r);

/* HMAC-SHA-256 under the naming key of label and these bytes (without
 * encryption under no key at all): for what must not be told in the clear, and
 * for seeds.  Only with options.add. */
bool repo_derive(const struct repo *r, const char *label, const void *data,
    size_t len, uint8_t out[HASH_SHA256_SIZE], struct err *err);

/* Loads the naming key that snapshots name, from this machine or, with an
 * identity, from the repository: blobs can then be held against their names.
 * True at once without encryption.  ERR_AUTH: the identities do not open it, or
 * none was given; ERR_NOT_FOUND: it is not there. */
bool repo_load_key(struct repo *r, const char *key_id, struct err *err);

struct repo_session *repo_session_new(struct repo *r, struct err *err);
void repo_session_free(struct repo_session *s);	/* NULL is allowed */
struct store_session *repo_session_store(struct repo_session *s);

/* A blob as it is stored. */
struct repo_blob {
	uint8_t name[REPO_NAME_SIZE];
	uint64_t stored;	/* bytes of the object */
	uint8_t sha256[HASH_SHA256_SIZE]; /* of the object */
};

/* --- adding (options.add) --- */

/* Reads what is there already: the listing of data/, the blobs of the newest
 * snapshots, those noted by interrupted runs.  Once, before repo_put(). */
bool repo_load_index(struct repo *r, struct err *err);

/* Stores data (1 to REPO_BLOB_MAX bytes), unless it is there.  *fresh tells which.
 * Blocks.  Sessions of several threads at a time. */
bool repo_put(struct repo_session *s, const void *data, size_t len,
    struct repo_blob *blob, bool *fresh, struct err *err);

/* Notes what was stored so far, so that a run after an interruption need not
 * store it again, and prune leaves it; at most every few seconds. */
bool repo_note_progress(struct repo_session *s, bool now, struct err *err);
/* Removes these notes, as far as that is allowed. */
void repo_forget_progress(struct repo_session *s);

struct repo_counts {
	uint64_t blobs, bytes;	/* known to be there */
	uint64_t added, added_bytes; /* by this run */
};
void repo_counts(struct repo *r, struct repo_counts *out);

/* --- reading --- */

/* Appends the contents of a blob to out, once they are proven to be those of its
 * name (repo_load_key() before).  Blocks.  ERR_DAMAGED names the object,
 * ERR_NOT_FOUND too; ERR_AUTH: no identity opens it, nor the naming key. */
bool repo_get(struct repo_session *s, const char *key_id,
    const uint8_t name[REPO_NAME_SIZE], struct buf *out, struct err *err);

/* For check, which tells apart what is wrong with a blob: the name that these
 * bytes have (repo_load_key() before).  Thread-safe. */
bool repo_name_of(struct repo *r, const char *key_id, const void *data,
    size_t len, uint8_t name[REPO_NAME_SIZE], struct err *err);

/* Reads the note of an interrupted run ("partial/…") whole.  ERR_DAMAGED: it is
 * of no use; ERR_NOT_FOUND. */
bool repo_check_note(struct repo_session *s, const char *key, struct err *err);
/* The same, and tells its blobs; what was told counts once it returned true. */
bool repo_read_note(struct repo_session *s, const char *key,
    bool (*fn)(void *arg, const struct repo_blob *blob, struct err *err),
    void *arg, struct err *err);

/* "data/ab/abcd….zst.age" */
#define REPO_OBJECT_MAX 96
void repo_object_name(const struct repo *r, const uint8_t name[REPO_NAME_SIZE],
    char out[REPO_OBJECT_MAX]);
/* The reverse; false for what is no blob's name in this repository. */
bool repo_object_parse(const struct repo *r, const char *key,
    uint8_t name[REPO_NAME_SIZE]);

/* Lists data/: tells each object that is a blob by its name, others by odd (may
 * be NULL).  False with *err, fn's too. */
struct repo_listing {
	bool (*blob)(void *arg, const uint8_t name[REPO_NAME_SIZE],
	    uint64_t size, struct err *err);
	bool (*odd)(void *arg, const char *key, uint64_t size, struct err *err);
	void *arg;
};
bool repo_list(struct repo_session *s, const struct repo_listing *l,
    struct err *err);

#endif
