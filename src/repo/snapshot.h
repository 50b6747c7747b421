/*
 * A snapshot: the object snapshots/TIME-ID.jsonl, in the clear, which lists all
 * blobs that it needs with their sizes and digests, so that check and prune need
 * no secret; and its details (repo/detail.h), which are blobs themselves, listed
 * there too.  It is put last: what it names is there when it appears.
 * docs/FORMAT.md, "Snapshot".
 *
 * Lines of JSON: a head, the blobs, an end with a digest of all before it.
 */
#ifndef REPO_SNAPSHOT_H
#define REPO_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/glob.h"
#include "repo/repo.h"

#define SNAPSHOT_LINES_MAX ((size_t)256 * 1024 * 1024) /* of its object */
#define SNAPSHOT_TAG_MAX 64

/* Its head. */
struct snapshot {
	char id[REPO_ID_SIZE + 1];
	int64_t time_ns;	/* since 1970: when it began */
	char key_id[REPO_KEY_ID_SIZE + 1]; /* of the naming key; "" */
	char group[17];		/* what was backed up, as 16 hex digits: those
				 * of the same ends have the same */
	struct strings tags;	/* letters, digits, - _ . only */
	uint64_t read;		/* bytes of documents and files */
	uint64_t added, added_blobs; /* bytes and blobs that were new */
	/* Counted by the reader: */
	uint64_t stored, blobs;
	char object[REPO_OBJECT_MAX]; /* "snapshots/…" */
	uint64_t size;		/* of that object */
};

void snapshot_init(struct snapshot *s);
void snapshot_free(struct snapshot *s);

/* "2026-11-23T15:52:46Z" */
#define SNAPSHOT_TIME_SIZE 32
void snapshot_time_text(int64_t time_ns, char out[SNAPSHOT_TIME_SIZE]);

/* --- writing --- */

struct snapshot_writer;

/* Begins one: chooses its id; time_ns, group and tags from head.  Needs no
 * network. */
struct snapshot_writer *snapshot_writer_new(struct repo *r,
    const struct snapshot *head, struct err *err);
const char *snapshot_writer_id(const struct snapshot_writer *w);

/* Notes that it needs this blob; the same again is noted once.  Thread-safe. */
bool snapshot_writer_need(struct snapshot_writer *w,
    const struct repo_blob *blob, struct err *err);

/* Adds one line (without \n) to the details; stored in blobs of about 1 MiB, cut
 * where a hash of a line says.  One thread. */
bool snapshot_writer_detail(struct snapshot_writer *w, struct repo_session *s,
    const char *line, size_t len, struct err *err);

/* Ends the details and puts the snapshot.  read, added: for the head.  *done (may
 * be NULL) is filled as a reader would; snapshot_free() it. */
bool snapshot_writer_commit(struct snapshot_writer *w, struct repo_session *s,
    uint64_t read, struct snapshot *done, struct err *err);
/* Takes back what commit may have put, for a run that lost its lock meanwhile: what
 * the snapshot needs may be gone.  Also after a stop was requested.  False when it
 * may still be there. */
bool snapshot_writer_withdraw(struct snapshot_writer *w);
void snapshot_writer_free(struct snapshot_writer *w);	/* NULL is allowed */

/* --- reading --- */

/* The heads of all snapshots, oldest first.  Objects in snapshots/ that are none or
 * are damaged: to odd (NULL: a warning each), and left out. */
struct snapshot_list {
	struct snapshot *v;
	size_t n;
};
typedef bool snapshot_odd_fn(void *arg, const char *key, const struct err *why,
    struct err *err);
bool snapshot_list(struct repo_session *s, struct snapshot_list *list,
    snapshot_odd_fn *odd, void *arg, struct err *err);
void snapshot_list_free(struct snapshot_list *list);

/* Tells the heads of those that began at since_ns or later, by their names; in
 * any order.  stored, blobs and size are left out, and what is damaged is passed
 * over: little is read of each.  *all (may be NULL): how many snapshots there
 * are, older ones too. */
struct snapshot_heads {
	int64_t since_ns;
	uint64_t *all;
};
bool snapshot_heads(struct repo_session *s, const struct snapshot_heads *which,
    bool (*fn)(void *arg, const struct snapshot *head, struct err *err),
    void *arg, struct err *err);

/* The one that text names: "latest", or the first digits of an id.  tags: only
 * those that have all of them (NULL: any).  NULL with *err: ERR_NOT_FOUND (the
 * hint lists some), ERR_USAGE where several begin so.  Points into list. */
const struct snapshot *snapshot_find(const struct snapshot_list *list,
    const char *text, const struct strings *tags, struct err *err);
bool snapshot_has_tags(const struct snapshot *s, const struct strings *tags);
/* Letters, digits, - _ . only, 1 to SNAPSHOT_TAG_MAX of them. */
bool snapshot_is_tag(const char *tag);

/* Reads the object whole and tells the blobs it needs: those of data, then those
 * of the details, in their order.  False with *err: ERR_DAMAGED, fn's. */
struct snapshot_blob {
	struct repo_blob blob;
	bool detail;
};
bool snapshot_read(struct repo_session *s, const char *object,
    struct snapshot *head,
    bool (*fn)(void *arg, const struct snapshot_blob *b, struct err *err),
    void *arg, struct err *err);

/* Tells each line of the details (len bytes, NUL-terminated, may be changed).
 * Needs identities, where it is encrypted.  Bounded by one blob and one line. */
bool snapshot_read_details(struct repo_session *s, const struct snapshot *snap,
    bool (*fn)(void *arg, char *line, size_t len, struct err *err), void *arg,
    struct err *err);

#endif
