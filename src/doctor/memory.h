/* How much memory a run could have here. */
#ifndef DOCTOR_MEMORY_H
#define DOCTOR_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

struct doctor_memory {
	uint64_t available;	/* bytes; UINT64_MAX: not known */
	const char *limit;	/* what sets it, for messages */
};

/* The least of what the machine has available (MemAvailable of proc(5)), what
 * the control group leaves (memory.max, or memory.limit_in_bytes of version 1,
 * of it and all above it), and the limit on the address space.  root is "" but
 * in tests: the folder that stands for /. */
void doctor_memory_look(const char *root, struct doctor_memory *out);

#endif
