/*
 * check: looks for damage in a repository, stage by stage, and says what is lost
 * and what to do.  Damage is no error: the other stages still come.
 *
 * Stages, in the order of check.c, each in a file of its own:
 *	list		every object of the repository, put where it belongs
 *	snapshots	each snapshot against the listing, its naming key, its
 *			details
 *	data		blobs read by several threads
 *	contents	digests of collections and files; what damage costs
 *	repair		what can be mended
 * All but the threads of data run in one thread, and only that one tells.
 */
#ifndef BACKUP_CHECK_H
#define BACKUP_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backup/check_index.h"
#include "base/err.h"
#include "base/glob.h"
#include "codec/block.h"
#include "flow/pace.h"
#include "job/job.h"
#include "job/repository.h"
#include "repo/detail.h"
#include "repo/lock.h"
#include "repo/snapshot.h"

struct check_cache;
struct check_files;
struct check_losses;

#define CHECK_WORDS_MAX 64	/* kinds of findings */

/* A naming key that snapshots name. */
struct check_key {
	char id[REPO_KEY_ID_SIZE + 1];
	bool listed;		/* keys/ID.age is there */
	bool proven;		/* the identities open it, and it is the one */
	bool damaged;
	bool loaded;		/* names can be proven */
	bool opens;		/* blobs under it can be read, so far as tried */
	bool tried;
};

/* What is remembered of each snapshot of the list. */
struct check_snapshot {
	bool sound;		/* its details were read and agree */
	bool chosen;		/* its details and data are to be looked at */
	uint32_t key;		/* number of its naming key */
	uint64_t damaged;	/* blobs of it */
};

struct check {
	struct job job;
	struct repository repository;
	struct repo_session *session;
	struct repo_lock *lock;
	struct check_index index;
	struct snapshot_list list;	/* those that could be read */
	struct check_snapshot *snapshots; /* one per snapshot of list */
	size_t cap;			/* of both */
	struct check_key *keys;
	size_t n_keys;
	struct check_cache *cache;
	struct check_files *files;	/* NULL: not wanted */
	struct check_losses *losses;
	struct pace *pace;
	struct strings objects;		/* snapshots/…, sorted by their time */
	struct strings key_objects;	/* keys/… */
	struct strings locks;
	struct strings notes;
	struct strings misplaced;	/* blobs at a wrong place in data/ */
	struct strings stale;		/* notes of no use */
	struct {
		const char *group, *name;
		enum spaceferry_verdict verdict;
		uint64_t told, more;
	} words[CHECK_WORDS_MAX];
	size_t n_words;
	bool can_open;		/* not encrypted, or identities were given */
	struct {
		uint64_t blobs, bytes;	/* in data/ */
		uint64_t aside;		/* objects in damaged/ */
		uint64_t read, read_bytes; /* blobs */
		uint64_t renewed;
		uint64_t collections, documents, files;	/* of details */
		uint64_t digests;	/* collections and files proven */
		uint64_t unproven;	/* those of which not all was read */
		uint64_t open;		/* snapshots whose details agree */
		uint64_t odd;		/* snapshots that cannot be read */
		uint64_t detail_faults, content_faults;
	} seen;
};

/* One finding (check_tell.c).  Those of one name beyond the limit (--limit,
 * 1000) are counted and told in one line at the end. */
struct check_finding {
	const char *group;	/* string literals */
	const char *name;
	enum spaceferry_verdict verdict;
	const char *remedy;	/* "" */
};
void check_tell(struct check *c, const struct check_finding *f,
    const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void check_pass(struct check *c, const char *group, const char *name,
    const char *fmt, ...) __attribute__((format(printf, 4, 5)));
void check_fail(struct check *c, const char *group, const char *name,
    const char *remedy, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));
/* How many findings of this name failed. */
uint64_t check_failed(const struct check *c, const char *group,
    const char *name);
void check_tell_rest(struct check *c);
/* "1.5 GiB" */
#define CHECK_SIZE_TEXT 32
const char *check_size_text(uint64_t bytes, char out[CHECK_SIZE_TEXT]);
/* "1 blob", "2 blobs" */
#define CHECK_COUNT_TEXT 48
const char *check_count_text(uint64_t n, const char *one,
    char out[CHECK_COUNT_TEXT]);
/* The same; lives as long as the block. */
#define CHECK_COUNT(n, one) \
	check_count_text((n), (one), (char[CHECK_COUNT_TEXT]){ 0 })
/* "2 h 5 min" */
const char *check_span_text(uint64_t ns, char out[CHECK_SIZE_TEXT]);
/* "1a2b3c4d of 2026-11-23T15:52:46Z" */
#define CHECK_SNAPSHOT_TEXT 64
const char *check_snapshot_text(const struct snapshot *s,
    char out[CHECK_SNAPSHOT_TEXT]);

/* --- the stages: false with *err only when check itself cannot go on --- */

bool check_list(struct check *c, struct err *err);	/* every object */
/* The number of the naming key called id, looked at when it is met first. */
bool check_key_number(struct check *c, const char *id, uint32_t *number,
    struct err *err);
