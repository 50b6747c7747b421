#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "bson/doc.h"
#include "job/part.h"
#include "job/target.h"
#include "mongo/duplicates.h"

#define OPTION_MAX 128
#define ID_TEXT_MAX 4096
#define OURS "ours:"
#define FACT_MAX (MONGO_NS_MAX + 16)

static void
fact_name(const struct move *m, char out[FACT_MAX])
{

	snprintf(out, FACT_MAX, OURS "%s", m->target_ns);
}

/* What the journal says of a namespace: ours from the moment it was judged,
 * made once it was dropped (if asked) and created. */
#define CLAIMED "claimed"
#define MADE "made"
#define MADE_MAX 64

bool
target_is_ours(const struct move *m, struct journal *journal)
{
	char fact[FACT_MAX];

	fact_name(m, fact);
	return journal != NULL && journal_get(journal, fact) != NULL;
}

static bool
is_made(const struct move *m, struct journal *journal)
{
	char fact[FACT_MAX];
	const char *value;

	fact_name(m, fact);
	value = journal_get(journal, fact);
	return value != NULL && strncmp(value, MADE, strlen(MADE)) == 0;
}

/* "made UUID": of the collection on the source, so that a resumed run knows
 * whether it is still that one. */
static void
made_value(const struct move *m, char out[MADE_MAX])
{
	size_t i, len = strlen(MADE);

	snprintf(out, MADE_MAX, MADE " ");
	for (i = 0; i < sizeof(m->info->uuid); i++)
		snprintf(out + len + 1 + 2 * i, 3, "%02x", m->info->uuid[i]);
}

bool
target_is_outdated(const struct move *m, struct journal *journal)
{
	char value[MADE_MAX], fact[FACT_MAX];
	const char *was;

	fact_name(m, fact);
	made_value(m, value);
	was = journal_get(journal, fact);
	return was != NULL && strlen(was) == strlen(value) &&
	    strcmp(was, value) != 0;
}

struct left {
	struct data *data;
	struct job *job;
};

static void
tell_left(void *arg, const char *ns)
{
	struct left *l = arg;
	size_t i;

	for (i = 0; i < l->data->n_moves; i++) {
		if (strcmp(l->data->moves[i].target_ns, ns) == 0)
			return;
	}
	if (catalog_find(l->data->target.catalog, ns) != NULL)
		report_note(&l->job->report, "source_dropped", "if that was "
		    "meant, drop it on the target too", "%s is on the target "
		    "since the run that was interrupted, but the source has "
		    "nothing for it any more", ns);
}

void
target_tell_left(struct data *d, struct job *job, struct journal *journal)
{
	struct left l = { d, job };

	if (d->target.kind == END_MONGO)
		journal_each(journal, OURS, tell_left, &l);
}

/* --- before anything is changed --- */

static bool
refuse_occupied(const struct data *d, const struct move *m,
    struct journal *journal, struct err *err)
{

	err_set(err, ERR_CONFLICT, "target %s: %s holds documents already",
	    end_name(&d->target), m->target_ns);
	if (d->source.kind == END_ARCHIVE &&
	    d->source.place.kind == ARCHIVE_SNAPSHOT && !m->stream)
		return err_hint(err, "--drop removes it first; --on-conflict "
		    "skip or replace adds to it; what was begun from another "
		    "snapshot goes on with --from snapshot:ID; `spaceferry diff` "
		    "compares");
	if (journal != NULL && journal_last_succeeded(journal))
		return err_hint(err, "already moved: `spaceferry verify` "
		    "compares both sides; --delta brings it up to date; --drop "
		    "moves everything again");
	if (m->stream)
		return err_hint(err, "--drop removes it first, --exclude "
		    "leaves it out: a capped or time-series collection cannot "
		    "be added to");
	return err_hint(err, "--drop removes it first; --on-conflict skip or "
	    "replace keeps it and adds to it");
}

static bool
refuse_shape(const struct data *d, const struct move *m, struct err *err)
{

	err_set(err, ERR_CONFLICT, "target %s: %s exists as something else "
	    "(collection, view or time-series)", end_name(&d->target),
	    m->target_ns);
	return err_hint(err, "--drop removes it first, or --rename it");
}

bool
target_stays_different(const struct catalog_difference *d)
{
	bool made = strcmp(d->kind, "index") == 0 ||
	    strcmp(d->name, "expireAfterSeconds") == 0;

	return !d->harmless && (d->target != NULL || !made);
}

static void
name_option(void *arg, const struct catalog_difference *d)
{
	char *name = arg;

	if (name[0] == '\0' && strcmp(d->kind, "index") != 0 &&
	    target_stays_different(d))
		snprintf(name, OPTION_MAX, "%s", d->name);
}

