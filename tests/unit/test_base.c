#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include <cmocka.h>

#include "base/cancel.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/log.h"
#include "base/retry.h"

#define MS 1000000ULL

/* --- err --- */

static void
err_says_what_it_was_told(void **state)
{
	struct err e;

	(void)state;
	assert_false(err_set(&e, ERR_URI, "no host in '%s'\n\x01%s", "x", "y"));
	assert_int_equal(e.kind, ERR_URI);
	assert_int_equal(e.code, 0);
	assert_string_equal(e.message, "no host in 'x'  y");
	assert_string_equal(e.hint, "");
	assert_false(err_hint(&e, "write\tmongodb://%s", "host"));
	assert_string_equal(e.hint, "write mongodb://host");
	assert_false(err_prefix(&e, "source %d", 7));
	assert_string_equal(e.message, "source 7: no host in 'x'  y");
	assert_string_equal(e.hint, "write mongodb://host");
	assert_int_equal(e.kind, ERR_URI);
	err_set(&e, ERR_DNS, "new");
	assert_string_equal(e.hint, "");
	err_clear(&e);
	assert_int_equal(e.kind, ERR_NONE);
	assert_string_equal(e.message, "");
}

/* A message may be made of the one before it. */
static void
err_quotes_itself(void **state)
{
	struct err e;

	(void)state;
	err_set(&e, ERR_DISK, "disk full");
	err_hint(&e, "make room");
	err_set(&e, ERR_DISK, "journal: %s (%s)", e.message, e.hint);
	assert_string_equal(e.message, "journal: disk full (make room)");
	err_hint(&e, "first");
	err_hint(&e, "%s, then again", e.hint);
	assert_string_equal(e.hint, "first, then again");
}

static void
err_is_cut_not_overrun(void **state)
{
	struct err e;
	char *big = malloc(5000);

	(void)state;
	memset(big, 'x', 4999);
	big[4999] = '\0';
	err_set(&e, ERR_AUTH, "%s", big);
	assert_int_equal(strlen(e.message), sizeof(e.message) - 1);
	err_prefix(&e, "%s", big);
	assert_int_equal(strlen(e.message), sizeof(e.message) - 1);
	err_hint(&e, "%s", big);
	assert_int_equal(strlen(e.hint), sizeof(e.hint) - 1);
	err_set_errno(&e, ERR_NETWORK, ECONNRESET, "%s", big);
	assert_int_equal(strlen(e.message), sizeof(e.message) - 1);
	free(big);
}

static void
err_knows_errno(void **state)
{
	static const struct {
		int errnum;
		enum err_kind want;
	} cases[] = {
		{ ENOSPC, ERR_DISK }, { EDQUOT, ERR_DISK }, { EROFS, ERR_DISK },
		{ EACCES, ERR_DENIED }, { EPERM, ERR_DENIED },
		{ ENOENT, ERR_NOT_FOUND }, { ENOTDIR, ERR_NOT_FOUND },
		{ ENOMEM, ERR_NOMEM }, { EIO, ERR_LOCKED },
	};
	struct err e;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_false(err_set_errno(&e, ERR_LOCKED, cases[i].errnum, "x"));
		assert_int_equal(e.kind, cases[i].want);
		assert_int_equal(e.code, cases[i].errnum);
	}
	err_set_errno(&e, ERR_DISK, ENOENT, "open '%s'", "f");
	assert_string_equal(e.message, "open 'f': No such file or directory");
	err_set_errno(&e, ERR_DISK, 99999, "x");
	assert_non_null(strstr(e.message, "99999"));
}

static void
err_may_be_null(void **state)
{

	(void)state;
	err_clear(NULL);
	assert_false(err_set(NULL, ERR_URI, "x"));
	assert_false(err_set_errno(NULL, ERR_URI, EIO, "x"));
	assert_false(err_hint(NULL, "x"));
	assert_false(err_prefix(NULL, "x"));
	assert_false(err_nomem(NULL, "x"));
}

