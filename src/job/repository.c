#include <stdlib.h>
#include <string.h>

#include "job/repository.h"

#define RECIPIENT_HINT "a recipient is the line age1… that age-keygen shows"
#define IDENTITY_HINT "an identity file is what age-keygen -o FILE writes"

#define PASSPHRASE_HINT "it is asked for on a terminal; elsewhere " \
	"SPACEFERRY_PASSPHRASE holds it"

static bool
refuse(struct err *err, const char *option, const char *hint)
{

	err_prefix(err, "%s", option);
	return err->hint[0] != '\0' ? false : err_hint(err, "%s", hint);
}

static bool
read_recipients(struct repository *r, const struct spaceferry_options *o,
    struct err *err)
{
	size_t i;

	if (o->recipients.n == 0 && o->recipients_files.n == 0)
		return true;
	if ((r->recipients = age_recipients_new(err)) == NULL)
		return false;
	for (i = 0; i < o->recipients.n; i++) {
		if (!age_recipients_add(r->recipients, o->recipients.v[i],
		    err))
			return refuse(err, "--recipient", RECIPIENT_HINT);
	}
	for (i = 0; i < o->recipients_files.n; i++) {
		if (!age_recipients_add_file(r->recipients,
		    o->recipients_files.v[i], err))
			return refuse(err, "--recipients-file", RECIPIENT_HINT);
	}
	if (age_recipients_count(r->recipients) > 0)
		return true;
	return err_set(err, ERR_USAGE, "--recipients-file %s names nobody",
	    o->recipients_files.v[0]);
}

static bool
read_identities(struct repository *r, const struct spaceferry_options *o,
    struct err *err)
{
	size_t i;

	if (o->identities.n == 0)
		return true;
	if ((r->identities = age_identities_new(err)) == NULL)
		return false;
	for (i = 0; i < o->identities.n; i++) {
		if (!age_identities_add_file(r->identities,
		    o->identities.v[i], o->callbacks.passphrase,
		    o->callbacks.arg, err))
			return refuse(err, "--identity",
			    err->kind == ERR_AUTH ? PASSPHRASE_HINT :
			    IDENTITY_HINT);
	}
	return true;
}

static bool
check_tags(const struct spaceferry_options *o, struct err *err)
{
	size_t i;

	for (i = 0; i < o->tags.n; i++) {
		if (!snapshot_is_tag(o->tags.v[i])) {
			err_set(err, ERR_USAGE, "--tag %.80s cannot be a tag",
			    o->tags.v[i]);
			return err_hint(err, "a tag has letters, digits, - _ . "
			    "only, at most %d of them", SNAPSHOT_TAG_MAX);
		}
	}
	return true;
}

bool
repository_prepare(struct repository *r, const struct job *job,
    enum repository_use use, struct err *err)
{
	const struct spaceferry_options *o = job->options;

	memset(r, 0, sizeof(*r));
	if (o->repo == NULL) {
		err_set(err, ERR_USAGE, "--repo is missing: where is the "
		    "repository?");
		return err_hint(err, "give it, or set SPACEFERRY_REPO");
	}
	return check_tags(o, err) &&
	    (use == REPOSITORY_READ || read_recipients(r, o, err)) &&
	    read_identities(r, o, err);
}

bool
repository_connect(struct repository *r, const struct job *job,
    enum repository_use use, struct err *err)
{
	const struct spaceferry_options *o = job->options;
	bool adds = use != REPOSITORY_READ && !o->dry_run;
	struct repo_options options = {
		.url = o->repo,
		.recipients = r->recipients,
		.identities = r->identities,
		.key_folder = o->state,
		.patience_ms = job->patience_ms,
		.bytes_per_second = o->bandwidth,
		.create = adds && use == REPOSITORY_ADD,
		.add = adds,
	};

	r->repo = repo_open(&options, err);
	return r->repo != NULL;
}

bool
repository_open(struct repository *r, const struct job *job,
    enum repository_use use, struct err *err)
{

	return repository_prepare(r, job, use, err) &&
	    repository_connect(r, job, use, err);
}

void
repository_close(struct repository *r)
{

	repo_close(r->repo);
	age_recipients_free(r->recipients);
	age_identities_free(r->identities);
	memset(r, 0, sizeof(*r));
}

bool
repository_describe(const struct snapshot *s, struct spaceferry_snapshot *out)
{
	char time[SNAPSHOT_TIME_SIZE];
	size_t i;

	memset(out, 0, sizeof(*out));
	snapshot_time_text(s->time_ns, time);
	out->id = strdup(s->id);
	out->time = strdup(time);
	out->reason = strdup("");
	out->tags = calloc(s->tags.n + 1, sizeof(*out->tags));
	if (out->id == NULL || out->time == NULL || out->reason == NULL ||
	    out->tags == NULL)
		return false;
	for (i = 0; i < s->tags.n; i++) {
		if ((out->tags[i] = strdup(s->tags.v[i])) == NULL)
			return false;
		out->n_tags++;
	}
	out->stored = s->stored;
	out->added = s->added;
	out->read = s->read;
	return true;
}
