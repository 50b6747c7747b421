#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "state/journal_replay.h"

#define NAME "journal"
#define LAST_NAME "last.journal"
#define TYPE "spaceferry journal"
#define REMEDY "--restart drops this journal and starts anew"

/* name -> digest of all values of that name */
static json_t *
fingerprint(const struct journal_options *o, struct err *err)
{
	uint8_t sha256[HASH_SHA256_SIZE];
	json_t *parts = json_object();
	struct hash *h;
	size_t i, k;

	if ((h = hash_new(false, err)) == NULL)
		goto fail;
	for (i = 0; i < o->n_fingerprint; i++) {
		const char *name = o->fingerprint[i][0];

		for (k = 0; k < o->n_fingerprint; k++) {
			const char *value = o->fingerprint[k][1];

			if (strcmp(name, o->fingerprint[k][0]) != 0)
				continue;
			value = value == NULL ? "" : value;
			hash_update(h, value, strlen(value) + 1);
		}
		if (!hash_finish(h, sha256, NULL, err))
			goto fail;
		if (json_object_set_new(parts, name,
		    lines_hex(sha256, HASH_SHA256_SIZE)) != 0) {
			err_nomem(err, "journal");
			goto fail;
		}
	}
	hash_free(h);
	return parts;

fail:
	hash_free(h);
	json_decref(parts);
	return NULL;
}

static bool
make_first(struct journal *j, const struct journal_options *o, struct err *err)
{
	uint8_t sha256[HASH_SHA256_SIZE];
	json_t *parts;

	if (!hash_sha256(o->key, strlen(o->key), sha256))
		return err_nomem(err, "journal");
	if ((parts = fingerprint(o, err)) == NULL)
		return false;
	j->first = json_pack("{s:o, s:o}", "fingerprint", parts, "key",
	    lines_hex(sha256, HASH_SHA256_SIZE));
	return j->first != NULL || err_nomem(err, "journal");
}

static bool
make_names(struct journal *j, struct err *err)
{

	j->path = place_join(j->place, NAME);
	j->facts = json_object();
	j->index = json_object();
	return (j->path != NULL && j->facts != NULL && j->index != NULL) ||
	    err_nomem(err, "journal");
}

static bool
take_line(void *arg, const struct lines_line *line, struct err *err)
{
	struct journal *j = arg;

	if (j->found != NULL) {
		j->n_found++;
		return journal_replay(j, line->object, err);
	}
	if (!json_equal(json_object_get(line->object, "key"),
	    json_object_get(j->first, "key")))
		return err_set(err, ERR_DAMAGED, "the journal of other ends");
	j->found = json_deep_copy(line->object);
	return j->found != NULL || err_nomem(err, "journal");
}

/* Appends the names in a whose value differs in b, or is not in b; common:
 * those in both. */
static void
add_differing(const json_t *a, const json_t *b, bool common, struct buf *names)
{
	const char *name;
	json_t *value;
	void *it = json_object_iter((json_t *)a);

	for (; it != NULL; it = json_object_iter_next((json_t *)a, it)) {
		const json_t *other;

		name = json_object_iter_key(it);
		value = json_object_iter_value(it);
		other = json_object_get(b, name);
		if (other == NULL ? common : !common || json_equal(value, other))
			continue;
		buf_printf(names, "%s%s", names->len > 0 ? ", " : "", name);
	}
}

static bool
check_fingerprint(struct journal *j, struct err *err)
{
	const json_t *ours = json_object_get(j->first, "fingerprint");
	const json_t *theirs = json_object_get(j->found, "fingerprint");
	struct buf names;

	if (json_equal(ours, theirs))
		return true;
	buf_init(&names, 256);
	add_differing(ours, theirs, true, &names);
	add_differing(ours, theirs, false, &names);
	add_differing(theirs, ours, false, &names);
	err_set(err, ERR_CONFLICT, "an unfinished run was started with "
	    "another %s: %s", buf_str(&names), j->path);
	buf_free(&names);
	return err_hint(err, "repeat the old command to finish it, or add "
	    "--restart, which drops its journal");
}

/* Reads what an unfinished run left.  One that recorded nothing is none.
 * --restart: it stays unread, for it may be damaged, until the first record
 * takes its place; a run that is refused first leaves it to be resumed. */
static bool
resume(struct journal *j, const struct journal_options *o, struct err *err)
{
	const struct lines_file file = {
		.place = j->place,
		.name = NAME,
		.type = TYPE,
		.remedy = REMEDY,
		.line = take_line,
		.arg = j,
	};
	enum place_found last;
	uint64_t good = 0;

	if (!o->restart && !lines_read(&file, &good, err))
		return false;
	if (j->n_found > 0) {
		if (!check_fingerprint(j, err))
			return false;
		if (!o->look_only && (j->lines = lines_continue(j->place, NAME,
		    good, err)) == NULL)
			return false;
		journal_replay_end(j);
	}
	j->resumed = j->n_found > 0;
	if ((last = place_exists(j->place, LAST_NAME, err)) == PLACE_FAILED)
		return false;
	j->last_succeeded = !j->resumed && last == PLACE_FOUND;
	return true;
}

