#include <stdlib.h>
#include <string.h>

#include "job/target.h"

static char *
copy_or_null(const char *s)
{

	return s != NULL ? strdup(s) : NULL;
}

struct compare {
	struct job *job;
	struct move *move;
};

/* A dry run of --delta compares, too: what is missing, the run makes. */
static bool
would_be_made(const struct catalog_difference *d)
{

	return d->target == NULL && (strcmp(d->kind, "index") == 0 ||
	    strcmp(d->name, "(whole)") == 0 ||
	    strcmp(d->name, "expireAfterSeconds") == 0);
}

static void
differs(void *arg, const struct catalog_difference *d)
{
	struct compare *c = arg;
	struct move *m = c->move;
	struct spaceferry_metadata *grown;
	const char *source = d->source != NULL ? d->source : "has none";
	const char *target = d->target != NULL ? d->target : "has none";

	if (c->job->options->dry_run && would_be_made(d))
		return;
	if (d->harmless) {
		report_note(&c->job->report, "metadata",
		    "nothing to do: what is found there is the same without",
		    "%s: the target could not take %s %s as it is: source %s, "
		    "target %s", m->target_ns, d->kind, d->name, source,
		    target);
		return;
	}
	grown = realloc(m->metadata, (m->n_metadata + 1) * sizeof(*grown));
	if (grown == NULL)
		return;
	m->metadata = grown;
	grown[m->n_metadata++] = (struct spaceferry_metadata){
		.kind = copy_or_null(d->kind),
		.name = copy_or_null(d->name),
		.source = copy_or_null(d->source),
		.target = copy_or_null(d->target),
	};
	if (c->job->differences != NULL)
		return;		/* told in the end */
	report_error(&c->job->report, "metadata", "",
	    "%s: %s %s: source %s, target %s", m->target_ns, d->kind, d->name,
	    source, target);
}

static void
compare_move(const struct catalog *now, struct job *job, struct move *m)
{
	struct compare c = { .job = job, .move = m };
	bool is_view = m->info->type == COLLECTION_VIEW;
	const struct collection_info *there;

	there = catalog_find(now, m->target_ns);
	if (there == NULL)
		differs(&c, &(struct catalog_difference){
			.kind = is_view ? "view" : "option",
			.name = "(whole)", .source = "{}",
		});
	else
		catalog_compare(m->info, there, is_view ? m->view_on : NULL,
		    differs, &c);
}

bool
target_compare(struct data *d, struct job *job, struct err *err)
{
	struct strings dbs = { NULL, 0 };
	struct end_reading reading = { .dbs = &dbs };
	bool ok;
	size_t i;

	ok = data_target_databases(d, &dbs, err);
	/* An archive does not change once it is there. */
	if (ok && d->target.kind == END_MONGO)
		ok = end_read_catalog(&d->target, &reading, err);
	strings_free(&dbs);
	for (i = 0; ok && i < d->n_moves; i++)
		compare_move(d->target.catalog, job, &d->moves[i]);
	d->judged = d->judged || ok;
	return ok;
}

static bool
is_chosen(const struct data *d, const char *ns)
{
	size_t i;

	for (i = 0; i < d->n_moves; i++) {
		if (strcmp(d->moves[i].target_ns, ns) == 0)
			return true;
	}
	return false;
}

void
target_note_others(struct data *d, struct job *job, const char *what)
{
	const struct spaceferry_options *o = job->options;
	const struct catalog *there = d->target.catalog;
	size_t i;

	if (o->include.n > 0 || o->exclude.n > 0)
		return;
	for (i = 0; i < there->n; i++) {
		if (!is_chosen(d, there->v[i].ns))
			report_note(&job->report, "only_on_target", "",
			    "%s is only on the target; %s", there->v[i].ns,
			    what);
	}
}
