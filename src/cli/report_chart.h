/*
 * The charts of the page, as inline SVG that stretches with it: shapes are in
 * the SVG, words and figures beside it in HTML, where they keep their size on a
 * phone.
 */
#ifndef CLI_REPORT_CHART_H
#define CLI_REPORT_CHART_H

#include "cli/report_html.h"
#include "cli/report_timeline.h"
#include "spaceferry.h"

/* Bytes and documents per second over time, a line for each phase, and what
 * each phase came to.  A run too short for that gets a sentence.  Nothing when
 * nothing moved. */
void report_chart_speed(struct report_html *h,
    const struct report_timeline *t);

/* A pair of bars for each of the largest collections, source and target, and
 * one for the rest together.  Nothing when there are no bytes. */
void report_chart_sizes(struct report_html *h,
    const struct spaceferry_summary *s);

#endif