static void
err_kinds_are_complete(void **state)
{
	int kind, other, status;

	(void)state;
	for (kind = 0; kind < ERR_KINDS; kind++) {
		assert_string_not_equal(err_kind_name(kind), "unknown");
		for (other = 0; other < kind; other++)
			assert_string_not_equal(err_kind_name(kind),
			    err_kind_name(other));
		status = err_exit_status(kind, true);
		assert_true(status >= 0 && status <= 3 && status != 2);
	}
	assert_string_equal(err_kind_name(ERR_KINDS), "unknown");
	assert_string_equal(err_kind_name((enum err_kind)-1), "unknown");
	assert_int_equal(err_exit_status(ERR_NONE, false), 0);
	assert_int_equal(err_exit_status(ERR_DIFFERS, false), 1);
	assert_int_equal(err_exit_status(ERR_AUTH, false), 2);
	assert_int_equal(err_exit_status(ERR_AUTH, true), 3);
	assert_int_equal(err_exit_status(ERR_NETWORK, false), 3);
	assert_int_equal(err_exit_status(ERR_CANCELLED, false), 3);
	assert_true(err_retryable(ERR_THROTTLED));
	assert_false(err_retryable(ERR_AUTH));
	assert_false(err_retryable(ERR_CANCELLED));
}

/* --- log --- */

struct heard {
	atomic_int inside;
	int lines;
	bool overlapped;
	enum log_level last_level;
	char last[4096];
};

static void
hear(enum log_level level, const char *line, void *arg)
{
	struct heard *h = arg;

	if (atomic_fetch_add(&h->inside, 1) != 0)
		h->overlapped = true;
	h->lines++;
	h->last_level = level;
	snprintf(h->last, sizeof(h->last), "%s", line);
	atomic_fetch_sub(&h->inside, 1);
}

static void
log_passes_the_level(void **state)
{
	struct heard h = { 0 };
	char big[5000];

	(void)state;
	log_warning("nobody listens");
	log_set_handler(hear, &h, LOG_INFO);
	log_debug("dropped");
	assert_int_equal(h.lines, 0);
	log_info("%s %d", "kept", 1);
	assert_int_equal(h.lines, 1);
	assert_int_equal(h.last_level, LOG_INFO);
	assert_string_equal(h.last, "kept 1");
	log_warning("loud");
	assert_int_equal(h.last_level, LOG_WARNING);
	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	log_info("%s", big);
	assert_true(strlen(h.last) > 1000 && strlen(h.last) < 4999);
	log_set_handler(NULL, NULL, LOG_DEBUG);
	log_warning("nobody again");
	assert_int_equal(h.lines, 3);
}

static void *
talk(void *arg)
{
	int i;

	(void)arg;
	for (i = 0; i < 500; i++)
		log_info("line %d", i);
	return NULL;
}

static void
log_one_call_at_a_time(void **state)
{
	struct heard h = { 0 };
	pthread_t threads[4];
	size_t i;

	(void)state;
	log_set_handler(hear, &h, LOG_DEBUG);
	for (i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, talk, NULL), 0);
	for (i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	log_set_handler(NULL, NULL, LOG_DEBUG);
	assert_int_equal(h.lines, 2000);
	assert_false(h.overlapped);
}

/* --- cancel --- */

static void *
ask_soon(void *arg)
{

	(void)arg;
	cancel_sleep(50);
	cancel_request();
	return NULL;
}

static void
cancel_ends_a_sleep(void **state)
{
	uint64_t start = cancel_now();
	pthread_t thread;
	struct err e;

	(void)state;
	cancel_reset();
	assert_true(cancel_sleep(0));
	assert_int_equal(pthread_create(&thread, NULL, ask_soon, NULL), 0);
	assert_false(cancel_sleep(20000));
	assert_true(cancel_now() - start < 5000 * MS);
	pthread_join(thread, NULL);
	assert_true(cancel_requested());
	assert_false(cancel_sleep(0));
	assert_false(cancel_err(&e));
	assert_int_equal(e.kind, ERR_CANCELLED);
	cancel_reset();
	assert_false(cancel_requested());
}

