#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "backup/prune_internal.h"
#include "job/snapshot_source.h"

#define NS_PER_S INT64_C(1000000000)
#define NS_PER_MS UINT64_C(1000000)
/* So much may clocks disagree. */
#define FUTURE_NS (24 * 3600 * NS_PER_S)

static uint32_t
count(uint32_t n)
{

	return n == SPACEFERRY_KEEP_NONE ? 0 : n;
}

bool
prune_wanted(const struct spaceferry_options *o)
{
	const struct spaceferry_keep *k = &o->keep;

	return k->last != 0 || k->hourly != 0 || k->daily != 0 ||
	    k->weekly != 0 || k->monthly != 0 || k->yearly != 0 ||
	    k->within_ms != 0;
}

static struct retention_policy
policy_of(const struct spaceferry_keep *k)
{

	return (struct retention_policy){
		.last = count(k->last), .hourly = count(k->hourly),
		.daily = count(k->daily), .weekly = count(k->weekly),
		.monthly = count(k->monthly), .yearly = count(k->yearly),
		.within_ns = k->within_ms > UINT64_MAX / NS_PER_MS ?
		    UINT64_MAX : k->within_ms * NS_PER_MS,
	};
}

/* --- which ones it is asked about --- */

static const char *
group_of_new(const struct prune *p)
{
	size_t i;

	for (i = 0; p->only_of != NULL && i < p->list.n; i++)
		if (strcmp(p->list.v[i].id, p->only_of) == 0)
			return p->list.v[i].group;
	return p->only_of != NULL ? "" : NULL;
}

static void
consider(struct prune *p, const struct strings *tags)
{
	const char *group = group_of_new(p);
	const struct snapshot *s;
	struct prune_fate *f;
	size_t i;

	for (i = 0; i < p->list.n; i++) {
		s = &p->list.v[i];
		f = &p->fates[i];
		if ((group != NULL && strcmp(s->group, group) != 0) ||
		    !snapshot_has_tags(s, tags))
			continue;
		f->future = s->time_ns > (int64_t)time(NULL) * NS_PER_S +
		    FUTURE_NS;
		f->considered = !f->future;
		if (f->future)
			report_note(&p->job->report, "future_snapshot", "look "
			    "at the clock of the machine that made it, and of "
			    "this one", "snapshot %s is from a time that is "
			    "yet to come: it is kept, and does not count",
			    s->id);
	}
}

/* --- group by group --- */

/* The considered ones of the group of number first. */
static size_t
collect(const struct prune *p, size_t first, size_t *which, int64_t *times)
{
	size_t i, n = 0;

	for (i = first; i < p->list.n; i++)
		if (p->fates[i].considered && strcmp(p->list.v[i].group,
		    p->list.v[first].group) == 0) {
			which[n] = i;
			times[n++] = p->list.v[i].time_ns;
		}
	return n;
}

static bool
has_before(const struct prune *p, size_t i)
{
	size_t j;

	for (j = 0; j < i; j++)
		if (p->fates[j].considered &&
		    strcmp(p->list.v[j].group, p->list.v[i].group) == 0)
			return true;
	return false;
}

static bool
keeps_nothing(const struct prune *p, size_t n, struct err *err)
{

	err_set(err, ERR_USAGE, "this policy keeps none of the %zu snapshots "
	    "of a group in %s: nothing was removed", n,
	    repo_name(p->repository->repo));
	return err_hint(err, "--keep-last 1 keeps the newest one; --keep-last 0 "
	    "says that really all may go");
}

/* Whether others of the group stay, which the policy was not asked about. */
static bool
others_stay(const struct prune *p, const char *group)
{
	size_t i;

	for (i = 0; i < p->list.n; i++)
		if (!p->fates[i].considered &&
		    strcmp(p->list.v[i].group, group) == 0)
			return true;
	return false;
}

struct scratch {
	size_t *which;
	int64_t *times;
	unsigned *reasons;
};

static bool
judge_group(struct prune *p, size_t first, const struct scratch *s,
    struct err *err)
{
	const struct spaceferry_keep *keep = &p->job->options->keep;
	const struct retention_policy policy = policy_of(keep);
	size_t n = collect(p, first, s->which, s->times), i;

	if (retention_apply(&policy, s->times, n, s->reasons) == 0 &&
	    keep->last != SPACEFERRY_KEEP_NONE &&
	    !others_stay(p, p->list.v[first].group))
		return keeps_nothing(p, n, err);
	for (i = 0; i < n; i++) {
		p->fates[s->which[i]].reasons = s->reasons[i];
		p->fates[s->which[i]].goes = s->reasons[i] == 0;
	}
	return true;
}

/* --- or the one that is named --- */

static bool
is_named(const struct prune *p)
{

	return p->only_of == NULL && snapshot_source_is(p->job->options->from);
}

static bool
choose_named(struct prune *p, const struct strings *tags, struct err *err)
{
	const struct spaceferry_options *o = p->job->options;
	const struct snapshot *s;

	s = snapshot_find(&p->list, strchr(o->from, ':') + 1, tags, err);
	if (s == NULL)
		return false;
	if (p->list.n == 1 && o->keep.last != SPACEFERRY_KEEP_NONE) {
		err_set(err, ERR_USAGE, "snapshot %s is the only one in %s: "
		    "nothing was removed", s->id,
		    repo_name(p->repository->repo));
		return err_hint(err, "--keep-last 0 with it says that it may "
		    "go all the same");
	}
	p->fates[s - p->list.v].goes = true;
	return true;
}

bool
prune_policy(struct prune *p, struct err *err)
{
	struct strings tags = { NULL, 0 };
	struct scratch s;
	bool ok = true;
	size_t i;

	if (!prune_wanted(p->job->options) && !is_named(p))
		return true;
	if (!job_copy_strings(&p->job->options->tags, &tags))
		return err_nomem(err, "tags");
	if (is_named(p)) {
		ok = choose_named(p, &tags, err);
		strings_free(&tags);
		return ok;
	}
	consider(p, &tags);
	strings_free(&tags);
	s.which = calloc(p->list.n + 1, sizeof(*s.which));
	s.times = calloc(p->list.n + 1, sizeof(*s.times));
	s.reasons = calloc(p->list.n + 1, sizeof(*s.reasons));
	if (s.which == NULL || s.times == NULL || s.reasons == NULL)
		ok = err_nomem(err, "snapshots");
	for (i = 0; ok && i < p->list.n; i++)
		if (p->fates[i].considered && !has_before(p, i))
			ok = judge_group(p, i, &s, err);
	free(s.which);
	free(s.times);
	free(s.reasons);
	return ok;
}
