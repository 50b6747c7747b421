/*
 * What earlier runs put in quarantine: for quarantine*.c only.  A resumed run
 * reads a partition again and meets the same documents; they are recognised,
 * so that none stands there twice.
 */
#ifndef STATE_QUARANTINE_READ_H
#define STATE_QUARANTINE_READ_H

#include "base/hash.h"
#include "state/quarantine.h"

/* The two files of one namespace. */
struct quarantine_pair {
	char *stem;		/* of their names */
	uint64_t bson_len;	/* of the whole documents */
	uint64_t lines_len;	/* of the whole lines */
	uint64_t count;
	struct quarantine_had *had; /* from earlier runs, by digest */
	size_t n_had;
	size_t cap_had;
	struct place_file *bson, *lines; /* NULL until something is added */
};

/* Frees what is in p, files too, and leaves it zero-filled. */
void quarantine_pair_free(struct quarantine_pair *p);

/* Reads both files (missing is empty) into p; what a crash left behind the
 * last whole document or line is not counted in the lengths. */
bool quarantine_read(struct quarantine_pair *p, struct place *place,
    const char *bson, const char *lines, struct err *err);

/* True when an earlier run left a document with this digest; each such
 * document is recognised once. */
bool quarantine_had(struct quarantine_pair *p,
    const uint8_t sha256[HASH_SHA256_SIZE]);

#endif