/* A collection cannot be made where one with other options is. */
static bool
check_options(const struct data *d, const struct move *m,
    const struct collection_info *there, struct err *err)
{
	char name[OPTION_MAX] = "";

	catalog_compare(m->info, there, m->view_on, name_option, name);
	if (name[0] == '\0')
		return true;
	err_set(err, ERR_CONFLICT, "target %s: %s exists with another %s than "
	    "on the source", end_name(&d->target), m->target_ns, name);
	return err_hint(err, "--drop makes it anew; or drop it, or change it "
	    "there, before the move");
}

static bool
check_move(struct data *d, struct job *job, struct move *m,
    struct journal *journal, struct err *err)
{
	const struct spaceferry_options *o = job->options;
	const struct collection_info *there;
	bool any;

	there = catalog_find(d->target.catalog, m->target_ns);
	if (there == NULL || o->drop || target_is_ours(m, journal))
		return true;
	if (there->type != m->info->type)
		return refuse_shape(d, m, err);
	if (!o->delta && !check_options(d, m, there, err))
		return false;
	/* --delta judges a stream once it knows whether it differs. */
	if (m->info->type == COLLECTION_VIEW || o->delta)
		return true;
	/* A stream that is interrupted starts anew from nothing, so it must
	 * have started from nothing. */
	if (o->on_conflict != SPACEFERRY_ABORT && !m->stream)
		return true;
	if (!mongo_any(d->target.session, m->target_ns, &any, err))
		return err_prefix(err, "target: %s", m->target_ns);
	return !any || refuse_occupied(d, m, journal, err);
}

bool
target_check(struct data *d, struct job *job, struct journal *journal,
    struct err *err)
{
	size_t i;

	if (d->target.kind != END_MONGO)
		return true;	/* judged when it was opened */
	for (i = 0; i < d->n_moves; i++) {
		if (!check_move(d, job, &d->moves[i], journal, err))
			return false;
	}
	return true;
}

/* --- before the data --- */

/* A stream cannot go on where it stopped: what it left is dropped. */
static bool
is_stale_stream(const struct move *m)
{

	return m->stream && m->n_parts > 0 && !m->parts[0].done;
}

/* A stream that is moved anew: all that is there is repeated. */
static bool
note_repeated(struct data *d, struct job *job, const struct move *m,
    struct err *err)
{
	const struct collection_info *c = m->info;
	uint64_t n;

	if (!job->resumed || !is_stale_stream(m))
		return true;
	if (!mongo_count(d->target.session, m->target_ns, NULL, &n, err))
		return err_prefix(err, "target: %s", m->target_ns);
	job_repeated_documents(job, n, c->count > 0 ?
	    c->bytes / c->count * n : 0);
	return true;
}

/* Whether nothing but what this migration wrote can be there. */
static bool
is_all_ours(const struct job *job)
{

	return job->options->drop ||
	    job->options->on_conflict == SPACEFERRY_ABORT;
}

/* What an earlier run made, and somebody gave other options since (or the
 * source has others now): it is compared in the end, and costs no document. */
static bool
is_same_kind(const struct data *d, const struct move *m)
{
	const struct collection_info *there;

	there = catalog_find(d->target.catalog, m->target_ns);
	return there != NULL && there->type == m->info->type;
}

static bool
prepare_move(struct data *d, struct job *job, struct move *m,
    struct journal *journal, struct err *err)
{
	struct catalog_create create = {
		.ns = m->target_ns,
		.info = m->info,
		.view_on = m->info->type == COLLECTION_VIEW ? m->view_on : NULL,
	};
	bool made = is_made(m, journal), drop;
	char fact[FACT_MAX], value[MADE_MAX];

	/* Without the right to set it later it is set at once. */
	if (m->info->expires && !mongo_may(d->target.session, m->target_ns,
	    "collMod", &m->expiry_later, err))
		return err_prefix(err, "target");
	create.later_expiry = m->expiry_later;
	if (made && !note_repeated(d, job, m, err))
		return false;
	drop = made ? is_stale_stream(m) || (m->replaced && is_all_ours(job)) :
	    job->options->drop;
	fact_name(m, fact);
	if (!target_is_ours(m, journal) && !journal_put(journal, fact, CLAIMED, err))
		return false;
	atomic_store(&job->changed, true);
	if (drop && !catalog_drop(d->target.session, m->target_ns, err))
		return err_prefix(err, "target: dropping %s", m->target_ns);
	if (!catalog_create(d->target.session, &create, err) &&
	    (!made || drop || !is_same_kind(d, m) || err->kind != ERR_CONFLICT))
		return err_prefix(err, "target: creating %s", m->target_ns);
	made_value(m, value);
	return (made && !m->replaced) || journal_put(journal, fact, value, err);
}

