/*
 * The repository of a job, opened by its options: --repo, --recipient,
 * --recipients-file, --identity, --state (where the naming key lives).
 *
 * Order: repository_open(), any use of repo, repository_close().
 */
#ifndef JOB_REPOSITORY_H
#define JOB_REPOSITORY_H

#include <stdbool.h>

#include "base/err.h"
#include "codec/age.h"
#include "job/job.h"
#include "repo/repo.h"
#include "repo/snapshot.h"

struct repository {
	struct repo *repo;
	struct age_recipients *recipients;	/* NULL: none were given */
	struct age_identities *identities;	/* NULL: none were given */
};

enum repository_use {
	REPOSITORY_READ,	/* recipients are not looked at */
	REPOSITORY_ADD,		/* made where there is none; naming key needed */
	REPOSITORY_ADD_THERE	/* the same, ERR_NOT_FOUND where there is none */
};

/* Blocks.  False with *err (without --repo ERR_USAGE); repository_close() is to be
 * called all the same. */
bool repository_open(struct repository *r, const struct job *job,
    enum repository_use use, struct err *err);

/* The same in two steps: the first one reads recipients (REPOSITORY_ADD),
 * identities and tags, and asks no store; what is wrong with them is known before
 * anything else is done. */
bool repository_prepare(struct repository *r, const struct job *job,
    enum repository_use use, struct err *err);
bool repository_connect(struct repository *r, const struct job *job,
    enum repository_use use, struct err *err);
void repository_close(struct repository *r);

/* Copies head for the summary; details are left unknown (open false). */
bool repository_describe(const struct snapshot *s,
    struct spaceferry_snapshot *out);

#endif
