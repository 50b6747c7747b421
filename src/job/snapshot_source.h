/*
 * A snapshot as something to read: the repository it lies in, a lock that keeps
 * prune away meanwhile, and what its details say.  The data side reads it
 * through job/snapshot_in.h, the files through job/snapshot_files.h.
 *
 * Of the details the head, the collections with their runs (48 bytes for each
 * MiB of documents) and the places stay in memory; files are listed anew by
 * whoever wants them.
 *
 * Order: snapshot_source_open(), any use, snapshot_source_close().  It does not
 * change once it is open and may be shared by threads, each with a session of
 * its own (repo_session_new()).
 */
#ifndef JOB_SNAPSHOT_SOURCE_H
#define JOB_SNAPSHOT_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "archive/archive.h"
#include "base/digest.h"
#include "base/err.h"
#include "job/job.h"
#include "repo/detail.h"
#include "repo/repo.h"
#include "repo/snapshot.h"

struct snapshot_source;

/* Documents one behind the other, as one blob. */
struct snapshot_run {
	uint8_t name[REPO_NAME_SIZE];
	uint64_t bytes;
	uint64_t documents;
};

struct snapshot_collection {
	char *ns;
	struct archive_collection about; /* its metadata, read */
	struct tally tally;
	struct snapshot_run *runs;
	size_t n_runs;
};

struct snapshot_place {
	char *name;
	uint64_t files;
	uint64_t bytes;
};

/* True for "snapshot:…"; NULL is none. */
bool snapshot_source_is(const char *text);

/* Opens the snapshot that text ("snapshot:ID", "snapshot:latest") names in the
 * job's --repo, among those with all of its --tag.  beside: another one of the
 * same job, which outlives it: its repository is shared; NULL: none.  Blocks.
 * NULL with *err: ERR_USAGE (no --repo), ERR_NOT_FOUND, ERR_AUTH, ERR_DAMAGED,
 * ERR_LOCKED …  ERR_DAMAGED, too, where "latest" would be an older one because
 * the newest cannot be read: the hint names it. */
struct snapshot_source *snapshot_source_open(const struct job *job,
    const char *text, const struct snapshot_source *beside, struct err *err);
void snapshot_source_close(struct snapshot_source *s);	/* NULL is allowed */

/* "snapshot 1a2b3c4d of 2026-11-23T15:52:46Z in REPO": for messages.  All of
 * these live with s. */
const char *snapshot_source_name(const struct snapshot_source *s);
struct repo *snapshot_source_repo(const struct snapshot_source *s);
const struct snapshot *snapshot_source_head(const struct snapshot_source *s);
const struct detail_snapshot *snapshot_source_about(
    const struct snapshot_source *s);
/* How many there are in the repository. */
size_t snapshot_source_snapshots(const struct snapshot_source *s);
/* Of how many sets of ends (snapshot.group) "latest" chose the newest one; 1
 * where an id was given. */
size_t snapshot_source_groups(const struct snapshot_source *s);
/* The job that it was opened for. */
const struct job *snapshot_source_job(const struct snapshot_source *s);
/* What repo_get() wants to know: the naming key's id. */
const char *snapshot_source_key_id(const struct snapshot_source *s);
/* What tells it from all others, wherever they are: repository and snapshot. */
const char *snapshot_source_identity(const struct snapshot_source *s);

size_t snapshot_source_count(const struct snapshot_source *s);
const struct snapshot_collection *snapshot_source_collection(
    const struct snapshot_source *s, size_t i);

size_t snapshot_source_places(const struct snapshot_source *s);
const struct snapshot_place *snapshot_source_place(
    const struct snapshot_source *s, size_t i);
/* The place of that name, or the only one for NULL; the number of places when
 * there is none such, with *err: ERR_USAGE, the hint lists them. */
size_t snapshot_source_find_place(const struct snapshot_source *s,
    const char *name, struct err *err);

/* Tells the files of one place (SIZE_MAX: of all), in the order of the snapshot,
 * by reading the details once more.  f lives for the call.  Blocks.  False with
 * *err, fn's too. */
typedef bool snapshot_source_file_fn(void *arg, size_t place,
    const struct detail_file *f, struct err *err);
bool snapshot_source_files(const struct snapshot_source *s,
    struct repo_session *session, size_t place, snapshot_source_file_fn *fn,
    void *arg, struct err *err);

/* False with ERR_LOCKED when prune may be at work since: what was read so far is
 * right all the same (each blob is proven), but more may be gone. */
bool snapshot_source_held(const struct snapshot_source *s, struct err *err);

#endif
