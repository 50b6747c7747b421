#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "bson/doc.h"
#include "job/moment.h"
#include "job/move.h"
#include "job/part.h"
#include "job/plan.h"

#define QUERY_MAX ((size_t)1024 * 1024)

static bool
parse_query(struct data *d, const char *json, struct err *err)
{
	struct buf b;

	if (json == NULL)
		return true;
	buf_init(&b, QUERY_MAX);
	if (!doc_from_json(json, &b, err)) {
		buf_free(&b);
		return err_prefix(err, "--query");
	}
	d->query.data = buf_steal(&b, &d->query.len);
	return true;
}

/* To compare is to read more than once. */
static bool
check_pipes(const struct job *job, struct err *err)
{

	if (!job_compares(job) ||
	    (strcmp(job->options->from, "archive:-") != 0 &&
	    strcmp(job->options->to, "archive:-") != 0))
		return true;
	err_set(err, ERR_USAGE, "%s reads an archive more than once, and "
	    "stdin can be read once", job->command);
	return err_hint(err, "give it a file");
}

/* What cannot be asked of an archive. */
static bool
check_archives(const struct data *d, const struct job *job, struct err *err)
{

	if (d->source.kind != END_MONGO && d->query.data != NULL &&
	    (d->source.place.kind != ARCHIVE_SNAPSHOT ||
	    d->target.kind != END_MONGO)) {
		err_set(err, ERR_USAGE, "--query asks a server: %s cannot "
		    "answer", end_name(&d->source));
		return err_hint(err, "--include and --exclude choose "
		    "collections; or import all and query there");
	}
	if (job->options->delta && (d->target.kind != END_MONGO ||
	    d->source.place.stream)) {
		err_set(err, ERR_USAGE, "--delta compares both sides, and %s "
		    "can%s", d->source.place.stream ? "stdin" :
		    end_name(&d->target), d->source.place.stream ?
		    " be read once" : "not be changed: it is written whole");
		return err_hint(err, d->source.place.stream ?
		    "give it a file" : "--drop replaces it");
	}
	if (d->target.write &&
	    job->options->on_conflict != SPACEFERRY_ABORT) {
		err_set(err, ERR_USAGE, "nothing is added to %s: it is written "
		    "whole", end_name(&d->target));
		return err_hint(err, "--drop replaces it, --on-conflict is for "
		    "a MongoDB");
	}
	if (d->source.kind != END_MONGO && d->target.kind != END_MONGO &&
	    !d->source.place.stream &&
	    strcmp(end_identity(&d->source), end_identity(&d->target)) == 0)
		return err_set(err, ERR_SAME, "source and target are the "
		    "same, %s", end_name(&d->source));
	return true;
}

/* An archive holds the buckets of a time-series, which need a right of their
 * own, and which a filter over measurements does not fit. */
static bool
check_buckets(struct data *d, struct err *err)
{
	size_t i;
	bool any;

	for (i = 0; i < d->n_moves; i++) {
		const struct move *m = &d->moves[i];

		if (!m->buckets || d->source.kind != END_MONGO)
			continue;
		if (d->query.data != NULL)
			err_set(err, ERR_UNSUPPORTED, "%s is a time-series, "
			    "which an archive holds as buckets: --query does "
			    "not apply to them", m->info->ns);
		else if (mongo_any(d->source.session, m->read_ns, &any, err))
			continue;
		else
			err_prefix(err, "source: %s is a time-series, which an "
			    "archive holds as buckets", m->info->ns);
		if (err_retryable(err->kind) || err->kind == ERR_CANCELLED)
			return false;
		return err_hint(err, "--exclude %s leaves it out; "
		    "the roles readWrite and backup may read %s", m->info->ns,
		    m->read_ns);
	}
	return true;
}

static bool
open_ends(struct data *d, const struct job *job, struct err *err)
{
	struct mongo_options mongo = {
		.patience_ms = job->patience_ms,
		/* readers, writers, verifiers, index builder and main, and who
		 * asks about a snapshot's documents */
		.max_sessions = 2 * job->workers + 4 +
		    (job->snapshot != NULL ? ARCHIVE_IN_THREADS : 0),
	};
	struct end_options source = { .role = "source",
	    .text = job->options->from, .mongo = mongo, .job = job->options,
	    .snapshot = job->snapshot };
	struct end_options target = { .role = "target",
	    .text = job->options->to, .mongo = mongo, .job = job->options,
	    .snapshot = job->snapshot_to, .write = !job_compares(job) };

	if (!check_pipes(job, err))
		return false;
	/* What was just written is read back: a secondary may lag behind. */
	target.mongo.primary = true;
	if (!end_open(&d->source, &source, err) ||
	    !end_open(&d->target, &target, err))
		return false;
	return data_check_ends(d, job, err);
}