struct journal *
journal_open(const struct journal_options *options, struct err *err)
{
	const struct place_options place = {
		.state = options->folder, .key = options->key,
		.patience_ms = options->patience_ms,
		.look_only = options->look_only,
	};
	struct journal *j;

	if ((j = calloc(1, sizeof(*j))) == NULL) {
		err_nomem(err, "journal");
		goto fail;
	}
	if (pthread_mutex_init(&j->lock, NULL) != 0) {
		err_nomem(err, "journal");
		goto fail_j;
	}
	if ((j->place = place_new(&place, err)) == NULL)
		goto fail_lock;
	if (!make_names(j, err) || !make_first(j, options, err))
		goto fail_journal;
	if (!resume(j, options, err))
		goto fail_journal;
	return j;

fail_journal:
	journal_free(j);
	return NULL;
fail_lock:
	pthread_mutex_destroy(&j->lock);
fail_j:
	free(j);
fail:
	return NULL;
}

void
journal_free(struct journal *j)
{

	if (j == NULL)
		return;
	lines_free(j->lines);
	journal_replay_free(j);
	json_decref(j->first);
	json_decref(j->found);
	free(j->path);
	place_free(j->place);
	pthread_mutex_destroy(&j->lock);
	free(j);
}

bool
journal_resumed(const struct journal *j)
{

	return j->resumed;
}

bool
journal_last_succeeded(const struct journal *j)
{

	return j->last_succeeded;
}

/* Keeps the first line of the last run's journal. */
static bool
take_first(void *arg, const struct lines_line *line, struct err *err)
{
	json_t **first = arg;

	if (*first == NULL)
		*first = json_deep_copy(line->object);
	return *first != NULL || err_nomem(err, "journal");
}

void
journal_last_differs(struct journal *j, const char *const *parts, size_t n,
    struct buf *out)
{
	const json_t *ours = json_object_get(j->first, "fingerprint"), *theirs;
	json_t *first = NULL;
	const struct lines_file file = {
		.place = j->place,
		.name = LAST_NAME,
		.type = TYPE,
		.remedy = REMEDY,
		.line = take_first,
		.arg = &first,
	};
	struct err ignored;
	uint64_t good;
	size_t i;

	if (j->last_succeeded && lines_read(&file, &good, &ignored) &&
	    first != NULL) {
		theirs = json_object_get(first, "fingerprint");
		for (i = 0; i < n; i++) {
			if (!json_equal(json_object_get(ours, parts[i]),
			    json_object_get(theirs, parts[i])))
				buf_printf(out, "%s%s", out->len > 0 ? ", " :
				    "", parts[i]);
		}
	}
	json_decref(first);
}

struct place *
journal_place(const struct journal *j)
{

	return j->place;
}

/* Makes the file, durably, when the first record is about to be written; only
 * then is the success of the last run forgotten. */
static bool
begin(struct journal *j, struct err *err)
{

	if (j->closed)
		return err_set(err, ERR_INTERNAL, "the journal is closed: %s",
		    j->path);
	if (j->lines != NULL)
		return true;
	j->lines = lines_start(j->place, NAME, TYPE, json_incref(j->first),
	    err);
	return j->lines != NULL && place_remove(j->place, LAST_NAME, err);
}

bool
journal_record(struct journal *j, json_t *object, struct err *err)
{
	bool ok;

	ok = begin(j, err) && lines_add(j->lines, json_incref(object), err) &&
	    journal_replay(j, object, err);
	json_decref(object);
	return ok;
}

bool
journal_settle(struct journal *j, bool durable, struct err *err)
{
	struct lines *lines;

	pthread_mutex_lock(&j->lock);
	lines = j->lines;
	pthread_mutex_unlock(&j->lock);
	return lines == NULL || lines_settle(lines, durable, err);
}

bool
journal_close_done(struct journal *j, struct err *err)
{
	bool ok;

	pthread_mutex_lock(&j->lock);
	ok = begin(j, err) && lines_sync(j->lines, err);
	if (ok) {
		lines_free(j->lines);
		j->lines = NULL;
		j->closed = true;
		ok = place_rename(j->place, NAME, LAST_NAME, err);
	}
	pthread_mutex_unlock(&j->lock);
	return ok;
}

bool
journal_sync(struct journal *j, struct err *err)
{

	return journal_settle(j, true, err);
}

bool
journal_put(struct journal *j, const char *name, const char *value,
    struct err *err)
{
	bool ok;

	pthread_mutex_lock(&j->lock);
	ok = journal_record(j, json_pack("{s:s, s:o, s:o}", "op", "put",
	    "name", lines_text(name), "value", lines_text(value)), err);
	pthread_mutex_unlock(&j->lock);
	return ok && journal_settle(j, true, err);
}

const char *
journal_get(struct journal *j, const char *name)
{
	const char *value;

	pthread_mutex_lock(&j->lock);
	value = json_string_value(json_object_get(j->facts, name));
	pthread_mutex_unlock(&j->lock);
	return value;
}

void
journal_each(struct journal *j, const char *prefix,
    void (*fn)(void *arg, const char *rest), void *arg)
{
	size_t len = strlen(prefix);
	const char *name;
	json_t *value;

	pthread_mutex_lock(&j->lock);
	json_object_foreach(j->facts, name, value) {
		if (strncmp(name, prefix, len) == 0)
			fn(arg, name + len);
	}
	pthread_mutex_unlock(&j->lock);
}