static void
on_alarm(int number)
{

	(void)number;
}

/* A signal that asks for nothing (a resized terminal) shortens no sleep. */
static void
cancel_sleeps_through_signals(void **state)
{
	struct itimerval every = { { 0, 5000 }, { 0, 5000 } }, off = { 0 };
	struct sigaction sa = { .sa_handler = on_alarm }, old;
	uint64_t start;

	(void)state;
	assert_int_equal(sigaction(SIGALRM, &sa, &old), 0);
	setitimer(ITIMER_REAL, &every, NULL);
	start = cancel_now();
	assert_true(cancel_sleep(250));
	assert_true(cancel_now() - start >= 250 * MS);
	setitimer(ITIMER_REAL, &off, NULL);
	sigaction(SIGALRM, &old, NULL);
}

/* --- retry --- */

static void
retry_only_what_helps(void **state)
{
	struct retry r;
	struct err e;

	(void)state;
	retry_init(&r, 60000);
	err_set(&e, ERR_AUTH, "wrong password");
	assert_false(retry_wait(&r, "connect", 0, &e));
	assert_int_equal(e.kind, ERR_AUTH);
	assert_int_equal(r.attempts, 0);
	/* No patience at all. */
	retry_init(&r, 0);
	err_set(&e, ERR_NETWORK, "reset");
	assert_false(retry_wait(&r, "connect", 0, &e));
	assert_int_equal(e.kind, ERR_NETWORK);
	assert_string_equal(e.message, "reset");
}

static void
retry_until_patience_ends(void **state)
{
	uint64_t start = cancel_now(), waited;
	struct heard h = { 0 };
	struct retry r;
	struct err e;
	int tries = 0;

	(void)state;
	log_set_handler(hear, &h, LOG_INFO);
	retry_init(&r, 400);
	err_set(&e, ERR_THROTTLED, "slow down");
	while (retry_wait(&r, "insert", 0, &e))
		assert_true(++tries < 50);
	waited = cancel_now() - start;
	log_set_handler(NULL, NULL, LOG_DEBUG);
	assert_true(tries >= 2);
	assert_true(waited >= 400 * MS && waited < 5000 * MS);
	assert_int_equal(e.kind, ERR_THROTTLED);
	/* One line for people, not one per attempt. */
	assert_int_equal(h.lines, 1);
	assert_string_equal(h.last, "insert: slow down; trying again for 1 s");
	retry_reset(&r);
	assert_true(retry_wait(&r, "insert", 0, &e));
	retry_end(&r);
}

static void
retry_waits_as_asked(void **state)
{
	uint64_t start = cancel_now();
	struct retry r;
	struct err e;

	(void)state;
	retry_init(&r, 60000);
	err_set(&e, ERR_THROTTLED, "slow down");
	assert_true(retry_wait(&r, "put", 350, &e));
	assert_true(cancel_now() - start >= 350 * MS);
	cancel_request();
	assert_false(retry_wait(&r, "put", 20000, &e));
	assert_int_equal(e.kind, ERR_CANCELLED);
	cancel_reset();
}

