#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/file.h>
#include <unistd.h>

#include "doctor/room.h"
#include "doctor/state.h"
#include "doctor/store.h"
#include "job/state_key.h"
#include "state/lease.h"
#include "state/place.h"

#define ROOM_LEAST ((uint64_t)16 << 20)
#define ROOM_BETTER ((uint64_t)128 << 20)
#define SECOND ((int64_t)1000000000)

struct doctor_state {
	struct state_key key;
};

/* Opens the sources' stores, which identify them, and nothing more. */
static bool
open_sources(struct doctor *d, struct files *f)
{
	const struct spaceferry_options *o = d->job.options;
	const struct store_options options = { .may_be_missing = true,
		.quiet = true };
	struct err ignored;

	memset(f, 0, sizeof(*f));
	f->job = &d->job;
	f->v = calloc(o->n_files + 1, sizeof(*f->v));
	if (f->v == NULL)
		return false;
	for (; f->n < o->n_files; f->n++) {
		f->v[f->n].what = &o->files[f->n];
		f->v[f->n].source = store_open(o->files[f->n].place.from,
		    &options, &ignored);
		if (f->v[f->n].source == NULL)
			return false;
	}
	return true;
}

bool
doctor_state_note(struct doctor *d, const struct data *data, struct err *err)
{
	struct doctor_state *s;
	struct files f;
	bool ok = true;

	if (d->state != NULL)
		return true;
	if (open_sources(d, &f)) {
		if ((s = calloc(1, sizeof(*s))) == NULL) {
			ok = err_nomem(err, "state");
		} else if (!state_key_make(&s->key, &d->job, data,
		    f.n > 0 ? &f : NULL, err)) {
			state_key_free(&s->key);
			free(s);
			ok = false;
		} else {
			d->state = s;
		}
	}
	files_close(&f);
	return ok;
}

void
doctor_state_free(struct doctor *d)
{

	if (d->state != NULL)
		state_key_free(&d->state->key);
	free(d->state);
	d->state = NULL;
}

static bool
is_bucket(const char *state)
{

	return state != NULL && strncasecmp(state, "file://", 7) != 0 &&
	    strstr(state, "://") != NULL;
}

/* --- where it is kept --- */

/* *may: it can be written to. */
static bool
look_at_folder(struct doctor *d, const char *path, bool *may,
    struct err *err)
{
	const struct doctor_room room = { .path = path, .need = ROOM_LEAST,
		.better = ROOM_BETTER, .what = "journal and manifest",
		.remedy = "make room, or name a folder on a larger disk with "
		"--state" };


	if (!doctor_room_writable(d, "state", path, may, err))
		return false;
	return !*may || doctor_room_enough(d, doctor_store_check(DOCTOR_STATE,
	    DOCTOR_ROOM), &room, err);
}

static bool
look_at_bucket(struct doctor *d, const char *url, struct err *err)
{
	struct doctor_store s;
	bool ok;

	ok = doctor_store_open(d, &s, DOCTOR_STATE, url, err);
	if (ok && s.session != NULL)
		ok = doctor_store_write(d, &s, false, err) &&
		    (s.key[0] == '\0' || doctor_store_conditions(d, &s, err));
	doctor_store_remove(d, &s, true);
	doctor_store_close(&s);
	return ok;
}

/* --- who uses it --- */

/* A folder's lock, held by a run that lives. */
static void
look_at_lock(struct doctor *d, const char *folder)
{
	struct doctor_finding f = { "state-lock", SPACEFERRY_FAIL, "wait until "
	    "it ends, or stop it" };
	char *path, pid[16] = "";
	ssize_t n;
	int fd;

	if (asprintf(&path, "%s/lock", folder) < 0)
		return;
	if ((fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)) >= 0) {
		n = pread(fd, pid, sizeof(pid) - 1, 0);
		if (n <= 0 || strspn(pid, "0123456789") != (size_t)n)
			snprintf(pid, sizeof(pid), "unknown");
		if (flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK)
			doctor_tell(d, &f, "another run (pid %s) is using this "
			    "state: %s", pid, folder);
		close(fd);
	}
	free(path);
}

