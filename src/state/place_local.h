/*
 * The parts of a local place: place_local.c holds the folder, its lock and
 * whole files, place_local_file.c the files that are appended to.  The
 * contracts are place.h's.  For place_local*.c only.
 */
#ifndef STATE_PLACE_LOCAL_H
#define STATE_PLACE_LOCAL_H

#include "state/place_driver.h"

/* "cannot <what> <path>", with its hint.  Returns false always. */
bool place_local_failed(int errnum, const char *what, const char *path,
    struct err *err);

/* As place_join(); NULL with *err. */
char *place_local_join(const struct place *p, const char *name,
    struct err *err);

struct place_file *place_local_file_open(struct place *p, const char *name,
    uint64_t good, bool many, struct err *err);
bool place_local_file_append(struct place_file *f, const void *data,
    size_t len, struct err *err);
bool place_local_file_sync(struct place_file *f, struct err *err);
bool place_local_file_due(struct place_file *f);
uint64_t place_local_file_size(const struct place_file *f);
void place_local_file_free(struct place_file *f);

#endif