bool
target_remake(struct data *d, struct move *m, struct err *err)
{
	struct catalog_create create = {
		.ns = m->target_ns, .info = m->info,
		.later_expiry = m->expiry_later,
	};
	struct mongo_session *s;
	bool ok;

	if (d->target.kind != END_MONGO)
		return err_set(err, ERR_UNSUPPORTED, "the source's history was "
		    "lost while %s was read", m->info->ns);
	if ((s = mongo_session_new(d->target.server, err)) == NULL)
		return err_prefix(err, "target");
	ok = catalog_drop(s, m->target_ns, err) &&
	    catalog_create(s, &create, err);
	mongo_session_free(s);
	return ok || err_prefix(err, "target: making %s again", m->target_ns);
}

bool
target_prepare(struct data *d, struct job *job, struct journal *journal,
    struct err *err)
{
	size_t i;

	for (i = 0; i < d->n_moves; i++) {
		if (!prepare_move(d, job, &d->moves[i], journal, err))
			return false;
	}
	return true;
}

/* --- after the data --- */

struct build {
	struct job *job;
	struct data *data;
	struct move *move;
	struct mongo_session *session;
	const char *index;	/* the one that failed */
};

#define PAIRS_NAMED 5

static void
name_collision(void *arg, const struct rawdoc *one, const struct rawdoc *other)
{
	struct build *b = arg;
	struct buf text;
	bool ok;

	buf_init(&text, ID_TEXT_MAX);
	ok = buf_append_str(&text, "_id ") &&
	    doc_id_json(one->data, one->len, &text) &&
	    buf_append_str(&text, " and _id ") &&
	    doc_id_json(other->data, other->len, &text) &&
	    buf_str(&text) != NULL;
	report_error(&b->job->report, "rewrite_collision",
	    "rewriting made them equal under a unique index: change the rules "
	    "or one of the documents", "%s: %s have one key in index %s",
	    b->move->target_ns, ok ? (const char *)text.data :
	    "two documents", b->index);
	buf_free(&text);
}

static void
name_collisions(struct build *b, const char *index)
{
	struct err ignored;
	size_t i;

	b->index = index;
	for (i = 0; i < b->move->info->n_indexes; i++) {
		if (strcmp(b->move->info->indexes[i].name, index) == 0)
			mongo_duplicates(b->session, b->move->target_ns,
			    &b->move->info->indexes[i], PAIRS_NAMED,
			    name_collision, b, &ignored);
	}
}

static void
index_failed(void *arg, const char *index, const struct err *why)
{
	struct build *b = arg;
	bool collision = strstr(why->message, "E11000") != NULL;

	pthread_mutex_lock(&b->data->lock);
	collision = collision && b->move->rewritten.values > 0;
	b->move->failed_indexes++;
	pthread_mutex_unlock(&b->data->lock);
	report_error(&b->job->report, "index", why->hint,
	    "%s: index %s could not be built: %s", b->move->target_ns, index,
	    why->message);
	if (collision)
		name_collisions(b, index);
}

static bool
build_indexes_of(struct data *d, struct job *job, struct move *m, bool ttl,
    struct mongo_session *s, struct err *err)
{
	struct build b = {
		.job = job, .data = d, .move = m, .session = s
	};
	struct catalog_index_build build = {
		.ns = m->target_ns,
		.info = m->info,
		.ttl = ttl,
		.failed = index_failed,
		.arg = &b,
	};

	if (m->info->type == COLLECTION_VIEW)
		return true;
	if (!catalog_build_indexes(s, &build, err))
		return err_prefix(err, "target: indexes of %s", m->target_ns);
	return true;
}

bool
target_build_indexes(struct data *d, struct job *job, struct mongo_session *s,
    struct err *err)
{
	size_t i;

	for (i = 0; i < d->n_moves; i++) {
		if (!build_indexes_of(d, job, &d->moves[i], false, s, err))
			return false;
	}
	return true;
}

static bool
has_verified(const struct move *m)
{

	return m->missing == 0 && m->different == 0;
}

bool
target_finish(struct data *d, struct job *job, struct err *err)
{
	size_t i;

	for (i = 0; i < d->n_moves; i++) {
		struct move *m = &d->moves[i];

		if (!has_verified(m)) {
			log_warning("%s: TTL indexes are left out until it "
			    "verifies", m->target_ns);
			continue;
		}
		if (!build_indexes_of(d, job, m, true, d->target.session, err))
			return false;
		if (m->expiry_later && !catalog_set_expiry(d->target.session,
		    m->target_ns, m->info, err))
			return err_prefix(err, "target: expiry of %s",
			    m->target_ns);
	}
	return true;
}
