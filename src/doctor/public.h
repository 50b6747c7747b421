/*
 * The URLs of --files-url as browsers see them: is the new one public, and does
 * it lead to what is stored under its key; does the old one lead to the files
 * that are moved.
 */
#ifndef DOCTOR_PUBLIC_H
#define DOCTOR_PUBLIC_H

#include <stdbool.h>
#include <stdint.h>

#include "doctor/doctor.h"
#include "doctor/store.h"

/* Asks for the probe that doctor_store_write() left in target.  False with
 * *err when doctor cannot go on. */
bool doctor_public_new(struct doctor *d, const struct spaceferry_files *what,
    const struct doctor_store *target, struct err *err);

/* Asks for one file of the source, size bytes large. */
bool doctor_public_old(struct doctor *d, const struct spaceferry_files *what,
    const char *key, uint64_t size, struct err *err);

#endif
