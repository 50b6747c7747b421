/*
 * How a run went over time: what progress told, summed up per phase, as points
 * on a line.  Memory is bounded: when all points are taken every second one is
 * dropped, and from then on they stand twice as far apart.
 *
 * report_timeline_note() is called with what progress tells (spaceferry.h), from
 * one thread at a time, and never together with who reads the fields.
 */
#ifndef CLI_REPORT_TIMELINE_H
#define CLI_REPORT_TIMELINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "spaceferry.h"

#define REPORT_TIMELINE_POINTS 600

enum report_timeline_phase {
	REPORT_TIMELINE_CHECK,	/* an archive is read to its end */
	REPORT_TIMELINE_COPY,	/* also the reading of a dry run */
	REPORT_TIMELINE_FILES,
	REPORT_TIMELINE_VERIFY,
	REPORT_TIMELINE_PHASES
};

/* What was done up to seconds after the start. */
struct report_timeline_point {
	double seconds;
	uint64_t items[REPORT_TIMELINE_PHASES];
	uint64_t bytes[REPORT_TIMELINE_PHASES];
	bool waiting;		/* a host was away since the point before */
};

struct report_timeline_item;

struct report_timeline {
	struct report_timeline_point points[REPORT_TIMELINE_POINTS];
	size_t n;		/* the first point is at 0 s */
	/* Private: */
	double step;		/* least seconds between two points */
	struct report_timeline_item *items; /* by hash of phase and name */
	size_t n_items;
	size_t cap;
};

void report_timeline_init(struct report_timeline *t);
void report_timeline_free(struct report_timeline *t);

/* Takes what progress told, seconds after the start.  When memory is out, or
 * after 16384 names, new names are not counted. */
void report_timeline_note(struct report_timeline *t, double seconds,
    const struct spaceferry_progress *v, size_t n);

#endif
