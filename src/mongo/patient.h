/*
 * Commands that may take hours (index builds): a connection of their own,
 * without a socket timeout, in a thread of their own, so that a stop is heeded
 * meanwhile.
 *
 * Inside mongo/ only; one thread uses a struct patient.
 */
#ifndef MONGO_PATIENT_H
#define MONGO_PATIENT_H

#include <stdbool.h>

#include "base/err.h"
#include "mongo/session.h"

struct patient;

/* A connection beside s, which must outlive it.  NULL with *err. */
struct patient *patient_new(struct mongo_session *s, struct err *err);
void patient_free(struct patient *p);	/* NULL is allowed */

/* What tells the command in the server's list of operations. */
struct patient_target {
	const char *field;	/* "createIndexes" */
	const char *db;
	const char *coll;
};

/* session_run() there.  When a stop is requested the command is killed on the
 * server, where it lets its user do that; else it goes on there by itself, and
 * is left (mongo/hangup). */
bool patient_run(struct patient *p, const struct session_call *c,
    const struct patient_target *target, struct err *err);

#endif
