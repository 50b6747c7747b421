/*
 * Numbers with units, as people write them on the command line and in the
 * config file, and as they like to read them.
 *
 * Reading is exact in the whole part and checks for overflow; units are read
 * without regard to case.  A number may have a fraction: 1.5GB.  On failure
 * *err is ERR_USAGE with a message that starts with the text itself and a hint
 * that shows the forms allowed; the result is untouched.
 */
#ifndef CLI_UNITS_H
#define CLI_UNITS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

/* Bytes: "4096", "64MiB", "1.5GB", "10k".  kB MB GB TB are powers of 1000;
 * KiB MiB GiB TiB and the bare letters k m g t are powers of 1024. */
bool units_size(const char *text, uint64_t *bytes, struct err *err);

/* Bytes per second: a size with or without "/s", or bits as "80mbit" (kbit,
 * mbit, gbit: powers of 1000, eight bits to the byte). */
bool units_rate(const char *text, uint64_t *bytes, struct err *err);

/* Milliseconds: "90s", "10m", "2h", "1d", "500ms", "1h30m"; a bare number is
 * an error, but for 0. */
bool units_duration(const char *text, uint64_t *ms, struct err *err);

/* A whole number of at least least. */
bool units_count(const char *text, uint64_t least, uint64_t *n,
    struct err *err);

/* Room for whatever the printers below write. */
#define UNITS_TEXT 32

/* Each writes to out and returns it. */
const char *units_print_bytes(uint64_t n, char out[UNITS_TEXT]); /* "1.5 MiB" */
const char *units_print_count(uint64_t n, char out[UNITS_TEXT]); /* "12,345" */
const char *units_print_clock(uint64_t s, char out[UNITS_TEXT]); /* "1:02:03" */
const char *units_print_seconds(double s, char out[UNITS_TEXT]); /* "2.5 s" */

#endif
