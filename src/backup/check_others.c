#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "backup/check.h"

/* A lock lapses after a minute; clocks and slow stores are given more. */
#define STALE_NS ((int64_t)10 * 60 * 1000000000)
#define NS_PER_S ((int64_t)1000000000)
#define AHEAD_NS (24 * 3600 * NS_PER_S)	/* as prune has it */

static int64_t
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * NS_PER_S + t.tv_nsec;
}

static bool
look_at_lock(struct check *c, const char *key, struct err *err)
{
	const struct check_finding f = {
		"lock", "stale_lock", SPACEFERRY_WARN,
		"check --repair or prune removes it",
	};
	char age[CHECK_SIZE_TEXT];
	struct store_object o;
	int64_t at;

	switch (store_head(repo_session_store(c->session), key, &o, err)) {
	case STORE_FAILED:
		return false;
	case STORE_ABSENT:
		return true;
	case STORE_FOUND:
		break;
	}
	at = o.now_ns > 0 ? o.now_ns : now();
	if (o.mtime_ns > 0 && at - o.mtime_ns > STALE_NS)
		check_tell(c, &f, "%s was last renewed %s ago: that run is no "
		    "more", key, check_span_text((uint64_t)(at - o.mtime_ns),
		    age));
	return true;
}

static bool
look_at_note(struct check *c, const char *key, struct err *err)
{
	const struct check_finding f = {
		"repository", "bad_note", SPACEFERRY_WARN,
		"check --repair removes it: at worst the next backup stores a "
		"few blobs again",
	};
	struct err why;

	if (repo_check_note(c->session, key, &why))
		return true;
	if (why.kind == ERR_NOT_FOUND)
		return true;	/* its run ended meanwhile */
	if (why.kind != ERR_DAMAGED) {
		*err = why;
		return false;
	}
	check_tell(c, &f, "%s, the note of an interrupted run, is damaged: %s",
	    key, why.message);
	return strings_add(&c->stale, key) || err_nomem(err, "notes");
}

static void
tell_garbage(struct check *c)
{
	char size[CHECK_SIZE_TEXT];
	uint64_t n = 0, bytes = 0;
	size_t i;

	for (i = 0; i < c->index.n; i++) {
		if (c->index.v[i].listed && !c->index.v[i].needed) {
			n++;
			bytes += c->index.v[i].size;
		}
	}
	if (n > 0)
		check_pass(c, "blob", "garbage", "%s, %s, that no %ssnapshot "
		    "needs: left by interrupted backups, or being backed up "
		    "now; prune removes such", CHECK_COUNT(n, "blob"),
		    check_size_text(bytes, size),
		    c->seen.odd > 0 ? "readable " : "");
	if (c->seen.aside > 0)
		check_pass(c, "repository", "aside", "%s in damaged/, put "
		    "there by --repair: remove them once check is content",
		    CHECK_COUNT(c->seen.aside, "object"));
}

bool
check_others(struct check *c, struct err *err)
{
	size_t i;

	for (i = 0; i < c->misplaced.n; i++)
		check_fail(c, "blob", "misplaced_blob", "check --repair puts it "
		    "where it belongs", "%s does not lie in the folder of its "
		    "name", c->misplaced.v[i]);
	for (i = 0; i < c->locks.n; i++) {
		if (!look_at_lock(c, c->locks.v[i], err))
			return false;
	}
	for (i = 0; i < c->notes.n; i++) {
		if (!look_at_note(c, c->notes.v[i], err))
			return false;
	}
	tell_garbage(c);
	return true;
}

void
check_age(struct check *c)
{
	const uint64_t most = c->job.options->max_age_ms * 1000000;
	const char *remedy = "look why the backup did not run: its log, its "
	    "timer, spaceferry snapshots";
	char name[CHECK_SNAPSHOT_TEXT], age[CHECK_SIZE_TEXT];
	char limit[CHECK_SIZE_TEXT];
	const struct snapshot *newest = NULL;
	const char *tags = c->job.options->tags.n > 0 ? " with these tags" : "";
	bool ahead = false;
	int64_t old;
	char of[64];
	size_t i;

	if (most == 0)
		return;
	/* What a wrong clock made would be the newest for ever. */
	for (i = 0; i < c->list.n; i++) {
		if (!c->snapshots[i].chosen)
			continue;
		if (c->list.v[i].time_ns - now() > AHEAD_NS)
			ahead = true;
		else
			newest = &c->list.v[i];
	}
	snprintf(of, sizeof(of), "%s%s", tags, ahead ?
	    " but those of a time that is yet to come" : "");
	check_span_text(most, limit);
	if (newest == NULL) {
		check_fail(c, "age", "too_old", remedy, "there is no "
		    "snapshot%s", of);
		return;
	}
	old = now() - newest->time_ns;
	old = old < 0 ? 0 : old;
	check_span_text((uint64_t)old, age);
	check_snapshot_text(newest, name);
	if ((uint64_t)old > most)
		check_fail(c, "age", "too_old", remedy, "the newest snapshot%s, "
		    "%s, is %s old, more than %s", of, name, age, limit);
	else
		check_pass(c, "age", "age", "the newest snapshot%s, %s, is %s "
		    "old", of, name, age);
}
