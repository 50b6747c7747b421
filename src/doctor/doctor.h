/*
 * doctor: looks for what would stop a migration, one check at a time, and says
 * how to mend it.  A check that fails is no error: the others are still made.
 *
 * Each group is a function in a file of its own (doctor_GROUP*.c), called in
 * the order of doctor.c from one thread.  A group tells each of its checks once
 * through doctor_tell(), also those that it could not make (SKIPPED).
 */
#ifndef DOCTOR_DOCTOR_H
#define DOCTOR_DOCTOR_H

#include <stdbool.h>

#include "base/err.h"
#include "job/job.h"
#include "spaceferry.h"

struct doctor_state;

struct doctor {
	struct job job;
	const char *group;	/* of the checks that are told now */
	char reached[256];	/* the last endpoint of a store whose layers
				 * were told and are good */
	struct doctor_state *state; /* doctor_state.h; NULL: not known */
	unsigned services;	/* doctor_service_of() of the app's variables */
};

/* One check.  name and remedy: "" where there is no remedy; name is a stable
 * word (a string literal).  seen is one line, printf style, without secrets. */
struct doctor_finding {
	const char *name;
	enum spaceferry_verdict verdict;
	const char *remedy;
};
void doctor_tell(struct doctor *d, const struct doctor_finding *f,
    const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* The usual ones. */
void doctor_pass(struct doctor *d, const char *name, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Fails name with an error's message and hint. */
void doctor_err(struct doctor *d, const char *name, const struct err *err);

/* The groups.  False with *err only when doctor itself cannot go on (memory,
 * interrupted). */
bool doctor_machine(struct doctor *d, struct err *err); /* state, clock */
bool doctor_ends(struct doctor *d, struct err *err); /* source, target, fit */
bool doctor_files(struct doctor *d, struct err *err); /* stores */
bool doctor_app(struct doctor *d, struct err *err); /* --app, --env-file,
						     * --app-url */
bool doctor_outside(struct doctor *d, struct err *err); /* beyond its reach */

/* Bits for the services outside that a variable of this name tells of; 0. */
unsigned doctor_service_of(const char *variable);

#endif
