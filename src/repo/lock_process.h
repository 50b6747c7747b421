/*
 * Which process holds a lock, so that another of the same machine can tell that
 * it is gone: the kernel's boot id, the PID namespace, the process and when it
 * began.  Only where all of it is known and the same is anything concluded.
 *
 * For lock*.c only.  Thread-safe.
 */
#ifndef REPO_LOCK_PROCESS_H
#define REPO_LOCK_PROCESS_H

#include <stdbool.h>
#include <stdint.h>

struct lock_process {
	char host[256];
	char boot[40];		/* /proc/sys/kernel/random/boot_id; "" */
	uint64_t pidns;		/* inode of /proc/self/ns/pid; 0 */
	uint64_t pid;
	uint64_t start;		/* ticks since boot, field 22 of /proc/PID/stat
				 * (proc_pid_stat(5)); 0 */
};

/* Describes the calling process; what cannot be found out stays empty. */
void lock_process_self(struct lock_process *p);

/* True when p was a process of this machine (as self sees it) and is no more. */
bool lock_process_is_gone(const struct lock_process *p,
    const struct lock_process *self);

#endif
