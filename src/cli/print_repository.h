/*
 * What the commands that use a repository say for people: the table of snapshots
 * (snapshots, prune), what a backup read and stored, which snapshot was restored,
 * what check comes to.  Only print_*.c include this.
 */
#ifndef CLI_PRINT_REPOSITORY_H
#define CLI_PRINT_REPOSITORY_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "cli/print.h"
#include "spaceferry.h"

/* True for the commands whose whole result print_repository() writes: snapshots,
 * prune. */
bool print_repository_is(const struct spaceferry_summary *s);
void print_repository(FILE *out, const struct spaceferry_summary *s,
    const struct print_style *style);

/* backup: what was read, what of it was new, how much was read in a week where
 * that is limited. */
void print_repository_stored(FILE *out, const struct spaceferry_summary *s);

/* backup: "snapshot 1a2b3c4d in s3://bucket/backup"; restore: which one. */
void print_repository_snapshot(FILE *out, const struct spaceferry_summary *s);

/* The table of s->snapshots; now: seconds since 1970. */
void print_repository_table(FILE *out, const struct spaceferry_summary *s,
    bool colour, int64_t now);

#endif
