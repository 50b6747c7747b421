/*
 * The journal of one migration: what is known to be done, so that the same
 * command goes on after an interruption and repeats little.  A file of
 * checksummed lines (docs/FORMAT.md) in a place (place.h): in a folder written
 * at once and fsynced at most once a second, in a store sent at most every
 * PLACE_SEND_MS.  A torn last line is dropped when it is read.
 *
 * Order: journal_open(), then records as things happen, from any thread;
 * journal_close_done() once everything is verified, or journal_free() alone,
 * which leaves it unfinished: the next run resumes.
 *
 * Nothing is written before the first record, so a run that is refused leaves
 * no journal behind, and does not make the success of the last one forgotten.
 * A record that could not be written (ERR_DISK) leaves nothing in the file or
 * in memory; one that could not be made durable ends the journal: nothing more
 * is accepted.
 */
#ifndef STATE_JOURNAL_H
#define STATE_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"
#include "state/place.h"

struct journal;

/* Where and for what.  Strings are copied. */
struct journal_options {
	const char *folder;	/* PATH or file:///p, made if missing; a store's
				 * URL; NULL: $XDG_STATE_HOME/spaceferry, else
				 * ~/.local/state/spaceferry */
	const char *key;	/* the ends, without credentials: names the
				 * subfolder (a digest of it) */
	/* Named parts of what was asked for ("query", "rename", …): n pairs
	 * name, value.  A difference in an unfinished journal is an error that
	 * names the part. */
	const char *const (*fingerprint)[2];
	size_t n_fingerprint;
	bool restart;		/* drop an unfinished one, at the first
				 * record */
	uint64_t patience_ms;	/* as in place.h */
	bool look_only;		/* as in place.h, for dry runs: to record is
				 * ERR_INTERNAL */
};

/* Opens and locks; reads what an unfinished run left.  NULL with *err:
 * ERR_LOCKED (another run; names its pid), ERR_CONFLICT (fingerprint differs),
 * ERR_DAMAGED, ERR_UNSUPPORTED (a journal of another version), or what
 * place_new() says. */
struct journal *journal_open(const struct journal_options *options,
    struct err *err);
void journal_free(struct journal *j);	/* NULL is allowed */

/* True when an unfinished run is being resumed. */
bool journal_resumed(const struct journal *j);

/* True when the last run with this key that recorded anything ended well (and
 * was closed).  As it was at journal_open(). */
bool journal_last_succeeded(const struct journal *j);

/* Appends to out which of these n parts of the fingerprint are not as the last
 * run, which ended well, had them: ", " between the names; nothing where there
 * was no such run, or what it left cannot be read. */
void journal_last_differs(struct journal *j, const char *const *parts,
    size_t n, struct buf *out);

/* Where the state of this key is, for quarantine and manifest.  Lives with
 * j. */
struct place *journal_place(const struct journal *j);

/* Everything is done and verified: closes the journal, so that the same
 * command starts anew.  Durable on return.  Only journal_free(), the getters
 * and journal_place() may follow. */
bool journal_close_done(struct journal *j, struct err *err);

/* Small facts, name -> value ("ours:db.c" -> "1", "cluster_time" -> "17.3").
 * put is durable on return; the last value counts.  get: NULL when absent;
 * the string lives until the next put of the same name. */
bool journal_put(struct journal *j, const char *name, const char *value,
    struct err *err);
const char *journal_get(struct journal *j, const char *name);

/* Calls fn with what follows prefix in the name of each fact that begins with
 * it.  Under the journal's lock: fn must not call the journal. */
void journal_each(struct journal *j, const char *prefix,
    void (*fn)(void *arg, const char *rest), void *arg);

/* Partitions of one collection (by the target's namespace), in order from 0.
 * low and high are opaque bytes, len 0 for none. */
struct journal_part {
	const uint8_t *low;
	size_t low_len;
	const uint8_t *high;
	size_t high_len;
	bool done;
	struct tally tally;	/* what must be on the target, when done */
	/* Counters that the job wants back after a resume: its own order. */
	uint64_t counters[12];
};

/* Appends a partition (not done) of ns; durable after journal_sync().  Not
 * after journal_parts_complete() (ERR_INTERNAL). */
bool journal_add_part(struct journal *j, const char *ns,
    const struct journal_part *part, struct err *err);

/* All partitions of ns have been added (there may be none).  A run that ends
 * before this starts the list of ns anew when it resumes. */
bool journal_parts_complete(struct journal *j, const char *ns,
    struct err *err);
bool journal_has_parts(struct journal *j, const char *ns);
size_t journal_count_parts(struct journal *j, const char *ns);

/* Partition number i; its pointers live as long as the journal.  False when
 * there is none. */
bool journal_get_part(struct journal *j, const char *ns, size_t i,
    struct journal_part *part);

/* Number i is done: everything of it is acknowledged. */
bool journal_part_done(struct journal *j, const char *ns, size_t i,
    const struct journal_part *part, struct err *err);

/* A failed verification reopens number i; its tally and counters are gone. */
bool journal_part_reopen(struct journal *j, const char *ns, size_t i,
    struct err *err);

/* Forgets ns's partitions: a stream that must be restarted whole. */
bool journal_forget_parts(struct journal *j, const char *ns, struct err *err);

/* Makes everything recorded so far durable. */
bool journal_sync(struct journal *j, struct err *err);

#endif
