/*
 * A command of the user's, run by /bin/sh -c before or after a backup.
 *
 * It is a process group of its own, so that it can be ended with whatever it
 * started; stdin is /dev/null, stdout goes to our stderr.  Its environment is
 * ours but for what is a secret of ours alone: the URIs with their passwords, the
 * repository, the passphrase, the naming key, the ping URL.  (AWS_* stays: a
 * hook may well use the AWS tools.)
 */
#ifndef BACKUP_HOOK_H
#define BACKUP_HOOK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct hook {
	const char *option;	/* "--before", for messages */
	const char *command;
	const char *job;	/* becomes SPACEFERRY_COMMAND */
	const char *status;	/* SPACEFERRY_STATUS; NULL: none */
	const char *snapshot;	/* SPACEFERRY_SNAPSHOT; NULL: none */
	uint64_t patience_ms;	/* then it is killed */
	bool despite_cancel;	/* a stop that was requested does not end it */
};

/* Runs it and waits until it has ended.  False with *err: ERR_DENIED (it failed,
 * was killed, or took too long), ERR_CANCELLED, ERR_NOMEM, what posix_spawn says. */
bool hook_run(const struct hook *h, struct err *err);

#endif