bool
data_check_ends(struct data *d, const struct job *job, struct err *err)
{

	d->same_deployment = d->source.kind == END_MONGO &&
	    d->target.kind == END_MONGO &&
	    mongo_same(d->source.server, d->target.server);
	return check_archives(d, job, err);
}

bool
data_target_databases(const struct data *d, struct strings *dbs, struct err *err)
{
	char name[MONGO_NS_MAX];
	size_t i, j, len;

	for (i = 0; i < d->n_moves; i++) {
		len = strcspn(d->moves[i].target_ns, ".");
		memcpy(name, d->moves[i].target_ns, len);
		name[len] = '\0';
		for (j = 0; j < dbs->n && strcmp(dbs->v[j], name) != 0; j++)
			continue;
		if (j == dbs->n && !strings_add(dbs, name))
			return err_nomem(err, "target databases");
	}
	return true;
}

static bool
read_catalogs(struct data *d, struct job *job, struct err *err)
{
	struct strings dbs = { NULL, 0 };
	struct end_reading reading = {
		.dbs = &dbs, .with_stats = true, .progress = job->progress,
		.with_accounts = job->options->users_and_roles,
	};
	bool ok;

	if (job->options->db.n == 0 && end_default_db(&d->source) != NULL)
		log_info("%s database %s, named in the source's URI",
		    job_compares(job) ? "comparing" : "moving",
		    end_default_db(&d->source));
	ok = plan_databases(job->options, end_default_db(&d->source), &dbs,
	    err) && end_read_catalog(&d->source, &reading, err) &&
	    plan_moves(d, job, err);
	strings_free(&dbs);
	reading.with_stats = false;
	ok = ok && data_target_databases(d, &dbs, err) &&
	    end_read_catalog(&d->target, &reading, err);
	strings_free(&dbs);
	return ok;
}

/* A namespace that is its own target would be read and written at once. */
static bool
check_not_same(const struct data *d, struct err *err)
{
	size_t i, j;

	if (!d->same_deployment)
		return true;
	for (i = 0; i < d->n_moves; i++) {
		for (j = 0; j < d->n_moves; j++) {
			if (strcmp(d->moves[i].target_ns,
			    d->moves[j].info->ns) != 0)
				continue;
			err_set(err, ERR_SAME, "source and target are the same "
			    "deployment, and %s is on both sides",
			    d->moves[i].target_ns);
			return err_hint(err, "name another database in --to, "
			    "or --rename 'old.*=new.*'");
		}
	}
	return true;
}

/* True when only the database's name changes, and an earlier move said so. */
static bool
is_said(const struct data *d, size_t i)
{
	const char *ns = d->moves[i].info->ns, *to = d->moves[i].target_ns;
	size_t j, db = strcspn(ns, "."), to_db = strcspn(to, ".");

	if (strcmp(ns + db, to + to_db) != 0)
		return false;
	for (j = 0; j < i; j++) {
		const struct move *m = &d->moves[j];

		if (strncmp(m->info->ns, ns, db + 1) == 0 &&
		    strncmp(m->target_ns, to, to_db + 1) == 0 &&
		    strcmp(m->info->ns + db, m->target_ns + to_db) == 0)
			return true;
	}
	return false;
}

static void
say_names(const struct data *d)
{
	size_t i;

	for (i = 0; i < d->n_moves; i++) {
		const char *ns = d->moves[i].info->ns;
		const char *to = d->moves[i].target_ns;
		int db = (int)strcspn(ns, "."), to_db = (int)strcspn(to, ".");

		if (strcmp(ns, to) == 0 || is_said(d, i))
			continue;
		if (strcmp(ns + db, to + to_db) == 0)
			log_info("database %.*s becomes %.*s", db, ns, to_db,
			    to);
		else
			log_info("%s becomes %s", ns, to);
	}
}

/* Matches where rules do not reach: options (validator, pipeline), indexes. */
static uint64_t
metadata_matches(const struct job *job, const struct collection_info *info)
{
	uint64_t n;
	size_t i;

	n = rewrite_count_metadata(job->rules, info->options.data,
	    info->options.len);
	for (i = 0; i < info->n_indexes; i++)
		n += rewrite_count_metadata(job->rules,
		    info->indexes[i].spec.data, info->indexes[i].spec.len);
	return n;
}

static void
note_versions(const struct data *d, struct spaceferry_summary *s)
{
	const char *source = end_version(&d->source);
	const char *target = end_version(&d->target);

	if (source != NULL && source[0] != '\0')
		s->source_version = strdup(source);
	if (target != NULL && target[0] != '\0')
		s->target_version = strdup(target);
}

