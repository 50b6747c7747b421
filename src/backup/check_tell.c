#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backup/check.h"
#include "job/ticker.h"
#include "store/key.h"

#define SEEN_MAX 1024
#define SHOWN_MAX 2048
#define TOLD_MAX 1000

/* Names of others are in it. */
static char *
one_line(const char *text)
{
	char shown[SHOWN_MAX];

	key_printable(text, shown, sizeof(shown));
	return strdup(shown);
}

/* Keeps it and tells it; it lives in the summary. */
static void
add(struct check *c, const struct check_finding *f, const char *seen)
{
	struct spaceferry_summary *s = c->job.report.summary;
	struct spaceferry_check one = {
		.group = f->group, .name = f->name, .verdict = f->verdict,
		.seen = one_line(seen), .remedy = one_line(f->remedy),
	}, *grown;

	grown = realloc(s->checks, (s->n_checks + 1) * sizeof(*grown));
	if (grown != NULL)
		s->checks = grown;
	if (grown == NULL || one.seen == NULL || one.remedy == NULL) {
		free(one.seen);
		free(one.remedy);
		return;
	}
	grown[s->n_checks++] = one;
	ticker_check(c->job.ticker, &one);
}

/* True when it is to be told, else it is counted.  Where words ran out it is
 * told. */
static bool
count(struct check *c, const struct check_finding *f)
{
	uint64_t most = c->job.options->limit != 0 ? c->job.options->limit :
	    TOLD_MAX;
	size_t i;

	/* A prune since the lock was lost looks like damage. */
	if (f->verdict != SPACEFERRY_PASS && c->lock != NULL &&
	    !repo_lock_held(c->lock, NULL))
		return false;
	for (i = 0; i < c->n_words; i++) {
		if (strcmp(c->words[i].name, f->name) == 0 &&
		    strcmp(c->words[i].group, f->group) == 0 &&
		    c->words[i].verdict == f->verdict)
			break;
	}
	if (i == CHECK_WORDS_MAX)
		return true;
	if (i == c->n_words) {
		c->words[i].name = f->name;
		c->words[i].group = f->group;
		c->words[i].verdict = f->verdict;
		c->n_words++;
	}
	if (c->words[i].told == most) {
		c->words[i].more++;
		return false;
	}
	c->words[i].told++;
	return true;
}

void
check_tell(struct check *c, const struct check_finding *f, const char *fmt, ...)
{
	char seen[SEEN_MAX];
	va_list ap;

	if (!count(c, f))
		return;
	va_start(ap, fmt);
	vsnprintf(seen, sizeof(seen), fmt, ap);
	va_end(ap);
	add(c, f, seen);
}

void
check_pass(struct check *c, const char *group, const char *name,
    const char *fmt, ...)
{
	struct check_finding f = { group, name, SPACEFERRY_PASS, "" };
	char seen[SEEN_MAX];
	va_list ap;

	if (!count(c, &f))
		return;
	va_start(ap, fmt);
	vsnprintf(seen, sizeof(seen), fmt, ap);
	va_end(ap);
	add(c, &f, seen);
}

void
check_fail(struct check *c, const char *group, const char *name,
    const char *remedy, const char *fmt, ...)
{
	struct check_finding f = { group, name, SPACEFERRY_FAIL, remedy };
	char seen[SEEN_MAX];
	va_list ap;

	if (!count(c, &f))
		return;
	va_start(ap, fmt);
	vsnprintf(seen, sizeof(seen), fmt, ap);
	va_end(ap);
	add(c, &f, seen);
}

uint64_t
check_failed(const struct check *c, const char *group, const char *name)
{
	uint64_t n = 0;
	size_t i;

	for (i = 0; i < c->n_words; i++) {
		if (c->words[i].verdict == SPACEFERRY_FAIL &&
		    strcmp(c->words[i].group, group) == 0 &&
		    (name == NULL || strcmp(c->words[i].name, name) == 0))
			n += c->words[i].told + c->words[i].more;
	}
	return n;
}

void
check_tell_rest(struct check *c)
{
	char seen[SEEN_MAX];
	size_t i;

	for (i = 0; i < c->n_words; i++) {
		const struct check_finding f = {
			c->words[i].group, c->words[i].name,
			c->words[i].verdict, "--limit N tells more of them",
		};

		if (c->words[i].more == 0)
			continue;
		snprintf(seen, sizeof(seen), "and %" PRIu64 " more",
		    c->words[i].more);
		add(c, &f, seen);
	}
}

const char *
check_size_text(uint64_t bytes, char out[CHECK_SIZE_TEXT])
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB" };
	double n = (double)bytes / 1024;
	size_t i = 0;

	if (bytes < 1024) {
		snprintf(out, CHECK_SIZE_TEXT, "%u bytes", (unsigned)bytes);
		return out;
	}
	while (n >= 1023.95 && i < sizeof(units) / sizeof(units[0]) - 1) {
		n /= 1024;
		i++;
	}
	snprintf(out, CHECK_SIZE_TEXT, "%.1f %s", n, units[i]);
	return out;
}

const char *
check_count_text(uint64_t n, const char *one, char out[CHECK_COUNT_TEXT])
{

	snprintf(out, CHECK_COUNT_TEXT, "%" PRIu64 " %s%s", n, one,
	    n == 1 ? "" : "s");
	return out;
}

const char *
check_span_text(uint64_t ns, char out[CHECK_SIZE_TEXT])
{
	uint64_t minutes = ns / 1000000000 / 60;

	if (minutes < 2)
		snprintf(out, CHECK_SIZE_TEXT, "%" PRIu64 " s",
		    ns / 1000000000);
	else if (minutes < 120)
		snprintf(out, CHECK_SIZE_TEXT, "%" PRIu64 " min", minutes);
	else if (minutes < (uint64_t)48 * 60)
		snprintf(out, CHECK_SIZE_TEXT, "%" PRIu64 " h %" PRIu64 " min",
		    minutes / 60, minutes % 60);
	else
		snprintf(out, CHECK_SIZE_TEXT, "%" PRIu64 " days %" PRIu64 " h",
		    minutes / 1440, minutes / 60 % 24);
	return out;
}

const char *
check_snapshot_text(const struct snapshot *s, char out[CHECK_SNAPSHOT_TEXT])
{
	char time[SNAPSHOT_TIME_SIZE];

	snapshot_time_text(s->time_ns, time);
	snprintf(out, CHECK_SNAPSHOT_TEXT, "%s of %s", s->id, time);
	return out;
}
