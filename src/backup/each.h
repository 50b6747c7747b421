/*
 * The same for each of many things of a repository, by several threads, each
 * with a session of its own.
 */
#ifndef BACKUP_EACH_H
#define BACKUP_EACH_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "job/job.h"
#include "repo/repo.h"

/* Thread-safe; number i.  False with *err ends it for all. */
typedef bool each_fn(void *arg, struct repo_session *s, size_t i,
    struct err *err);

struct each {
	const char *name;	/* for thread names and messages */
	struct repo *repo;
	size_t n;
	each_fn *fn;
	void *arg;
};

/* Calls fn for 0 to n - 1, in about that order.  Blocks.  False with the first
 * real error, or ERR_CANCELLED. */
bool each_run(const struct job *job, const struct each *e, struct err *err);

#endif
