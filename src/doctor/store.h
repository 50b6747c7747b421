/*
 * One store as doctor looks at it, from the outside in: is its URL understood,
 * is its host reached, are the keys good, is the bucket there, may it be
 * listed, written, read, deleted from.  Where a layer fails, those behind it are
 * skipped.
 *
 * Order: doctor_store_open(), doctor_store_write() and what follows it where
 * there is a session, doctor_store_remove(), doctor_store_close() always.  Only
 * what doctor_store_write() puts there is ever removed.
 */
#ifndef DOCTOR_STORE_H
#define DOCTOR_STORE_H

#include <stdbool.h>

#include "doctor/doctor.h"
#include "store/store.h"

#define DOCTOR_KEY_MAX 64

/* Checks are named after it: "source", "target-write", "state-keys". */
enum doctor_role { DOCTOR_SOURCE, DOCTOR_TARGET, DOCTOR_STATE };

struct doctor_store {
	enum doctor_role role;
	const char *url;
	char shown[300];	/* url without secrets */
	struct store *store;	/* NULL: it cannot be opened */
	struct store_session *session; /* NULL: of no use */
	bool missing;		/* a folder that a run can make */
	bool listable;
	char key[DOCTOR_KEY_MAX]; /* of the probe; "" while none is there */
};

/* Fills *s and tells the checks as far as reading goes.  False with *err only
 * when doctor cannot go on. */
bool doctor_store_open(struct doctor *d, struct doctor_store *s,
    enum doctor_role role, const char *url, struct err *err);
void doctor_store_close(struct doctor_store *s);

/* Whether the object key, size bytes large, can be read: the beginning is. */
bool doctor_store_read(struct doctor *d, struct doctor_store *s,
    const char *key, uint64_t size, struct err *err);

/* Puts a small picture under a key of its own, reads it back, and with parts
 * also uploads it in parts.  False as above. */
bool doctor_store_write(struct doctor *d, struct doctor_store *s, bool parts,
    struct err *err);

/* Removes the picture, also after an interruption.  needed: a run deletes, so
 * a missing right fails. */
void doctor_store_remove(struct doctor *d, struct doctor_store *s,
    bool needed);

/* Whether conditional writes are minded; needs the probe.  For the lock in a
 * store that holds the state. */
bool doctor_store_conditions(struct doctor *d, struct doctor_store *s,
    struct err *err);

/* The stable name of a layer's check, for who adds some of its own. */
enum doctor_layer {
	DOCTOR_PLACE, DOCTOR_DNS, DOCTOR_TCP, DOCTOR_TLS, DOCTOR_ENDPOINT,
	DOCTOR_CLOCK, DOCTOR_KEYS, DOCTOR_REGION, DOCTOR_BUCKET, DOCTOR_LIST,
	DOCTOR_WRITE, DOCTOR_READ, DOCTOR_PARTS, DOCTOR_CONDITIONS,
	DOCTOR_DELETE, DOCTOR_ROOM, DOCTOR_LAYERS
};
const char *doctor_store_check(enum doctor_role role, enum doctor_layer layer);

/* True for errors after which doctor itself cannot go on. */
bool doctor_store_stops(const struct err *err);

/* The picture, as it was written. */
extern const unsigned char doctor_store_png[];
extern const size_t doctor_store_png_size;
#define DOCTOR_PNG_TYPE "image/png"

#endif
