#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/cancel.h"
#include "doctor/ends.h"
#include "doctor/state.h"

#define SEEN_SIZE 1024

void
doctor_fail(struct doctor *d, const char *name, const char *remedy,
    const char *fmt, ...)
{
	struct doctor_finding f = { name, SPACEFERRY_FAIL, remedy };
	char seen[SEEN_SIZE];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(seen, sizeof(seen), fmt, ap);
	va_end(ap);
	doctor_tell(d, &f, "%s", seen);
}

void
doctor_warn(struct doctor *d, const char *name, const char *remedy,
    const char *fmt, ...)
{
	struct doctor_finding f = { name, SPACEFERRY_WARN, remedy };
	char seen[SEEN_SIZE];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(seen, sizeof(seen), fmt, ap);
	va_end(ap);
	doctor_tell(d, &f, "%s", seen);
}

void
doctor_skip(struct doctor *d, const char *name, const char *fmt, ...)
{
	struct doctor_finding f = { name, SPACEFERRY_SKIPPED, "" };
	char seen[SEEN_SIZE];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(seen, sizeof(seen), fmt, ap);
	va_end(ap);
	doctor_tell(d, &f, "%s", seen);
}

enum doctor_next
doctor_failed(struct doctor *d, const char *name, const struct err *err)
{
	struct err told = *err;

	if (err->kind == ERR_CANCELLED || err->kind == ERR_NOMEM)
		return DOCTOR_ABORT;
	if (told.hint[0] == '\0')
		err_hint(&told, "the server's log may say more");
	doctor_err(d, name, &told);
	return DOCTOR_STOP;
}

void
doctor_names_add(struct doctor_names *names, const char *name)
{
	size_t len = strlen(names->text);

	if (names->n++ < DOCTOR_NAMES)
		snprintf(names->text + len, sizeof(names->text) - len, "%s%s",
		    len > 0 ? ", " : "", name);
}

const char *
doctor_names_text(struct doctor_names *names)
{
	size_t len = strlen(names->text);

	if (names->n > DOCTOR_NAMES) {
		snprintf(names->text + len, sizeof(names->text) - len,
		    " and %zu more", names->n - DOCTOR_NAMES);
		names->n = DOCTOR_NAMES;
	}
	return names->text;
}

/* --- one end --- */

struct step {
	const char *name;
	enum doctor_next (*run)(struct doctor_end *e, struct err *err);
	bool srv_only;
};

static const struct step steps[] = {
	{ "uri", doctor_reach_uri, false },
	{ "srv", doctor_reach_srv, true },
	{ "txt", doctor_reach_txt, true },
	{ "dns", doctor_reach_dns, false },
	{ "tcp", doctor_reach_tcp, false },
	{ "tls", doctor_reach_tls, false },
	{ "hello", doctor_reach_hello, false },
	{ "clock", doctor_reach_clock, false },
	{ "set", doctor_reach_set, false },
	{ "auth", doctor_reach_auth, false },
};

static bool
look_at_mongo(struct doctor_end *e, struct err *err)
{
	bool srv = strncmp(e->text, "mongodb+srv://", 14) == 0;
	const char *failed = NULL;
	size_t i;

	for (i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		const struct step *s = &steps[i];

		if (s->srv_only && !srv)
			continue;
		if (cancel_requested())
			return cancel_err(err);
		if (failed != NULL) {
			doctor_skip(e->doctor, s->name, "not looked at: %s "
			    "failed", failed);
			continue;
		}
		switch (s->run(e, err)) {
		case DOCTOR_GO:
			break;
		case DOCTOR_STOP:
			failed = s->name;
			break;
		case DOCTOR_ABORT:
			return false;
		}
	}
	return true;
}

/* An archive, a dump or documents. */
static bool
look_at_archive(struct doctor_end *e, struct err *err)
{
	struct end_options options = {
		.role = e->role, .text = e->text,
		.job = e->doctor->job.options, .write = e->is_target,
	};

	e->end = e->is_target ? &e->data->target : &e->data->source;
	if (!end_open(e->end, &options, err)) {
		end_close(e->end);
		return doctor_failed(e->doctor, "file", err) != DOCTOR_ABORT;
	}
	e->is_open = true;
	if (e->is_target)
		doctor_pass(e->doctor, "file", "%s may be written",
		    end_name(e->end));
	else if (e->end->place.stream)
		doctor_pass(e->doctor, "file", "%s: it can be read once only, "
		    "so what is in it is not looked at", end_name(e->end));
	return true;
}

static bool
look_at(struct doctor_end *e, struct err *err)
{

	e->doctor->group = e->role;
	if (e->text == NULL)
		return true;
	return archive_place_is(e->text) ? look_at_archive(e, err) :
	    look_at_mongo(e, err);
}

/* --- both together --- */

static const char *
why_not(const struct doctor_ends *all)
{

	return all->source.text == NULL ? "no --from is given" :
	    all->target.text == NULL ? "no --to is given" :
	    !all->source.is_open ? "the source cannot be opened" :
	    !all->target.is_open ? "the target cannot be opened" :
	    all->source.end->kind == END_ARCHIVE &&
	    all->source.end->place.stream ? "the source comes through a pipe" :
	    !all->planned ? "there is no plan" :
	    "the target cannot be looked into";
}

static bool
go_on(enum doctor_next next)
{

	return next != DOCTOR_ABORT;
}

static bool
look_at_fit(struct doctor_ends *all, struct err *err)
{
	struct doctor *d = all->doctor;

	if (all->source.text == NULL && all->target.text == NULL)
		return true;
	if (all->planned && all->target.is_open &&
	    !doctor_state_note(d, &all->data, err))
		return false;
	d->group = "fit";
	if (all->planned && !go_on(doctor_fit_tier(all, err)))
		return false;
	if (all->target_read)
		return go_on(doctor_fit(all, err));
	doctor_skip(d, "fit", "whether the source fits the target was not "
	    "looked at: %s", why_not(all));
	return true;
}

/* One end after the other, as they are told. */
static bool
look(struct doctor_ends *all, struct err *err)
{

	if (!look_at(&all->source, err) || (all->source.is_open &&
	    !go_on(doctor_plan_source(all, err))) ||
	    !look_at(&all->target, err))
		return false;
	return (!all->target.is_open || go_on(doctor_plan_target(all, err))) &&
	    look_at_fit(all, err);
}

static void
prepare(struct doctor_end *e, struct doctor_ends *all, const char *text)
{

	e->doctor = all->doctor;
	e->data = &all->data;
	e->text = text;
	e->is_target = e == &all->target;
	e->role = e->is_target ? "target" : "source";
}

bool
doctor_ends(struct doctor *d, struct err *err)
{
	struct doctor_ends all = { .doctor = d };
	uint64_t patience_ms = d->job.patience_ms;
	struct err query;
	bool ok;

	d->group = "source";
	prepare(&all.source, &all, d->job.options->from);
	prepare(&all.target, &all, d->job.options->to);
	/* What is not there now is told now. */
	d->job.patience_ms = DOCTOR_STEP_MS;
	err_clear(&query);
	ok = data_init(&all.data, &d->job, &query) ||
	    doctor_failed(d, "query", &query) != DOCTOR_ABORT;
	if (ok)
		ok = look(&all, err);
	else
		*err = query;
	doctor_reach_free(&all.source);
	doctor_reach_free(&all.target);
	data_close(&all.data);
	d->job.patience_ms = patience_ms;
	return ok;
}
