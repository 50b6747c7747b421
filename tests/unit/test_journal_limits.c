/* The journal at its limits: full and read-only disks, many records, many
 * threads. */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mount.h>
#include <sys/resource.h>

#define OWN_FSYNC
#include "state_files.h"

#include "base/cancel.h"
#include "state/journal.h"

static atomic_int syncs;	/* since the start */
static atomic_bool broken;	/* fsync fails once */

/* Counted, not done: no power is cut here. */
int
fsync(int fd)
{

	atomic_fetch_add(&syncs, 1);
	if (!atomic_exchange(&broken, false))
		return fd < 0;
	errno = EIO;
	return -1;
}

static struct journal *
open_in(const char *folder, bool restart, struct err *err)
{
	static const char *const fingerprint[][2] = { { "query", "{}" } };
	const struct journal_options o = {
		.folder = folder, .key = "key", .fingerprint = fingerprint,
		.n_fingerprint = 1, .restart = restart,
	};

	return journal_open(&o, err);
}

static struct journal *
open_it(void)
{
	struct journal *j;
	struct err err;

	if ((j = open_in("s", false, &err)) == NULL)
		fail_msg("%s", err.message);
	return j;
}

/* --- disks --- */

static const char *
file_too_large(void)
{
	struct rlimit limit = { 700, RLIM_INFINITY };
	char value[400];
	struct journal *j;
	struct err err;

	memset(value, 'v', sizeof(value) - 1);
	value[sizeof(value) - 1] = '\0';
	WANT((j = open_in("s", false, &err)) != NULL);
	WANT(journal_put(j, "first", "1", &err));
	WANT(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
	WANT(setrlimit(RLIMIT_FSIZE, &limit) == 0);
	WANT(!journal_put(j, "long", value, &err));
	WANT(err.kind == ERR_DISK && err.hint[0] != '\0');
	WANT(strstr(err.message, "/journal") != NULL);
	WANT(journal_get(j, "long") == NULL);
	limit.rlim_cur = RLIM_INFINITY;
	WANT(setrlimit(RLIMIT_FSIZE, &limit) == 0);
	WANT(journal_put(j, "last", "2", &err));
	journal_free(j);
	WANT((j = open_in("s", false, &err)) != NULL);
	WANT(strcmp(journal_get(j, "first"), "1") == 0);
	WANT(strcmp(journal_get(j, "last"), "2") == 0);
	WANT(journal_get(j, "long") == NULL);
	journal_free(j);
	return NULL;
}

static void
records_are_synced_as_promised(void **state)
{
	struct journal_part part = {0};
	struct journal *j = open_it();
	struct err err;
	int before, i;

	(void)state;
	must(journal_add_part(j, "a.b", &part, &err), &err);
	before = syncs;
	must(journal_put(j, "a", "1", &err), &err);
	assert_true(syncs > before);
	before = syncs;
	must(journal_add_part(j, "a.b", &part, &err), &err);
	must(journal_sync(j, &err), &err);
	assert_int_equal(syncs, before + 1);
	must(journal_sync(j, &err), &err);
	assert_int_equal(syncs, before + 1);
	/* One that came late is synced without being asked. */
	usleep(1100000);
	must(journal_add_part(j, "a.b", &part, &err), &err);
	assert_int_equal(syncs, before + 2);
	must(journal_add_part(j, "a.b", &part, &err), &err);
	assert_int_equal(syncs, before + 2);

	/* What is on disk after a failed fsync nobody knows. */
	atomic_store(&broken, true);
	assert_false(journal_put(j, "b", "1", &err));
	for (i = 0; i < 2; i++) {
		assert_int_equal(err.kind, ERR_DISK);
		assert_non_null(strstr(err.message, "/journal"));
		assert_true(err.hint[0] != '\0');
		assert_false(journal_add_part(j, "a.b", &part, &err));
	}
	assert_false(journal_sync(j, &err));
	assert_false(journal_close_done(j, &err));
	journal_free(j);
	j = open_it();
	assert_string_equal(journal_get(j, "a"), "1");
	before = syncs;
	must(journal_close_done(j, &err), &err);
	assert_true(syncs > before);
	journal_free(j);
}

static void
a_write_that_fails_leaves_nothing(void **state)
{

	(void)state;
	in_child(file_too_large);
}

/* A tmpfs of 64 KiB at "small", seen by this process only. */
static bool
mount_small(void)
{

	return mkdir("small", 0700) == 0 && unshare(CLONE_NEWNS) == 0 &&
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	    mount("tmpfs", "small", "tmpfs", 0, "size=64k") == 0;
}

static const char *
full_disk(void)
{
	struct journal_part part = {0};
	char name[32], filler[4096] = "";
	struct journal *j;
	struct err err;
	size_t n, i;
	FILE *f;

	if (!mount_small())
		return "skip";
	WANT((j = open_in("small/s", false, &err)) != NULL);
	WANT(journal_put(j, "first", "1", &err));
	for (n = 0; journal_add_part(j, "a.b", &part, &err); n++)
		WANT(n < 10000);
	WANT(n > 10);
	WANT(err.kind == ERR_DISK && err.code == ENOSPC);
	WANT(strstr(err.hint, "make room") != NULL);
	WANT(!journal_parts_complete(j, "a.b", &err));
	WANT(journal_count_parts(j, "a.b") == n);
	journal_free(j);
	WANT((j = open_in("small/s", false, &err)) != NULL);
	WANT(strcmp(journal_get(j, "first"), "1") == 0);
	journal_free(j);

	/* Full from the start: said before anything is done. */
	WANT((f = fopen("small/filler", "wb")) != NULL);
	for (i = 0; i < 32; i++)
		fwrite(filler, 1, sizeof(filler), f);
	fclose(f);
	for (i = 0; i < 2; i++) {
		snprintf(name, sizeof(name), "small/t%zu", i);
		WANT((j = open_in(name, false, &err)) == NULL ||
		    !journal_put(j, "first", "1", &err));
		WANT(err.kind == ERR_DISK && err.code == ENOSPC);
		journal_free(j);
	}
	return NULL;
}

static void
a_full_disk_is_said(void **state)
{

	(void)state;
	in_child(full_disk);
}

static const char *
read_only(void)
{
	struct journal *j;
	struct err err;

	if (!mount_small())
		return "skip";
	WANT((j = open_in("small/s", false, &err)) != NULL);
	journal_free(j);
	WANT(mount("tmpfs", "small", "tmpfs", MS_REMOUNT | MS_RDONLY,
	    "size=64k") == 0);
	WANT(open_in("small/s", false, &err) == NULL);
	WANT(err.kind == ERR_DISK && strstr(err.hint, "--state") != NULL);
	WANT(open_in("small/t", false, &err) == NULL);
	WANT(err.kind == ERR_DISK && strstr(err.hint, "--state") != NULL);
	return NULL;
}

static const char *
no_rights(void)
{
	struct err err;

	WANT(mkdir("shut", 0755) == 0);
	WANT(chmod("shut", 0555) == 0);
	WANT(chmod(".", 0755) == 0);
	if (geteuid() == 0)
		WANT(seteuid(65534) == 0);
	WANT(open_in("shut/s", false, &err) == NULL);
	WANT(err.kind == ERR_DENIED && strstr(err.hint, "--state") != NULL);
	WANT(strstr(err.message, "shut/s") != NULL);
	return NULL;
}

static void
a_read_only_folder_is_said(void **state)
{

	(void)state;
	in_child(no_rights);
	in_child(read_only);
}

/* --- many --- */

#define MANY 100000

static void
a_hundred_thousand_partitions(void **state)
{
	static const uint8_t id[] = "0123456789abcdef";
	struct journal_part part = { .low = id, .low_len = 16, .high = id,
	    .high_len = 16 };
	uint64_t start = cancel_now(), made, done, read;
	struct journal *j = open_it();
	int before = syncs;
	struct err err;
	size_t i, n = 0;

	(void)state;
	for (i = 0; i < MANY; i++)
		must(journal_add_part(j, "a.b", &part, &err), &err);
	must(journal_parts_complete(j, "a.b", &err), &err);
	made = cancel_now();
	for (i = 0; i < MANY; i += 2) {
		part.tally.count = i;
		must(journal_part_done(j, "a.b", i, &part, &err), &err);
	}
	must(journal_sync(j, &err), &err);
	done = cancel_now();
	journal_free(j);
	j = open_it();
	read = cancel_now();
	assert_int_equal(journal_count_parts(j, "a.b"), MANY);
	for (i = 0; journal_get_part(j, "a.b", i, &part); i++)
		n += part.done && part.tally.count == i && i % 2 == 0;
	assert_int_equal(n, MANY / 2);
	journal_free(j);
	print_message("added in %.2f s, done in %.2f s, read in %.2f s\n",
	    (double)(made - start) / 1e9, (double)(done - made) / 1e9,
	    (double)(read - done) / 1e9);
	/* Some to begin with, then at most one a second. */
	assert_in_range(syncs - before, 1, 20 + (read - start) / 1000000000u);
}

#define THREADS 8
#define EACH 500

static struct journal *shared;

static void *
work(void *arg)
{
	struct journal_part part = {0};
	char ns[16], name[32];
	struct err err;
	size_t i;

	snprintf(ns, sizeof(ns), "db.%d", (int)(intptr_t)arg);
	for (i = 0; i < EACH; i++) {
		if (!journal_add_part(shared, ns, &part, &err))
			return arg;
	}
	if (!journal_parts_complete(shared, ns, &err))
		return arg;
	for (i = 0; i < EACH; i++) {
		part.tally.count = i;
		if (!journal_part_done(shared, ns, i, &part, &err) ||
		    journal_count_parts(shared, ns) != EACH ||
		    !journal_get_part(shared, ns, i, &part) ||
		    part.tally.count != i)
			return arg;
		snprintf(name, sizeof(name), "%s:%zu", ns, i % 7);
		if (i % 50 == 0 && (!journal_put(shared, name, ns, &err) ||
		    strcmp(journal_get(shared, name), ns) != 0))
			return arg;
	}
	return NULL;
}

static void
eight_threads(void **state)
{
	pthread_t threads[THREADS];
	struct journal_part part;
	char ns[16];
	void *failed;
	intptr_t i;
	size_t k;

	(void)state;
	shared = open_it();
	for (i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, work,
		    (void *)(i + 1)), 0);
	for (i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(threads[i], &failed), 0);
		assert_null(failed);
	}
	journal_free(shared);
	shared = open_it();
	for (i = 0; i < THREADS; i++) {
		snprintf(ns, sizeof(ns), "db.%d", (int)i + 1);
		assert_true(journal_has_parts(shared, ns));
		for (k = 0; journal_get_part(shared, ns, k, &part); k++)
			assert_true(part.done && part.tally.count == k);
		assert_int_equal(k, EACH);
	}
	journal_free(shared);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, make_root, remove_root)
	const struct CMUnitTest tests[] = {
		TEST(records_are_synced_as_promised),
		TEST(a_write_that_fails_leaves_nothing),
		TEST(a_full_disk_is_said),
		TEST(a_read_only_folder_is_said),
		TEST(a_hundred_thousand_partitions),
		TEST(eight_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
