#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "job/repository.h"
#include "job/snapshot_details.h"
#include "job/snapshot_source.h"
#include "repo/lock.h"

#define PREFIX "snapshot:"
#define NAME_SIZE 512

struct snapshot_source {
	struct repository own;	/* opened here; empty: another one's */
	bool opened;
	const struct job *job;
	struct repo *repo;
	struct repo_lock *lock;	/* NULL: none, or another one's */
	struct snapshot head;
	struct snapshot_details details;
	size_t n_snapshots, n_groups;
	char name[NAME_SIZE];
	char identity[80];
};

bool
snapshot_source_is(const char *text)
{

	return text != NULL && strncmp(text, PREFIX, strlen(PREFIX)) == 0;
}

/* --- opening --- */

/* Whoever may only read does so without a lock: nothing would be gained by
 * refusing it. */
static bool
lock(struct snapshot_source *s, const struct job *job, struct err *err)
{
	struct repo_lock_options options = {
		.repo = s->repo,
		.kind = REPO_LOCK_READ,
		.command = job->command,
		.patience_ms = job->patience_ms,
	};

	if ((s->lock = repo_lock_take(&options, err)) != NULL)
		return true;
	if (err->kind != ERR_DENIED && err->kind != ERR_DISK &&
	    err->kind != ERR_UNSUPPORTED)
		return false;
	log_info("%s is read without a lock (%s): leave prune alone meanwhile",
	    repo_name(s->repo), err->message);
	err_clear(err);
	return true;
}

static bool
open_repository(struct snapshot_source *s, const struct job *job,
    const struct snapshot_source *beside, struct err *err)
{

	if (beside != NULL) {
		s->repo = beside->repo;
		return true;
	}
	if (job->options->repo == NULL) {
		err_set(err, ERR_USAGE, "a snapshot of which repository? "
		    "--repo is missing");
		return err_hint(err, "--repo STORE, or SPACEFERRY_REPO");
	}
	s->opened = true;
	if (!repository_open(&s->own, job, REPOSITORY_READ, err))
		return false;
	s->repo = s->own.repo;
	return lock(s, job, err);
}

static bool
copy_head(struct snapshot *to, const struct snapshot *from, struct err *err)
{
	size_t i;

	*to = *from;
	to->tags = (struct strings){ NULL, 0 };
	for (i = 0; i < from->tags.n; i++) {
		if (!strings_add(&to->tags, from->tags.v[i]))
			return err_nomem(err, "tags");
	}
	return true;
}

/* In the name of a snapshot's object, up to and with the seconds of its time. */
#define TO_SECOND (sizeof("snapshots/20261123T155246") - 1)

/* What cannot be read of those that text may mean: the newest one. */
struct odd {
	const char *text;
	char object[REPO_OBJECT_MAX];
	struct err why;
};

/* "snapshots/20261123T155246Z-1a2b3c4d.jsonl": names sort as times do. */
static bool
is_meant(const char *object, const char *text)
{
	static const char start[] = "snapshots/";
	const char *name = object + sizeof(start) - 1, *id;

	if (strncmp(object, start, sizeof(start) - 1) != 0 ||
	    strspn(name, "0123456789") != 8 || name[8] != 'T' ||
	    (id = strchr(name, '-')) == NULL)
		return false;
	return strcmp(text, "latest") == 0 ||
	    strncmp(id + 1, text, strlen(text)) == 0;
}

static bool
on_odd(void *arg, const char *key, const struct err *why, struct err *err)
{
	struct odd *odd = arg;

	(void)err;
	if (!is_meant(key, odd->text) || strlen(key) >= sizeof(odd->object)) {
		log_warning("%s: %s", key, why->message);
	} else if (strcmp(key, odd->object) > 0) {
		snprintf(odd->object, sizeof(odd->object), "%s", key);
		odd->why = *why;
	}
	return true;
}

/* An older one in place of the one that was asked for would be taken for it.
 * found: NULL with *err, which is put right then. */
static bool
refuse_odd(const struct odd *odd, const struct snapshot *found,
    const struct snapshot_list *list, struct err *err)
{
	const struct snapshot *last;

	if (odd->object[0] == '\0' || (found != NULL &&
	    (strcmp(odd->text, "latest") != 0 ||
	    strncmp(found->object, odd->object, TO_SECOND) > 0)))
		return found != NULL;
	last = found != NULL ? found :
	    list->n > 0 ? &list->v[list->n - 1] : NULL;
	*err = odd->why;
	if (strcmp(odd->text, "latest") == 0)
		err_prefix(err, "the latest snapshot");
	if (last == NULL)
		return err_hint(err, "there is no other; `spaceferry check` "
		    "tells what is damaged");
	return err_hint(err, "name the snapshot you want by its id: --from "
	    "snapshot:%s is the newest one that can be read; `spaceferry check` "
	    "tells what is damaged", last->id);
}

static size_t
count_groups(const struct snapshot_list *list, const struct strings *tags)
{
	size_t i, j, n = 0;

	for (i = 0; i < list->n; i++) {
		if (!snapshot_has_tags(&list->v[i], tags))
			continue;
		for (j = 0; j < i; j++) {
			if (strcmp(list->v[j].group, list->v[i].group) == 0 &&
			    snapshot_has_tags(&list->v[j], tags))
				break;
		}
		n += j == i;
	}
	return n;
}

static bool
choose(struct snapshot_source *s, const struct job *job, const char *text,
    struct repo_session *session, struct err *err)
{
	const struct snapshot *found;
	struct odd odd = { .text = text };
	struct snapshot_list list;
	struct strings tags = { NULL, 0 };
	bool ok = false;

