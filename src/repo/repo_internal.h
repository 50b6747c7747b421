/*
 * The inside of a repository, shared by the files of repo.h.  For src/repo only.
 */
#ifndef REPO_REPO_INTERNAL_H
#define REPO_REPO_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/glob.h"
#include "codec/block.h"
#include "flow/pace.h"
#include "repo/blobtable.h"
#include "repo/repo.h"

/* Of a stored blob: incompressible, for many recipients. */
#define REPO_STORED_MAX (REPO_BLOB_MAX + (size_t)256 * 1024)
#define REPO_SMALL_MAX ((size_t)64 * 1024) /* of config and keys */
#define REPO_WHAT_MAX 512	/* of an object's name in messages */

/* A naming key, and what is made of it. */
struct repo_key {
	uint8_t key[REPO_KEY_SIZE];
	uint8_t names[REPO_KEY_SIZE];	/* the key of blobs' names */
	char id[REPO_KEY_ID_SIZE + 1];
};

struct repo {
	struct repo_options options;
	struct store *store;
	struct store *lock_store;
	struct pace *pace;	/* options.bytes_per_second, of all sessions */
	char id[2 * 16 + 1];
	bool encrypted;
	bool made;
	struct repo_key own;	/* options.add; id "" without encryption */
	uint8_t seed[AGE_SEED_SIZE]; /* of encryption, likewise */
	char run[REPO_ID_SIZE + 1];
	/* The store has said that it knows no create_only. */
	atomic_bool overwrites;

	pthread_mutex_t lock;	/* of all that follows, but unread */
	pthread_cond_t settled;	/* an entry is no longer BLOBTABLE_BUSY */
	struct repo_key *keys;	/* loaded for reading */
	size_t n_keys;
	struct blobtable table;
	bool indexed;		/* repo_load_index() is done */
	struct repo_counts counts;
	struct repo_blob *stored; /* since the last note of progress */
	size_t n_stored, cap_stored;
	uint64_t noted;		/* cancel_now() of the last note, or of the
				 * first blob */
	unsigned n_notes, n_forgotten;

	pthread_mutex_t load;	/* one at a time reads snapshots; taken before
				 * lock */
	struct strings unread;	/* snapshots, the newest last */
	struct strings met;	/* all that were listed */
	unsigned fruitless;	/* of them read in a row for nothing */
};

struct repo_session {
	struct repo *repo;
	struct store_session *store;
	struct block_codec *codec;	/* NULL until needed */
	struct buf packed;	/* compressed */
	struct buf sealed;	/* encrypted, or as read */
	struct hash *hash;	/* with MD5 where the store asks for it */
};

/* Between blobs: gives back what a large one took. */
void repo_session_shrink(struct repo_session *s);

/* --- objects (repo_object.c) --- */

/* "data/… of REPO" */
void repo_what(const struct repo *r, const char *key, char out[REPO_WHAT_MAX]);

/* Appends the whole object to out.  ERR_DAMAGED when it passes out's max. */
bool repo_read(struct repo_session *s, const char *key, struct buf *out,
    struct err *err);

struct repo_object {
	const char *key;
	const uint8_t *data;
	size_t len;
	uint8_t sha256[HASH_SHA256_SIZE];	/* by repo_digest() */
	uint8_t md5[HASH_MD5_SIZE];
};
bool repo_digest(struct repo_session *s, struct repo_object *o,
    struct err *err);

enum repo_written { REPO_WRITTEN, REPO_TAKEN, REPO_FAILED };
/* Puts it where nothing is.  REPO_TAKEN: something is there, which may be what
 * an answer that was lost has put there.  Digests it first when digested is
 * false. */
enum repo_written repo_write_new(struct repo_session *s, struct repo_object *o,
    bool digested, struct err *err);
/* Puts it whatever is there; o is digested. */
bool repo_write_over(struct repo_session *s, const struct repo_object *o,
    struct err *err);

/* --- repo_config.c --- */

/* Reads the config, or makes it. */
bool repo_config(struct repo *r, struct repo_session *s, struct err *err);

/* --- repo_key.c --- */

/* Fills own and seed. */
bool repo_key_own(struct repo *r, struct repo_session *s, struct err *err);
/* The key of names that key_id names; NULL without encryption (the caller looks
 * first), or where it is not loaded.  Lives as long as r. */
bool repo_key_names(struct repo *r, const char *key_id,
    uint8_t out[REPO_KEY_SIZE]);
/* Whether there are identities at all; else ERR_AUTH. */
bool repo_key_can_open(const struct repo *r, struct err *err);
/* Whether the identities open the naming key in the repository. */
bool repo_key_opens(struct repo *r, const char *key_id);
/* Makes names and id of key. */
bool repo_key_fill(struct repo_key *k);
bool repo_key_parse(const struct buf *text, struct repo_key *k);
/* What key files hold: "spaceferry naming key <64 hex digits>\n". */
#define REPO_KEY_TEXT "spaceferry naming key "
#define REPO_KEY_TEXT_SIZE (sizeof(REPO_KEY_TEXT) + 2 * REPO_KEY_SIZE + 1)
void repo_key_text(const struct repo_key *k, char out[REPO_KEY_TEXT_SIZE]);

/* --- repo_keyfile.c: naming keys on this machine --- */

/* The key for these recipients; made where there is none (*made).  From
 * $SPACEFERRY_NAMING_KEY if that is set. */
bool repo_keyfile_own(const struct repo *r, struct repo_key *k, bool *made,
    struct err *err);
/* Looks for the one that is called id.  False where there is none. */
bool repo_keyfile_find(const struct repo *r, const char *id,
    struct repo_key *k);

/* --- repo_index.c --- */

/* Reads snapshots that have not been read until one has recorded name as it is
 * listed (*there), none is left, or it costs more than reading the blob. */
bool repo_index_recall(struct repo_session *s,
    const uint8_t name[REPO_NAME_SIZE], bool *there, struct err *err);

/* Reads all that anybody has recorded so far.  *there: seen (size and digest of
 * the object) is as it was recorded. */
bool repo_index_reread(struct repo_session *s, const struct repo_blob *seen,
    bool *there, struct err *err);

/* --- repo_progress.c --- */

/* Notes that blob was stored; r->lock is held. */
bool repo_progress_add(struct repo *r, const struct repo_blob *blob);
/* Reads a note, telling its blobs. */
bool repo_progress_read(struct repo_session *s, const char *key,
    bool (*fn)(void *arg, const struct repo_blob *blob, struct err *err),
    void *arg, struct err *err);

#endif
