/* Folders of this machine that a run writes to: may it, and is there room? */
#ifndef DOCTOR_ROOM_H
#define DOCTOR_ROOM_H

#include <stdbool.h>
#include <stdint.h>

#include "doctor/doctor.h"

/* Tells check: may files be made in the folder at path or, where it is not
 * there, in its nearest parent?  *may: the answer.  Leaves nothing behind.
 * False with *err when doctor cannot go on. */
bool doctor_room_writable(struct doctor *d, const char *check,
    const char *path, bool *may, struct err *err);

/* Tells check: has the disk that holds path (or its nearest parent) room for
 * need bytes?  what stands for them in the message ("300 files"). */
struct doctor_room {
	const char *path;
	uint64_t need;		/* less than that fails */
	uint64_t better;	/* less than that is a warning */
	const char *what;
	const char *remedy;
};
bool doctor_room_enough(struct doctor *d, const char *check,
    const struct doctor_room *room, struct err *err);

/* "1.5 GiB" */
#define DOCTOR_BYTES_MAX 32
const char *doctor_room_bytes(uint64_t n, char out[DOCTOR_BYTES_MAX]);

#endif
