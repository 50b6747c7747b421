#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "doctor/doctor.h"
#include "doctor/fetch.h"
#include "doctor/memory.h"
#include "doctor/room.h"
#include "doctor/state.h"
#include "doctor/store.h"

#define MEMORY_BESIDE ((uint64_t)32 << 20) /* what a run has beside --memory */
#define SKEW_WARN 60		/* seconds */
#define SKEW_FAIL 900		/* S3 refuses signatures then */

static void
judge_memory(struct doctor *d)
{
	struct doctor_finding f = { "memory", SPACEFERRY_PASS, "" };
	char available[DOCTOR_BYTES_MAX], need_text[DOCTOR_BYTES_MAX];
	uint64_t need = d->job.memory + MEMORY_BESIDE;
	struct doctor_memory m;

	doctor_memory_look("", &m);
	if (m.available == UINT64_MAX)
		return;
	if (m.available < need)
		f.verdict = SPACEFERRY_FAIL;
	else if (m.available < need + need / 4)
		f.verdict = SPACEFERRY_WARN;
	if (f.verdict != SPACEFERRY_PASS)
		f.remedy = "give a smaller --memory (8MiB is enough for small "
		    "documents), or stop other programs";
	doctor_tell(d, &f, "%s %s, a run takes %s",
	    doctor_room_bytes(m.available, available), m.limit,
	    doctor_room_bytes(need, need_text));
}

/* Sockets and files that may be open at a time, a little too many. */
static unsigned long
descriptors(const struct doctor *d)
{
	unsigned long workers = d->job.workers, files = 0;

	if (d->job.options->n_files > 0)
		files = 4 * (2 * workers > 8 ? 2 * workers : 8);
	return 32 + 3 * (2 * workers + 4) + files;
}

static void
judge_descriptors(struct doctor *d)
{
	struct doctor_finding f = { "open-files", SPACEFERRY_WARN, "ulimit -n "
	    "1024 before the run, or a smaller --jobs" };
	unsigned long need = descriptors(d);
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	if (limit.rlim_cur >= need)
		doctor_pass(d, f.name, "a run may open %llu at a time",
		    (unsigned long long)limit.rlim_cur);
	else
		doctor_tell(d, &f, "only %llu may be open at a time, with "
		    "--jobs %u a run may need %lu",
		    (unsigned long long)limit.rlim_cur, d->job.workers, need);
}

/* Our clock against the one behind url. */
static bool
judge_clock(struct doctor *d, const char *url, struct err *err)
{
	struct doctor_finding f = { "clock", SPACEFERRY_PASS, "" };
	struct doctor_fetched got;
	time_t before = time(NULL), now;
	long skew;
	bool ok;

	ok = doctor_fetch(url, NULL, &got, err);
	now = time(NULL);
	doctor_fetch_free(&got);
	/* That it cannot be reached is told elsewhere. */
	if (!ok || got.date == 0)
		return ok || !doctor_store_stops(err);
	skew = now < got.date ? (long)(got.date - now) :
	    before > got.date ? (long)(before - got.date) : 0;
	if (skew >= SKEW_FAIL)
		f.verdict = SPACEFERRY_FAIL;
	else if (skew >= SKEW_WARN)
		f.verdict = SPACEFERRY_WARN;
	if (skew < SKEW_WARN) {
		doctor_pass(d, f.name, "goes with that of %s", url);
		return true;
	}
	f.remedy = "set this machine's clock (timedatectl set-ntp true): "
	    "signatures hold for 15 minutes";
	doctor_tell(d, &f, "is %ld s %s that of %s", skew,
	    now < got.date ? "behind" : "ahead of", url);
	return true;
}

/* The stores whose clocks can be asked, each once. */
static bool
judge_clocks(struct doctor *d, struct err *err)
{
	const struct spaceferry_options *o = d->job.options;
	const struct store_options options = { .may_be_missing = true,
		.quiet = true };
	size_t i, n = 2 * o->n_files + 1;
	char *asked = NULL;
	struct store *s;
	struct err ignored;
	bool ok = true;

	for (i = 0; i < n && ok; i++) {
		const char *url = i == n - 1 ? o->state : i % 2 == 0 ?
		    o->files[i / 2].place.from : o->files[i / 2].place.to;

		if (url == NULL || (s = store_open(url, &options,
		    &ignored)) == NULL)
			continue;
		/* All of one run have the same: the environment's. */
		if (store_endpoint(s) != NULL && asked == NULL) {
			asked = strdup(store_endpoint(s));
			ok = asked != NULL ? judge_clock(d, asked, err) :
			    err_nomem(err, "clock");
		}
		store_free(s);
	}
	free(asked);
	return ok;
}

bool
doctor_machine(struct doctor *d, struct err *err)
{
	const struct spaceferry_options *o = d->job.options;

	d->group = "machine";
	if (o->from == NULL && o->to == NULL && o->n_files > 0 &&
	    !doctor_state_note(d, NULL, err))
		return false;
	judge_memory(d);
	judge_descriptors(d);
	return judge_clocks(d, err) && doctor_state(d, err);
}
