/*
 * The figures of a backup as a file for node_exporter's textfile collector, in
 * Prometheus' text format (version 0.0.4,
 * https://prometheus.io/docs/instrumenting/exposition_formats/).
 *
 * Each metric has one sample with the label repository.  What a run that failed
 * cannot know (when the last success was, what it read and stored) is taken over
 * from the file as it was.
 */
#ifndef BACKUP_METRICS_H
#define BACKUP_METRICS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "spaceferry.h"

/* Replaces the file at path at one moment, readable for everybody.  repository:
 * no secrets in it.  ended_s: now, since 1970. */
bool metrics_write(const char *path, const struct spaceferry_summary *s,
    const char *repository, int status, int64_t ended_s, struct err *err);

#endif