static void
retry_tells_who_waits(void **state)
{
	struct retry_view v;
	struct heard h = { 0 };
	struct retry a, b;
	struct err e;

	(void)state;
	assert_false(retry_waiting(&v));
	log_set_handler(hear, &h, LOG_INFO);
	retry_init(&a, 60000);
	retry_init(&b, 5000);
	err_set(&e, ERR_NETWORK, "no route");
	assert_true(retry_wait(&a, "insert", 0, &e));
	err_set(&e, ERR_NETWORK, "refused");
	assert_true(retry_wait(&b, "find", 0, &e));
	/* Two that wait for the same are one line. */
	assert_int_equal(h.lines, 1);
	assert_true(retry_waiting(&v));
	assert_string_equal(v.reason, "no route");
	assert_int_equal(v.patience_ms, 60000);
	assert_true(v.waited_ms >= 50 && v.waited_ms < 60000);
	retry_reset(&a);
	assert_true(retry_waiting(&v));
	assert_string_equal(v.reason, "refused");
	/* An error that no wait mends is the end of waiting. */
	err_set(&e, ERR_AUTH, "wrong password");
	assert_false(retry_wait(&b, "find", 0, &e));
	assert_false(retry_waiting(&v));
	err_set(&e, ERR_NETWORK, "refused");
	assert_true(retry_wait(&b, "find", 0, &e));
	retry_end(&b);
	assert_false(retry_waiting(&v));
	log_set_handler(NULL, NULL, LOG_DEBUG);
}

/* --- digest --- */

static void
digest_sums_carry(void **state)
{
	struct digest max = { UINT64_MAX, UINT64_MAX }, one = { 0, 1 };
	struct digest d = { 1, UINT64_MAX }, parsed;
	char hex[DIGEST_HEX_SIZE];

	(void)state;
	digest_add(&d, one);
	assert_true(digest_equal(d, (struct digest){ 2, 0 }));
	digest_subtract(&d, one);
	assert_true(digest_equal(d, (struct digest){ 1, UINT64_MAX }));
	digest_add(&max, one);
	assert_true(digest_equal(max, (struct digest){ 0, 0 }));
	digest_subtract(&max, one);
	digest_hex(max, hex);
	assert_string_equal(hex, "ffffffffffffffffffffffffffffffff");
	d = (struct digest){ 0x0123456789abcdef, 0x00fedcba98765432 };
	digest_hex(d, hex);
	assert_string_equal(hex, "0123456789abcdef00fedcba98765432");
	assert_true(digest_unhex(hex, &parsed));
	assert_true(digest_equal(parsed, d));
	assert_false(digest_unhex("", &parsed));
	assert_false(digest_unhex("0123456789abcdef00fedcba9876543", &parsed));
	assert_false(digest_unhex("0123456789ABCDEF00fedcba98765432", &parsed));
	assert_false(digest_unhex("-123456789abcdef00fedcba98765432", &parsed));
}

static void
tallies_differ_in_each_field(void **state)
{
	struct tally sum = { 0 }, t = { 2, 300, { 4, 5 } }, other;

	(void)state;
	tally_add(&sum, &t);
	assert_true(tally_equal(&sum, &t));
	tally_add(&sum, &t);
	assert_int_equal(sum.count, 4);
	assert_int_equal(sum.bytes, 600);
	assert_true(digest_equal(sum.digest, (struct digest){ 8, 10 }));
	other = t;
	other.count++;
	assert_false(tally_equal(&other, &t));
	other = t;
	other.bytes++;
	assert_false(tally_equal(&other, &t));
	other = t;
	other.digest.high++;
	assert_false(tally_equal(&other, &t));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(err_says_what_it_was_told),
		cmocka_unit_test(err_quotes_itself),
		cmocka_unit_test(err_is_cut_not_overrun),
		cmocka_unit_test(err_knows_errno),
		cmocka_unit_test(err_may_be_null),
		cmocka_unit_test(err_kinds_are_complete),
		cmocka_unit_test(log_passes_the_level),
		cmocka_unit_test(log_one_call_at_a_time),
		cmocka_unit_test(cancel_ends_a_sleep),
		cmocka_unit_test(cancel_sleeps_through_signals),
		cmocka_unit_test(retry_only_what_helps),
		cmocka_unit_test(retry_until_patience_ends),
		cmocka_unit_test(retry_waits_as_asked),
		cmocka_unit_test(retry_tells_who_waits),
		cmocka_unit_test(digest_sums_carry),
		cmocka_unit_test(tallies_differ_in_each_field),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
