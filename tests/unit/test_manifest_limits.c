/* The manifest at its limits: a full disk, many files, many threads. */
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>

#include "state_files.h"

#include "state/manifest.h"

#define FILE_NAME "m"

#ifndef __has_feature
#define __has_feature(x) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || \
    __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#else
#define SANITIZED 0
#endif

static struct manifest *
open_it(void)
{
	struct manifest *m;
	struct err err;

	if ((m = manifest_open(here(), FILE_NAME, &err)) == NULL)
		fail_msg("%s", err.message);
	return m;
}

/* No two are equal in any field. */
static struct manifest_entry
entry(unsigned i)
{
	struct manifest_entry e = {
		.size = i,
		.mtime_ns = -(int64_t)i,
		.sent_size = (uint64_t)i << 32,
		.sent_mtime_ns = 1700000000000000000 + i,
	};

	memset(e.sha256, (int)(i * 7), sizeof(e.sha256));
	snprintf(e.etag, sizeof(e.etag), "\"%032x\"", i);
	snprintf(e.headers, sizeof(e.headers), "%016x", ~i);
	return e;
}

static void
put(struct manifest *m, const char *key, unsigned i)
{
	const struct manifest_entry e = entry(i);
	struct err err;

	must(manifest_put(m, key, &e, &err), &err);
}

static void
assert_entry(struct manifest *m, const char *key,
    const struct manifest_entry *want)
{
	struct manifest_entry e;

	memset(&e, 'x', sizeof(e));
	if (!manifest_get(m, key, &e))
		fail_msg("no entry %s", key);
	assert_int_equal(e.size, want->size);
	assert_int_equal(e.mtime_ns, want->mtime_ns);
	assert_memory_equal(e.sha256, want->sha256, sizeof(e.sha256));
	assert_int_equal(e.sent_size, want->sent_size);
	assert_int_equal(e.sent_mtime_ns, want->sent_mtime_ns);
	assert_string_equal(e.etag, want->etag);
	assert_string_equal(e.headers, want->headers);
}

static void
assert_has(struct manifest *m, const char *key, unsigned i)
{
	const struct manifest_entry want = entry(i);

	assert_entry(m, key, &want);
}

static const char *
no_room(void)
{
	struct rlimit limit = { 1000, RLIM_INFINITY };
	struct manifest_entry e = entry(1);
	struct manifest *m;
	struct err err;
	char key[8];
	unsigned i;

	WANT((m = manifest_open(here(), FILE_NAME, &err)) != NULL);
	WANT(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
	WANT(setrlimit(RLIMIT_FSIZE, &limit) == 0);
	for (i = 0; i < 100; i++) {
		snprintf(key, sizeof(key), "k%u", i);
		if (!manifest_put(m, key, &e, &err))
			break;
	}
	WANT(i > 1 && i < 5);
	WANT(err.kind == ERR_DISK && err.hint[0] != '\0');
	WANT(!manifest_get(m, key, &e) && manifest_count(m) == i);
	WANT(!manifest_put_upload(m, key, "id", &e, &err));
	limit.rlim_cur = RLIM_INFINITY;
	WANT(setrlimit(RLIMIT_FSIZE, &limit) == 0);
	WANT(manifest_put(m, key, &e, &err));
	WANT(manifest_sync(m, &err));
	manifest_free(m);
	WANT((m = manifest_open(here(), FILE_NAME, &err)) != NULL);
	WANT(manifest_count(m) == i + 1);
	manifest_free(m);
	return NULL;
}

static void
a_write_that_fails_leaves_nothing(void **state)
{

	(void)state;
	in_child(no_room);
}

#define MANY 200000

static size_t
in_use(void)
{
	const struct mallinfo2 info = mallinfo2();

	return info.uordblks + info.hblkhd;
}

static void
two_hundred_thousand_files(void **state)
{
	struct manifest *m = open_it();
	size_t before = in_use(), bytes;
	struct err err;
	unsigned i;
	char key[64];

	(void)state;
	for (i = 0; i < MANY; i++) {
		snprintf(key, sizeof(key), "uploads/2024/05/picture-%u.jpg", i);
		put(m, key, i);
	}
	must(manifest_sync(m, &err), &err);
	bytes = (in_use() - before) / MANY;
	manifest_free(m);
	m = open_it();
	assert_int_equal(manifest_count(m), MANY);
	for (i = 0; i < MANY; i += 7) {
		snprintf(key, sizeof(key), "uploads/2024/05/picture-%u.jpg", i);
		assert_has(m, key, i);
	}
	manifest_free(m);
	/* The sanitizers' allocators do not tell. */
	if (!SANITIZED) {
		print_message("%zu bytes of memory for each file\n", bytes);
		assert_in_range(bytes, 100, 165);
	}
}

#define THREADS 8
#define EACH 300

static struct manifest *shared;

static void *
work(void *arg)
{
	unsigned t = (unsigned)(uintptr_t)arg, i;
	struct manifest_entry e;
	struct err err;
	char key[32];

	for (i = 0; i < EACH; i++) {
		snprintf(key, sizeof(key), "%u/%u", t, i % 20);
		e = entry(t * EACH + i);
		if (!manifest_put(shared, key, &e, &err) ||
		    !manifest_get(shared, key, &e) || e.size != t * EACH + i ||
		    !manifest_put_upload(shared, key, key, &e, &err) ||
		    !manifest_put_upload(shared, key, "", NULL, &err) ||
		    (i % 100 == 0 && !manifest_sync(shared, &err)))
			return arg;
	}
	return NULL;
}

static void
eight_threads(void **state)
{
	pthread_t threads[THREADS];
	void *failed;
	unsigned t, i;
	char key[32];

	(void)state;
	shared = open_it();
	for (t = 0; t < THREADS; t++)
		assert_int_equal(pthread_create(&threads[t], NULL, work,
		    (void *)(uintptr_t)(t + 1)), 0);
	for (t = 0; t < THREADS; t++) {
		assert_int_equal(pthread_join(threads[t], &failed), 0);
		assert_null(failed);
	}
	manifest_free(shared);
	shared = open_it();
	assert_int_equal(manifest_count(shared), THREADS * 20);
	for (t = 1; t <= THREADS; t++) {
		for (i = 0; i < 20; i++) {
			snprintf(key, sizeof(key), "%u/%u", t, i);
			assert_has(shared, key, t * EACH + EACH - 20 + i);
		}
	}
	manifest_free(shared);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, make_root, remove_root)
	const struct CMUnitTest tests[] = {
		TEST(a_write_that_fails_leaves_nothing),
		TEST(two_hundred_thousand_files),
		TEST(eight_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
