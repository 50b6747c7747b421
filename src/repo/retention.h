/*
 * Which snapshots a policy keeps: --keep-last, -hourly, -daily, -weekly,
 * -monthly, -yearly, -within.  A pure function of their times and a time zone;
 * nothing is read or removed here.
 *
 * Hours, days, weeks (ISO 8601, from Monday), months and years are those of the
 * local time zone of the process (TZ), as people count them: a day on which the
 * clock is changed has 23 or 25 hours and is one day all the same; the hour that
 * comes twice is two hours.  Of each hour, day, … that has snapshots, the newest
 * one stands for it; the newest so many hours, days, … are kept.  Empty ones do
 * not count.  Among snapshots of one instant the later in the list is the newer.
 *
 * Thread-safe, as long as nobody changes TZ meanwhile.
 */
#ifndef REPO_RETENTION_H
#define REPO_RETENTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum retention_reason {
	RETENTION_LAST = 1 << 0, RETENTION_HOURLY = 1 << 1,
	RETENTION_DAILY = 1 << 2, RETENTION_WEEKLY = 1 << 3,
	RETENTION_MONTHLY = 1 << 4, RETENTION_YEARLY = 1 << 5,
	RETENTION_WITHIN = 1 << 6
};

struct retention_policy {
	uint32_t last, hourly, daily, weekly, monthly, yearly;
	uint64_t within_ns;	/* before the newest of them */
};

/* True when it keeps nothing for any reason. */
bool retention_is_empty(const struct retention_policy *p);

/* times: ns since 1970, of one group, ascending (equal ones allowed).
 * reasons[i]: an OR of enum retention_reason; 0: not kept.  Returns how many are
 * kept. */
size_t retention_apply(const struct retention_policy *p, const int64_t *times,
    size_t n, unsigned *reasons);

/* "last, daily", "" for 0. */
#define RETENTION_TEXT_SIZE 80
void retention_text(unsigned reasons, char out[RETENTION_TEXT_SIZE]);

#endif