/* A lease in a store that somebody renews: by the store's own clock. */
static bool
look_at_lease(struct doctor *d, const char *url, struct err *err)
{
	struct doctor_finding f = { "state-lock", SPACEFERRY_FAIL, "wait until "
	    "it ends, or stop it; a run that was killed is waited for" };
	const struct store_options options = { .stall_seconds = 10,
		.quiet = true };
	struct store_session *session = NULL;
	struct store *store;
	struct store_object o;
	int64_t age;
	bool ok = true;

	if ((store = store_open(url, &options, err)) == NULL ||
	    (session = store_session_new(store, err)) == NULL) {
		store_free(store);
		return !doctor_store_stops(err);
	}
	if (store_head(session, "lock", &o, err) == STORE_FOUND) {
		age = o.now_ns - o.mtime_ns;
		if (o.now_ns == 0 || o.mtime_ns == 0) {
			f.verdict = SPACEFERRY_WARN;
			doctor_tell(d, &f, "another run holds this state, or "
			    "was killed: the store does not say when, %s",
			    url);
		} else if (age < (int64_t)LEASE_MS / 1000 * SECOND) {
			doctor_tell(d, &f, "another run holds this state, or "
			    "was killed a moment ago: its lock is %lld s old, "
			    "%s", (long long)(age / SECOND), url);
		}
	}
	store_session_free(session);
	store_free(store);
	return ok;
}

/* --- what earlier runs left --- */

struct journal *
doctor_state_journal(struct doctor *d, struct err *err)
{
	struct journal_options options = {
		.folder = d->job.options->state, .look_only = true,
		.restart = d->job.options->restart, .patience_ms = 1000,
	};

	if (d->state == NULL) {
		err_set(err, ERR_UNSUPPORTED, "the ends are not known");
		return NULL;
	}
	options.key = (const char *)d->state->key.key.data;
	options.fingerprint =
	    (const char *const (*)[2])d->state->key.fingerprint;
	options.n_fingerprint = d->state->key.n;
	return journal_open(&options, err);
}

static bool
look_at_journal(struct doctor *d, struct err *err)
{
	struct doctor_finding f = { "state-run", SPACEFERRY_WARN, "the same "
	    "command goes on with it; --restart drops its journal and begins "
	    "anew" };
	struct journal *j;

	if ((j = doctor_state_journal(d, err)) == NULL) {
		if (doctor_store_stops(err))
			return false;
		f.verdict = SPACEFERRY_FAIL;
		f.remedy = err->hint;
		doctor_tell(d, &f, "%s", err->message);
		return true;
	}
	if (d->job.options->restart)
		doctor_pass(d, f.name, "--restart drops what a run between "
		    "these ends may have left unfinished");
	else if (journal_resumed(j))
		doctor_tell(d, &f, "a run between these ends was interrupted: "
		    "%s", place_path(journal_place(j)));
	else if (journal_last_succeeded(j))
		doctor_pass(d, f.name, "these ends were moved before, to the "
		    "end");
	else
		doctor_pass(d, f.name, "no run between these ends is "
		    "unfinished");
	journal_free(j);
	return true;
}

/* What is filed under the key of this migration. */
static bool
look_at_runs(struct doctor *d, const struct place *place, struct err *err)
{
	const struct spaceferry_options *o = d->job.options;
	const struct doctor_finding skipped = { "state-run",
	    SPACEFERRY_SKIPPED, "" };

	if (o->from == NULL && o->to == NULL && o->n_files == 0)
		return true;
	if (d->state == NULL) {
		doctor_tell(d, &skipped, "what earlier runs left is not known: "
		    "not all ends are given, or can be opened");
		return true;
	}
	if (!is_bucket(d->job.options->state))
		look_at_lock(d, place_path(place));
	else if (!look_at_lease(d, place_path(place), err))
		return false;
	return look_at_journal(d, err);
}

bool
doctor_state(struct doctor *d, struct err *err)
{
	const char *state = d->job.options->state;
	struct place_options options = { .state = state, .key = "",
		.look_only = true, .patience_ms = 1000 };
	struct place *place;
	char *root;
	bool ok, may = true;

	if (d->state != NULL)
		options.key = (const char *)d->state->key.key.data;
	if (is_bucket(state) && !look_at_bucket(d, state, err))
		return false;
	if ((place = place_new(&options, err)) == NULL) {
		/* Of a bucket all has been told. */
		if (!is_bucket(state) && !doctor_store_stops(err))
			doctor_err(d, "state", err);
		return !doctor_store_stops(err);
	}
	ok = (root = strdup(place_path(place))) != NULL ||
	    err_nomem(err, "state");
	if (ok && !is_bucket(state)) {
		*strrchr(root, '/') = '\0';
		ok = look_at_folder(d, root, &may, err);
	}
	ok = ok && (!may || look_at_runs(d, place, err));
	free(root);
	place_free(place);
	return ok;
}
