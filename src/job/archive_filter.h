/*
 * What a dump directory's files pass through: gzip for those named .gz.
 */
#ifndef JOB_ARCHIVE_FILTER_H
#define JOB_ARCHIVE_FILTER_H

#include "archive/archive.h"

extern const struct archive_filter archive_filter;

#endif