bool
data_init(struct data *d, const struct job *job, struct err *err)
{

	memset(d, 0, sizeof(*d));
	if (pthread_mutex_init(&d->lock, NULL) != 0)
		return err_nomem(err, "lock");
	return parse_query(d, job->options->query, err);
}

bool
data_check_plan(struct data *d, struct err *err)
{

	return check_not_same(d, err) && check_buckets(d, err);
}

bool
data_open(struct data *d, struct job *job, struct err *err)
{
	struct err ignored;
	size_t i;

	if (!data_init(d, job, err) || !open_ends(d, job, err) ||
	    !read_catalogs(d, job, err) || !data_check_plan(d, err) ||
	    !data_find_judge(d, err))
		return false;
	note_versions(d, job->report.summary);
	say_names(d);
	d->writes_known = d->source.kind == END_MONGO && mongo_write_counter(d->source.session,
	    &d->writes_before, &ignored);
	for (i = 0; i < d->n_moves; i++) {
		struct move *m = &d->moves[i];

		m->metadata_matches = metadata_matches(job, m->info);
	}
	return true;
}

static void
metadata_free(struct move *m)
{
	size_t i;

	for (i = 0; i < m->n_metadata; i++) {
		free(m->metadata[i].kind);
		free(m->metadata[i].name);
		free(m->metadata[i].source);
		free(m->metadata[i].target);
	}
	free(m->metadata);
}

static void *
close_end(void *end)
{

	end_close(end);
	return NULL;
}

/* Side by side: libmongoc's monitors take up to half a second to end. */
static void
close_ends(struct data *d)
{
	pthread_t thread;
	bool threaded;

	threaded = pthread_create(&thread, NULL, close_end, &d->target) == 0;
	end_close(&d->source);
	if (threaded)
		pthread_join(thread, NULL);
	else
		end_close(&d->target);
}

void
data_close(struct data *d)
{
	size_t i;

	for (i = 0; i < d->n_moves; i++) {
		part_free_all(&d->moves[i]);
		metadata_free(&d->moves[i]);
	}
	free(d->moves);
	moment_free(d->moment);
	free(d->query.data);
	close_ends(d);
	pthread_mutex_destroy(&d->lock);
}

static const char *
type_name(enum collection_type type)
{

	return type == COLLECTION_VIEW ? "view" :
	    type == COLLECTION_TIMESERIES ? "timeseries" : "collection";
}

static void
summarise_tally(const struct tally *t, struct spaceferry_tally *out)
{

	out->count = t->count;
	out->bytes = t->bytes;
	digest_hex(t->digest, out->digest);
}

static bool
move_is_ok(const struct move *m, bool minds_extras)
{

	return m->missing == 0 && m->different == 0 && m->quarantined == 0 &&
	    m->n_metadata == 0 && m->failed_indexes == 0 &&
	    !m->refused_violations && !m->drifted &&
	    (m->extra == 0 || !minds_extras);
}

static bool
summarise_move(struct move *m, bool minds_extras, bool judged,
    struct spaceferry_collection *c)
{

	if ((c->ns = strdup(m->target_ns)) == NULL)
		return false;
	c->type = type_name(m->info->type);
	summarise_tally(&m->source, &c->source);
	summarise_tally(&m->target, &c->target);
	c->rewritten_documents = m->rewritten.documents;
	c->rewritten_values = m->rewritten.values;
	c->unrewritten.keys = m->rewritten.keys;
	c->unrewritten.ids = m->rewritten.ids;
	c->unrewritten.binary = m->rewritten.binary;
	c->unrewritten.regex = m->rewritten.regex;
	c->unrewritten.metadata = m->metadata_matches;
	c->unrewritten.no_rule = m->rewritten.no_rule;
	c->missing = m->missing;
	c->extra = m->extra;
	c->different = m->different;
	c->kept = m->kept;
	c->expired = m->expired;
	c->quarantined = m->quarantined;
	c->conflicts = m->conflicts;
	c->violations = m->violations;
	c->ok = judged && move_is_ok(m, minds_extras);
	c->metadata = m->metadata;
	c->n_metadata = m->n_metadata;
	m->metadata = NULL;
	m->n_metadata = 0;
	return true;
}

bool
data_summarise(struct data *d, struct job *job, struct err *err)
{
	struct spaceferry_summary *s = job->report.summary;
	size_t i;

	s->collections = calloc(d->n_moves + 1, sizeof(*s->collections));
	if (s->collections == NULL)
		return err_nomem(err, "summary");
	for (i = 0; i < d->n_moves; i++) {
		if (!summarise_move(&d->moves[i], job_minds_extras(job),
		    d->judged, &s->collections[s->n_collections]))
			return err_nomem(err, "summary");
		s->n_collections++;
	}
	return true;
}