void check_tell_keys(struct check *c);
bool check_snapshots(struct check *c, struct err *err);
bool check_data(struct check *c, struct err *err);
bool check_contents(struct check *c, struct err *err);
/* Tells each damaged blob and snapshot, with what is lost as far as known. */
bool check_tell_damage(struct check *c, struct err *err);
bool check_others(struct check *c, struct err *err); /* locks, notes, garbage */
bool check_repair(struct check *c, struct err *err);
void check_age(struct check *c);		/* --max-age */

/* When the repository could not be opened: true when that is damage of it,
 * which was told; else *err is as before. */
bool check_unopened(struct check *c, const struct err *err);

/* True when key has the form of a snapshot's ("snapshots/TIME-ID.jsonl"). */
bool check_is_snapshot(const char *key);

/* --- one blob (check_blob.c) --- */

/* What a thread reads blobs with. */
struct check_reader {
	struct check *check;
	struct repo_session *session;
	struct block_codec *codec;
	struct buf stored, clear, raw;	/* raw: what it holds, if it is whole */
};
bool check_reader_init(struct check_reader *r, struct check *c,
    struct err *err);
void check_reader_free(struct check_reader *r);

/* Fetches the blob and judges it: entry->damage, renewed, read.  *open: its
 * contents were proven and are in r->raw.  False with *err when that could not
 * be judged (network, memory). */
bool check_blob(struct check_reader *r, struct check_entry *e, bool *open,
    struct err *err);

/* --- details (check_details.c) --- */

/* The blobs that one snapshot lists. */
struct check_listed {
	uint32_t entry;		/* its number in the index */
	bool detail;
	bool named;		/* by the details */
};
struct check_blobs {
	struct check_listed *v;
	size_t n;
	struct snapshot head;
	struct snapshot_blob *said;	/* n of them */
	size_t cap;
};
/* Reads a snapshot's object whole: head and said.  *damage: why it cannot be
 * (err_clear()ed when it can).  check_blobs_free() in any case. */
bool check_blobs_read(struct check *c, const char *object,
    struct check_blobs *b, struct err *damage, struct err *err);
/* Finds the blobs of snapshot number n in the index: v.  note: what it says of
 * them goes there. */
bool check_blobs_find(struct check *c, size_t n, struct check_blobs *b,
    bool note, struct err *err);
void check_blobs_free(struct check_blobs *b);
/* The place of e in b; SIZE_MAX when it is not in it. */
size_t check_blobs_place(const struct check *c, const struct check_blobs *b,
    const struct check_entry *e);

/* Tells each line of the details, as far as they go.  *why: what stopped them
 * (ERR_NONE: nothing; ERR_AUTH: the identities are others').  False with *err
 * only for what ends check. */
typedef bool check_detail_fn(void *arg, const struct detail *d,
    struct err *err);
struct check_details_to {
	check_detail_fn *fn;
	void *arg;
};
bool check_details_read(struct check *c, const struct check_blobs *b,
    const struct check_details_to *to, struct err *why, struct err *err);

/* Holds the details of snapshot number n against the blobs it lists; tells. */
bool check_details(struct check *c, size_t n, struct check_blobs *b,
    struct err *err);

/* Contents of detail blobs, since snapshots share most of them: what fits into
 * the memory given is kept.  NULL when memory is out. */
struct check_cache *check_cache_new(size_t most);
void check_cache_free(struct check_cache *k);
bool check_cache_get(const struct check_cache *k, uint32_t entry,
    const uint8_t **data, size_t *len);
void check_cache_put(struct check_cache *k, uint32_t entry, const void *data,
    size_t len);

/* --- files of several blobs (check_files.c): their digest takes all of them in
 * order, so they are read as wholes --- */

struct check_file {
	uint8_t key[HASH_SHA256_SIZE];	/* of the names of its blobs */
	uint8_t sha256[HASH_SHA256_SIZE]; /* as found */
	bool proven;		/* all of it was read: sha256 and size are known */
	uint64_t size;
	uint32_t *v;		/* its blobs */
	size_t n;
};
struct check_files *check_files_new(struct err *err);
void check_files_free(struct check_files *f);	/* NULL is allowed */
/* Notes the file once, if all of its blobs are in the index. */
bool check_files_add(struct check *c, const struct detail_file *file,
    struct err *err);
size_t check_files_count(const struct check_files *f);
struct check_file *check_files_at(const struct check_files *f, size_t i);
/* NULL when it was not noted. */
const struct check_file *check_files_find(const struct check_files *f,
    const struct detail_file *file);

/* --- what damage costs (check_losses.c) --- */

struct check_losses *check_losses_new(struct err *err);
void check_losses_free(struct check_losses *l);	/* NULL is allowed */
/* Snapshot number n loses what (a collection or file; NULL: not known) with this
 * blob. */
bool check_losses_add(struct check *c, size_t n, struct check_entry *e,
    const char *what, struct err *err);

#endif
