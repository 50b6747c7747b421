/*
 * A migration as an engine: what migrate, import, export and restore do, for who
 * has to do something before, between or after.
 *
 * migrate_run() calls the hooks from its own thread, in this order.
 */
#ifndef JOB_MIGRATE_H
#define JOB_MIGRATE_H

#include <stdbool.h>

#include "base/err.h"
#include "job/run.h"
#include "spaceferry.h"

struct migrate_hooks {
	/* The job and its snapshot are open, the ends are not: job.options may
	 * be replaced.  NULL: nothing to do. */
	bool (*opened)(void *arg, struct run *r, struct err *err);
	/* All is planned, nothing was changed.  NULL: nothing to do. */
	bool (*planned)(void *arg, struct run *r, struct err *err);
	/* The work is over (ok, *err: how); both ends are still there, if they
	 * ever were.  Returns how it ended now.  NULL: as it was. */
	bool (*ended)(void *arg, struct run *r, bool ok, struct err *err);
	void *arg;
};

/* Runs it as command ("restore"), fills *summary, returns the exit status.
 * hooks may be NULL. */
int migrate_run(const struct spaceferry_options *options, const char *command,
    const struct migrate_hooks *hooks, struct spaceferry_summary *summary);

#endif
