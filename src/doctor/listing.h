/* What is in the source of a --files, and what of it cannot be moved. */
#ifndef DOCTOR_LISTING_H
#define DOCTOR_LISTING_H

#include <stdbool.h>
#include <stdint.h>

#include "doctor/store.h"
#include "job/file_names.h"

#define DOCTOR_SAMPLE_MAX 1025

struct doctor_listing {
	uint64_t count, bytes;	/* of the files chosen */
	uint64_t largest;
	char sample[DOCTOR_SAMPLE_MAX]; /* a small one of them; "" if none */
	uint64_t sample_size;
};

/* Lists source, fills *l and tells the checks.  place is the target's URL, for
 * names that collide there; names those of all --files so far.  False with *err
 * when doctor cannot go on. */
bool doctor_listing_read(struct doctor *d, const struct doctor_store *source,
    const char *place, struct file_names *names, struct doctor_listing *l,
    struct err *err);

/* Bytes of all objects in s, whatever their names; 0 when it cannot be read. */
uint64_t doctor_listing_bytes(struct doctor_store *s);

#endif
