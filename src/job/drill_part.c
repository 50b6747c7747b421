#include <string.h>

#include "job/drill.h"
#include "job/drill_name.h"
#include "job/drill_part.h"
#include "job/side.h"

/* The partition on one side. */
struct ranged {
	struct side side;
	struct part *part;
	struct tally sum;	/* of the last reading */
	drill_fn *each;
	void *arg;
};

static bool
relay(void *arg, const uint8_t *doc, size_t len, const struct tally *t,
    struct err *err)
{
	struct ranged *r = arg;

	return r->each(r->arg, r->part->move, doc, len, t, err);
}

static bool
read_range(void *arg, drill_fn *each, void *each_arg, struct err *err)
{
	struct ranged *r = arg;

	r->each = each;
	r->arg = each_arg;
	memset(&r->sum, 0, sizeof(r->sum));
	return side_read(&r->side, r->part, NULL, &r->sum, relay, r, err);
}

/* Says so when the source was not read at the time that was moved. */
static void
tell_of_time(struct verify_data *v, const struct part *p,
    const struct moment_read *at)
{

	if (p->at.seconds != 0 && at->at.seconds == 0)
		report_note(&v->job->report, "verified_now", "what differs "
		    "may have changed on the source since it was read",
		    "%s: the source's history is gone; what differs was looked "
		    "up as it is now", p->move->target_ns);
}

/* Documents that the writers kept differ, so they are found and counted once
 * more: with those that came to differ since. */
static void
count_kept_anew(struct data *data, const struct part *p)
{

	pthread_mutex_lock(&data->lock);
	p->move->kept -= p->kept;
	pthread_mutex_unlock(&data->lock);
}

bool
drill_part(struct verify_data *v, struct part *p, struct mongo_session *source,
    struct mongo_session *target, struct err *err)
{
	struct moment_read at = { .moment = v->data->moment,
	    .session = source, .move = p->move, .fixed = true, .at = p->at };
	struct ranged on_source = { .part = p, .side = { .job = v->job,
	    .data = v->data, .session = source, .is_source = true,
	    .at = &at } };
	struct ranged on_target = { .part = p, .side = { .job = v->job,
	    .data = v->data, .session = target } };
	struct drill d = {
		.job = v->job,
		.data = v->data,
		/* Half as many threads as workers drill at once. */
		.memory = v->job->memory / 8 * 3 * 2 / (v->job->workers + 1),
		.source = { read_range, &on_source, p->expected.count },
		.target = { read_range, &on_target, p->actual.count },
		.teller = v->teller,
	};
	struct transform_options options = { .job = v->job, .move = p->move };
	struct transform *t;
	struct drill_result result;
	bool ok;

	if ((t = transform_new(&options, err)) == NULL)
		return false;
	count_kept_anew(v->data, p);
	on_source.side.transform = t;
	on_target.side.transform = t;
	/* The source is read at the time that was moved; where that time is
	 * gone, as it is now, which may differ for that reason alone. */
	do {
		at.anew = false;
		ok = drill_run(&d, &result, err);
	} while (!ok && !result.told && at.anew);
	if (v->teller == NULL || !v->teller->later)
		drill_unsettled(v->job, v->data, p->move, result.unsettled);
	if (ok) {
		p->expected = on_source.sum;
		p->actual = on_target.sum;
	}
	tell_of_time(v, p, &at);
	transform_free(t);
	return ok;
}
