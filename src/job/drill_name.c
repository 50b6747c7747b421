#include <time.h>

#include "bson/doc.h"
#include "bson/ttl.h"
#include "job/drill_name.h"

#define ID_TEXT_MAX 4096

/* True for a document that a TTL index, or the expiry of the collection, may
 * remove on either side any time. */
static bool
is_due(const struct move *m, const uint8_t *doc, size_t len)
{
	const struct collection_info *info = m->info;
	const char *date = info->clustered ? "_id" : info->time_field;
	struct timespec now;
	size_t i;

	clock_gettime(CLOCK_REALTIME, &now);
	if (info->expires && date != NULL && ttl_field_is_due(doc, len, date,
	    ttl_seconds(info->options.data, info->options.len),
	    (int64_t)now.tv_sec * 1000))
		return true;
	for (i = 0; i < info->n_indexes; i++) {
		const struct rawdoc *spec = &info->indexes[i].spec;

		if (info->indexes[i].ttl && ttl_is_due(doc, len, spec->data,
		    spec->len, (int64_t)now.tv_sec * 1000))
			return true;
	}
	return false;
}

struct drill_judgement
drill_judge(const struct job *job, const struct drill_found *f)
{
	enum spaceferry_on_conflict mode = job_on_conflict(job);
	struct move *m = f->move;
	bool extra = f->verdict == DRILL_EXTRA;

	if (f->verdict == DRILL_DIFFERENT && mode == SPACEFERRY_SKIP)
		return (struct drill_judgement){ &m->kept, "kept",
		    "was kept as it is on the target", false };
	if (f->verdict == DRILL_DIFFERENT)
		return (struct drill_judgement){ &m->different, "different",
		    "differs from the source", true };
	if (is_due(m, extra ? f->target : f->source,
	    extra ? f->target_len : f->source_len))
		return (struct drill_judgement){ &m->expired, "expired",
		    "is due for its TTL index and on one side only", false };
	if (!extra)
		return (struct drill_judgement){ &m->missing, "missing",
		    "is missing on the target", true };
	return (struct drill_judgement){ &m->extra, "extra",
	    "is only on the target", job_minds_extras(job) };
}

void
drill_count(struct data *data, const struct drill_judgement *j)
{

	pthread_mutex_lock(&data->lock);
	(*j->counter)++;
	pthread_mutex_unlock(&data->lock);
}

static const char *
remedy(const struct job *job, enum drill_verdict verdict)
{

	if (verdict == DRILL_EXTRA && job->options->delta)
		return job->options->delete_extra ? "" :
		    "--delete removes what only the target has";
	if (verdict == DRILL_EXTRA && job->resumed)
		return "the interrupted run may have moved it before the source "
		    "deleted it: --restart --drop moves everything anew";
	if (verdict != DRILL_EXTRA && job->writes)
		return "the same command moves it again";
	return "";
}

void
drill_id_text(const uint8_t *doc, size_t len, struct buf *out)
{
	struct buf id;

	buf_init(&id, ID_TEXT_MAX);
	if (doc_id_json(doc, len, &id) && buf_str(&id) != NULL)
		buf_append_str(out, buf_str(&id));
	else
		buf_append_str(out, "(too long to show)");
	buf_free(&id);
}

void
drill_unsettled(struct job *job, struct data *data, struct move *m, uint64_t n)
{
	static const char hint[] = "stop what writes to it, then compare again";

	if (n == 0)
		return;
	if (job->differences != NULL) {
		report_note(&job->report, "changed", hint, "%s: %llu documents "
		    "were changed while they were compared", m->target_ns,
		    (unsigned long long)n);
		return;
	}
	pthread_mutex_lock(&data->lock);
	m->different += n;
	pthread_mutex_unlock(&data->lock);
	report_error(&job->report, "changed", hint, "%s: %llu documents were "
	    "changed while they were compared", m->target_ns,
	    (unsigned long long)n);
}

void
drill_name(struct job *job, struct data *data, const struct drill_found *f)
{
	struct drill_judgement j = drill_judge(job, f);
	struct report *report = &job->report;
	const char *text;
	struct buf id;

	drill_count(data, &j);
	buf_init(&id, ID_TEXT_MAX + 64);
	if (f->source != NULL)
		drill_id_text(f->source, f->source_len, &id);
	else
		drill_id_text(f->target, f->target_len, &id);
	if ((text = buf_str(&id)) == NULL)
		text = "?";
	if (j.is_error)
		report_error(report, j.kind, remedy(job, f->verdict),
		    "%s _id %s %s", f->move->target_ns, text, j.words);
	else
		report_note(report, j.kind, "", "%s _id %s %s",
		    f->move->target_ns, text, j.words);
	buf_free(&id);
}