	memset(&list, 0, sizeof(list));
	if (!job_copy_strings(&job->options->tags, &tags)) {
		err_nomem(err, "tags");
	} else if (snapshot_list(session, &list, on_odd, &odd, err)) {
		found = snapshot_find(&list, text, &tags, err);
		ok = refuse_odd(&odd, found, &list, err) &&
		    copy_head(&s->head, found, err);
		s->n_snapshots = list.n;
		s->n_groups = strcmp(text, "latest") == 0 ?
		    count_groups(&list, &tags) : 1;
	}
	snapshot_list_free(&list);
	strings_free(&tags);
	return ok;
}

static bool
open_snapshot(struct snapshot_source *s, const struct job *job,
    const char *text, struct err *err)
{
	struct repo_session *session;
	char when[SNAPSHOT_TIME_SIZE];
	bool ok;

	if ((session = repo_session_new(s->repo, err)) == NULL)
		return false;
	ok = choose(s, job, text, session, err);
	if (ok) {
		snapshot_time_text(s->head.time_ns, when);
		snprintf(s->name, sizeof(s->name), "snapshot %s of %s in %s",
		    s->head.id, when, repo_name(s->repo));
		snprintf(s->identity, sizeof(s->identity), "snapshot:%s/%s",
		    repo_id(s->repo), s->head.id);
		ok = (repo_load_key(s->repo, s->head.key_id, err) &&
		    snapshot_details_read(&s->details, session, &s->head,
		    err)) || err_prefix(err, "%s", s->name);
	}
	repo_session_free(session);
	return ok;
}

struct snapshot_source *
snapshot_source_open(const struct job *job, const char *text,
    const struct snapshot_source *beside, struct err *err)
{
	struct snapshot_source *s;

	if ((s = calloc(1, sizeof(*s))) == NULL) {
		err_nomem(err, "snapshot");
		return NULL;
	}
	snapshot_init(&s->head);
	s->job = job;
	text += strlen(PREFIX);
	if (*text == '\0') {
		err_set(err, ERR_USAGE, "snapshot: names no snapshot");
		err_hint(err, "snapshot:latest, or snapshot:ID");
	} else if (open_repository(s, job, beside, err) &&
	    open_snapshot(s, job, text, err)) {
		return s;
	}
	/* Where the lock was lost a prune may be why it is not there. */
	snapshot_source_held(s, err);
	snapshot_source_close(s);
	return NULL;
}

void
snapshot_source_close(struct snapshot_source *s)
{

	if (s == NULL)
		return;
	snapshot_details_free(&s->details);
	snapshot_free(&s->head);
	repo_lock_free(s->lock);
	if (s->opened)
		repository_close(&s->own);
	free(s);
}

/* --- what it is --- */

const char *
snapshot_source_name(const struct snapshot_source *s)
{

	return s->name;
}

struct repo *
snapshot_source_repo(const struct snapshot_source *s)
{

	return s->repo;
}

const struct snapshot *
snapshot_source_head(const struct snapshot_source *s)
{

	return &s->head;
}

const struct detail_snapshot *
snapshot_source_about(const struct snapshot_source *s)
{

	return &s->details.about;
}

size_t
snapshot_source_snapshots(const struct snapshot_source *s)
{

	return s->n_snapshots;
}

size_t
snapshot_source_groups(const struct snapshot_source *s)
{

	return s->n_groups;
}

const struct job *
snapshot_source_job(const struct snapshot_source *s)
{

	return s->job;
}

const char *
snapshot_source_key_id(const struct snapshot_source *s)
{

	return s->head.key_id;
}

const char *
snapshot_source_identity(const struct snapshot_source *s)
{

	return s->identity;
}

size_t
snapshot_source_count(const struct snapshot_source *s)
{

	return s->details.n_collections;
}

const struct snapshot_collection *
snapshot_source_collection(const struct snapshot_source *s, size_t i)
{

	return &s->details.collections[i];
}

size_t
snapshot_source_places(const struct snapshot_source *s)
{

	return s->details.n_places;
}

const struct snapshot_place *
snapshot_source_place(const struct snapshot_source *s, size_t i)
{

	return &s->details.places[i];
}

size_t
snapshot_source_find_place(const struct snapshot_source *s, const char *name,
    struct err *err)
{
	char names[300] = "";
	size_t i, used = 0, n = s->details.n_places;

	if (n == 1 && name == NULL)
		return 0;
	for (i = 0; name != NULL && i < n; i++) {
		if (strcmp(s->details.places[i].name, name) == 0)
			return i;
	}
	for (i = 0; i < n && used < sizeof(names); i++)
		used += (size_t)snprintf(names + used, sizeof(names) - used,
		    "%s%s", i > 0 ? ", " : "", s->details.places[i].name);
	if (n == 0)
		err_set(err, ERR_USAGE, "there are no files in %s", s->name);
	else if (name == NULL)
		err_set(err, ERR_USAGE, "%s holds files of %zu places: which "
		    "ones?", s->name, n);
	else
		err_set(err, ERR_USAGE, "there are no files of %s in %s", name,
		    s->name);
	if (n > 0)
		err_hint(err, "--files NAME=END; it has %s", names);
	return n;
}

bool
snapshot_source_files(const struct snapshot_source *s,
    struct repo_session *session, size_t place, snapshot_source_file_fn *fn,
    void *arg, struct err *err)
{
	struct snapshot_details_files files = {
		.place = place, .fn = fn, .arg = arg,
	};

	return snapshot_details_files(&files, session, &s->head, err);
}

bool
snapshot_source_held(const struct snapshot_source *s, struct err *err)
{

	return s->lock == NULL || repo_lock_held(s->lock, err);
}
