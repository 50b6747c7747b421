/*
 * What doctor's files about --from and --to (doctor_ends*, doctor_reach*,
 * doctor_rights, doctor_plan, doctor_fit*) share.
 *
 * An end is looked at layer by layer, each layer a check; what stands on one
 * that failed is told as skipped.  A check is a function that tells what it
 * saw and returns what that means for the next.  Only the main thread.
 */
#ifndef DOCTOR_ENDS_H
#define DOCTOR_ENDS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "doctor/doctor.h"
#include "job/move.h"
#include "mongo/client.h"
#include "mongo/reach.h"
#include "net/probe.h"

/* How long one step of the way may take, in place of --patience. */
#define DOCTOR_STEP_MS 4000

/* How many names one line tells, before "and N more". */
#define DOCTOR_NAMES 5

enum doctor_next {
	DOCTOR_GO,
	DOCTOR_STOP,		/* what stands on it cannot be looked at */
	DOCTOR_ABORT		/* *err says why doctor ends */
};

struct doctor_end {
	struct doctor *doctor;
	struct data *data;
	const char *role;	/* "source", "target": the group, too */
	const char *text;	/* the option; NULL: not given */
	struct end *end;	/* in data, once it is open */
	bool is_target;
	bool is_open;
	struct reach *reach;
	const struct reach_facts *facts; /* of reach */
	bool atlas;		/* its names are Atlas' */
	struct probe_way *ways;	/* the hosts of the URI or of its SRV record */
	size_t n_ways;
	struct reach_hello *hellos; /* one per way; set_name etc. of those that
				 * did answer */
	bool *answered;		/* which */
	bool tls;		/* how they were asked */
	struct err unanswered;	/* of the last that did not */
	struct mongo_rights *rights;
};

struct doctor_ends {
	struct doctor *doctor;
	struct data data;
	struct doctor_end source;
	struct doctor_end target;
	bool chosen;		/* the source's catalog is there */
	bool planned;		/* data.moves is there, with the target's names */
	bool target_read;	/* so is the target's catalog */
	bool small;		/* the target is M0 or Flex */
};

/* --- telling --- */

/* doctor_tell() with a remedy and the verdict in the name. */
void doctor_fail(struct doctor *d, const char *name, const char *remedy,
    const char *fmt, ...) __attribute__((format(printf, 4, 5)));
void doctor_warn(struct doctor *d, const char *name, const char *remedy,
    const char *fmt, ...) __attribute__((format(printf, 4, 5)));
void doctor_skip(struct doctor *d, const char *name, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* A check whose question failed: DOCTOR_ABORT when a stop was requested or
 * memory is out, else told as failed and DOCTOR_STOP. */
enum doctor_next doctor_failed(struct doctor *d, const char *name,
    const struct err *err);

/* A list of names for one line: "a, b, c and 4 more". */
struct doctor_names {
	char text[512];
	size_t n;
};
void doctor_names_add(struct doctor_names *names, const char *name);
const char *doctor_names_text(struct doctor_names *names);

/* --- the layers of one end, in their order --- */

enum doctor_next doctor_reach_uri(struct doctor_end *e, struct err *err);
enum doctor_next doctor_reach_srv(struct doctor_end *e, struct err *err);
enum doctor_next doctor_reach_txt(struct doctor_end *e, struct err *err);
enum doctor_next doctor_reach_dns(struct doctor_end *e, struct err *err);
enum doctor_next doctor_reach_tcp(struct doctor_end *e, struct err *err);
enum doctor_next doctor_reach_tls(struct doctor_end *e, struct err *err);
enum doctor_next doctor_reach_hello(struct doctor_end *e, struct err *err);
enum doctor_next doctor_reach_set(struct doctor_end *e, struct err *err);
enum doctor_next doctor_reach_clock(struct doctor_end *e, struct err *err);
enum doctor_next doctor_reach_auth(struct doctor_end *e, struct err *err);

/* Asks every open host hello, over TLS or not; counts those that answer. */
size_t doctor_reach_ask(struct doctor_end *e, bool tls, struct err *err);
void doctor_reach_free(struct doctor_end *e);

/* --- what both ends together are asked --- */

/* Rights, catalog and choice of the source, before the target is opened; then
 * the plan, rights, a try to write and what is there on the target.  Fill
 * chosen; planned, small and target_read. */
enum doctor_next doctor_plan_source(struct doctor_ends *all, struct err *err);
enum doctor_next doctor_plan_target(struct doctor_ends *all, struct err *err);

/* Of e's user on the collections of the plan (source: of the catalog). */
enum doctor_next doctor_rights_source(struct doctor_ends *all,
    struct err *err);
enum doctor_next doctor_rights_target(struct doctor_ends *all,
    struct err *err);
enum doctor_next doctor_rights_write(struct doctor_ends *all,
    struct err *err);

/* Group "fit": doctor_fit_tier() needs planned, the others target_read. */
enum doctor_next doctor_fit_tier(struct doctor_ends *all, struct err *err);
enum doctor_next doctor_fit(struct doctor_ends *all, struct err *err);
enum doctor_next doctor_fit_size(struct doctor_ends *all, struct err *err);

#endif
