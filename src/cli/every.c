#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cancel.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/wake.h"
#include "cli/every.h"

#define MACHINE_ID "/etc/machine-id"
#define MACHINE_MAX 1024
#define STEP_MS 1000		/* a signal may come just before the sleep */

/* 64 bits that depend on this machine and on what. */
static uint64_t
number_of(const char *what)
{
	uint8_t sum[HASH_SHA256_SIZE];
	char host[256] = "";
	struct buf text;
	struct err ignored;
	uint64_t n = 0;
	size_t i;

	buf_init(&text, MACHINE_MAX + strlen(what) + sizeof(host));
	if (!file_read(MACHINE_ID, &text, &ignored)) {
		gethostname(host, sizeof(host) - 1);
		buf_append_str(&text, host);
	}
	buf_append_str(&text, what);
	if (hash_sha256(text.data, text.len, sum)) {
		for (i = 0; i < sizeof(n); i++)
			n = n << 8 | sum[i];
	}
	buf_free(&text);
	return n;
}

void
every_init(struct every *e, uint64_t period_ms, const char *what)
{
	uint64_t most = period_ms / 10;

	if (most > EVERY_JITTER_MS)
		most = EVERY_JITTER_MS;
	*e = (struct every){ .period_ms = period_ms,
	    .jitter_ms = number_of(what) % (most + 1),
	    .started_ns = 0 };
}

void
every_begin(struct every *e)
{

	if (e->started_ns != 0)
		e->jitter_ms = 0;
	e->started_ns = wake_boot_ns();
}

uint64_t
every_left_ms(const struct every *e)
{
	uint64_t passed = (wake_boot_ns() - e->started_ns) / 1000000;
	uint64_t due = e->period_ms + e->jitter_ms;

	return passed >= due ? 0 : due - passed;
}

bool
every_wait(struct every *e)
{
	uint64_t left;
	struct timespec t;

	while (!cancel_requested() && (left = every_left_ms(e)) > 0) {
		if (left > STEP_MS)
			left = STEP_MS;
		t.tv_sec = (time_t)(left / 1000);
		t.tv_nsec = (long)(left % 1000) * 1000000;
		nanosleep(&t, NULL);
	}
	return !cancel_requested();
}

void
every_time(uint64_t ahead_ms, char out[EVERY_TIME_SIZE])
{
	time_t at = time(NULL) + (time_t)((ahead_ms + 500) / 1000);
	struct tm tm;

	if (localtime_r(&at, &tm) == NULL ||
	    strftime(out, EVERY_TIME_SIZE, "%Y-%m-%d %H:%M:%S", &tm) == 0)
		snprintf(out, EVERY_TIME_SIZE, "?");
}
