/*
 * Collects what a job finds into the caller's struct spaceferry_summary, from
 * any thread: errors, notes, samples.  Named findings of one kind are limited,
 * so that a million differences do not become a million lines; the rest is
 * counted and said in one line.
 *
 * Order: report_init() with the caller's summary, then anything, then
 * report_finish() once no thread uses it.
 */
#ifndef JOB_REPORT_H
#define JOB_REPORT_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "spaceferry.h"

#define REPORT_KINDS_MAX 32

struct report {
	pthread_mutex_t lock;
	struct spaceferry_summary *summary;
	uint64_t limit;		/* findings named of each kind */
	struct {
		const char *kind;
		bool is_error;
		uint64_t n;
	} kinds[REPORT_KINDS_MAX];
	size_t n_kinds;
};

/* Empties *summary and prepares.  False when a lock cannot be made. */
bool report_init(struct report *r, struct spaceferry_summary *summary,
    uint64_t limit);

/* Adds the lines that count what was not named, and frees the lock. */
void report_finish(struct report *r);

/* An error that ended the job; never limited. */
void report_err(struct report *r, const struct err *err);

/* One finding that makes the job end with 1: kind is a stable word (a string
 * literal), hint may be "". */
void report_error(struct report *r, const char *kind, const char *hint,
    const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* The same for what does not change the exit status. */
void report_note(struct report *r, const char *kind, const char *hint,
    const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* True when no more notes of kind are named; this one is counted then, and its
 * text need not be made. */
bool report_skips_note(struct report *r, const char *kind);

/* n more notes of kind, which are counted and not named. */
void report_more_notes(struct report *r, const char *kind, uint64_t n);

/* A piece of text (len bytes) around at, printable and cut between characters.
 * NULL when out of memory; the caller frees it. */
char *report_excerpt(const char *text, size_t len, size_t at);

/* A sample of a rewritten value; strings are copied, text cut around the first
 * difference and made printable.  Ignored once limit samples are held. */
struct report_value {
	const char *ns;
	const char *id;
	const char *path;
	const char *before;
	size_t before_len;
	const char *after;
	size_t after_len;
};
bool report_wants_samples(struct report *r);
void report_sample(struct report *r, const struct report_value *v);

#endif
