#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cancel.h"
#include "base/wake.h"

#define LONG_MS 3600000

struct shared {
	pthread_mutex_t lock;
	pthread_cond_t cond;
	bool said;
};

static void *
say(void *arg)
{
	struct shared *s = arg;

	pthread_mutex_lock(&s->lock);
	s->said = true;
	pthread_cond_signal(&s->cond);
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

/* Ends: by the signal, and without one by itself, not too early. */
static void
waits(void **state)
{
	struct shared s = { .lock = PTHREAD_MUTEX_INITIALIZER };
	uint64_t began, boot;
	pthread_t thread;

	(void)state;
	assert_true(wake_init(&s.cond));
	pthread_mutex_lock(&s.lock);
	assert_int_equal(pthread_create(&thread, NULL, say, &s), 0);
	while (!s.said)
		wake_wait(&s.cond, &s.lock, LONG_MS);
	began = cancel_now();
	boot = wake_boot_ns();
	while (cancel_now() - began < 1100 * UINT64_C(1000000))
		wake_wait(&s.cond, &s.lock, 1099);
	assert_true(wake_boot_ns() - boot >= 1100 * UINT64_C(1000000));
	pthread_mutex_unlock(&s.lock);
	pthread_join(thread, NULL);
	pthread_cond_destroy(&s.cond);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
