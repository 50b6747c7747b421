#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cancel.h"
#include "doctor/doctor.h"
#include "doctor/state.h"
#include "job/ticker.h"

#define SEEN_MAX 1024

/* Names and records of others are in it: one line, and nothing that a terminal
 * would obey. */
static char *
one_line(const char *text)
{
	char *copy = strdup(text), *p;

	for (p = copy; p != NULL && *p != '\0'; p++) {
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = ' ';
	}
	return copy;
}

/* Keeps the check and tells it; it lives in the summary. */
static void
add(struct doctor *d, const struct doctor_finding *f, const char *seen)
{
	struct spaceferry_summary *s = d->job.report.summary;
	struct spaceferry_check c = {
		.group = d->group, .name = f->name, .verdict = f->verdict,
		.seen = one_line(seen), .remedy = one_line(f->remedy),
	}, *grown;

	grown = realloc(s->checks, (s->n_checks + 1) * sizeof(*grown));
	if (grown != NULL)
		s->checks = grown;
	if (grown == NULL || c.seen == NULL || c.remedy == NULL) {
		free(c.seen);
		free(c.remedy);
		return;
	}
	grown[s->n_checks++] = c;
	ticker_check(d->job.ticker, &c);
}

void
doctor_tell(struct doctor *d, const struct doctor_finding *f,
    const char *fmt, ...)
{
	char seen[SEEN_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(seen, sizeof(seen), fmt, ap);
	va_end(ap);
	add(d, f, seen);
}

void
doctor_pass(struct doctor *d, const char *name, const char *fmt, ...)
{
	struct doctor_finding f = { name, SPACEFERRY_PASS, "" };
	char seen[SEEN_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(seen, sizeof(seen), fmt, ap);
	va_end(ap);
	add(d, &f, seen);
}

/* What may help where an error comes without a hint. */
static const char *
remedy_of(const struct err *err)
{

	switch (err->kind) {
	case ERR_NETWORK:
	case ERR_DNS:
	case ERR_THROTTLED:
		return "look whether that server is up and can be reached from "
		    "here, then run doctor again";
	case ERR_DENIED:
	case ERR_AUTH:
		return "give this user the right that is missing";
	default:
		return "mend what it says, then run doctor again";
	}
}

void
doctor_err(struct doctor *d, const char *name, const struct err *err)
{
	struct doctor_finding f = { name, SPACEFERRY_FAIL,
	    err->hint[0] != '\0' ? err->hint : remedy_of(err) };

	add(d, &f, err->message);
}

static bool
examine(struct doctor *d, struct err *err)
{
	bool (*const groups[])(struct doctor *, struct err *) = {
		doctor_ends, doctor_files, doctor_app, doctor_machine,
		doctor_outside,
	};
	size_t i;

	for (i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
		if (cancel_requested())
			return cancel_err(err);
		if (!groups[i](d, err))
			return false;
	}
	return true;
}

int
spaceferry_doctor(const struct spaceferry_options *options,
    struct spaceferry_summary *summary)
{
	struct doctor d;
	struct err err;
	bool ok;

	memset(&d, 0, sizeof(d));
	err_clear(&err);
	ok = job_open(&d.job, options, "doctor", summary, &err) &&
	    examine(&d, &err);
	doctor_state_free(&d);
	return job_close(&d.job, ok, &err);
}
