#include <stdio.h>
#include <string.h>
#include <time.h>

#include "repo/retention.h"

#define SECOND ((int64_t)1000000000)
/* Where a clock is set back over midnight, "Saturday, Sunday, Saturday, Sunday"
 * are two days: so many of those met last are looked at again. */
#define AGAIN 4

static const char *const names[] = { "last", "hourly", "daily", "weekly",
	"monthly", "yearly", "within" };

static int64_t
floor_div(int64_t a, int64_t b)
{

	return a / b - (a % b < 0);
}

/* Days since 1970-01-01 of a date, by the proleptic Gregorian calendar. */
static int64_t
day_number(const struct tm *tm)
{
	int64_t before = (int64_t)tm->tm_year + 1899;

	return before * 365 + floor_div(before, 4) - floor_div(before, 100) +
	    floor_div(before, 400) - 719162 + tm->tm_yday;
}

/* Which hour, day, … an instant belongs to: equal for those of the same. */
static int64_t
period(enum retention_reason of, const struct tm *tm)
{

	switch (of) {
	case RETENTION_HOURLY:
		return (day_number(tm) * 24 + tm->tm_hour) * 1000000 +
		    tm->tm_gmtoff;
	case RETENTION_DAILY:
		return day_number(tm);
	case RETENTION_WEEKLY:
		return floor_div(day_number(tm) + 3, 7); /* 1970: a Thursday */
	case RETENTION_MONTHLY:
		return (int64_t)tm->tm_year * 12 + tm->tm_mon;
	default:
		return tm->tm_year;
	}
}

static bool
is_among(const int64_t *seen, size_t n, int64_t value)
{
	size_t i;

	for (i = 0; i < AGAIN && i < n; i++)
		if (seen[(n - 1 - i) % AGAIN] == value)
			return true;
	return false;
}

/* Keeps the newest of each of the newest most periods. */
static void
keep_newest(enum retention_reason of, uint32_t most, const int64_t *times,
    size_t n, unsigned *reasons)
{
	int64_t seen[AGAIN], p;
	size_t i, met = 0;
	struct tm tm;
	time_t t;

	for (i = n; i-- > 0 && met < most;) {
		t = (time_t)floor_div(times[i], SECOND);
		if (localtime_r(&t, &tm) == NULL)
			memset(&tm, 0, sizeof(tm));
		p = period(of, &tm);
		if (is_among(seen, met, p))
			continue;
		seen[met++ % AGAIN] = p;
		reasons[i] |= of;
	}
}

bool
retention_is_empty(const struct retention_policy *p)
{

	return p->last == 0 && p->hourly == 0 && p->daily == 0 &&
	    p->weekly == 0 && p->monthly == 0 && p->yearly == 0 &&
	    p->within_ns == 0;
}

size_t
retention_apply(const struct retention_policy *p, const int64_t *times,
    size_t n, unsigned *reasons)
{
	size_t i, kept = 0;

	tzset();
	for (i = 0; i < n; i++) {
		reasons[i] = n - i <= p->last ? RETENTION_LAST : 0;
		if (p->within_ns != 0 && (uint64_t)times[n - 1] -
		    (uint64_t)times[i] <= p->within_ns)
			reasons[i] |= RETENTION_WITHIN;
	}
	keep_newest(RETENTION_HOURLY, p->hourly, times, n, reasons);
	keep_newest(RETENTION_DAILY, p->daily, times, n, reasons);
	keep_newest(RETENTION_WEEKLY, p->weekly, times, n, reasons);
	keep_newest(RETENTION_MONTHLY, p->monthly, times, n, reasons);
	keep_newest(RETENTION_YEARLY, p->yearly, times, n, reasons);
	for (i = 0; i < n; i++)
		kept += reasons[i] != 0;
	return kept;
}

void
retention_text(unsigned reasons, char out[RETENTION_TEXT_SIZE])
{
	size_t i, len = 0;

	out[0] = '\0';
	for (i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (reasons & 1u << i)
			len += (size_t)snprintf(out + len,
			    RETENTION_TEXT_SIZE - len, "%s%s",
			    len == 0 ? "" : ", ", names[i]);
}
