/*
 * State in a store, over a folder of objects: what is sent when, how a file
 * becomes a row of objects, and that nothing is written once the lease is gone.
 */
#include "state_files.h"

#include <dirent.h>
#include <pthread.h>

#include "base/cancel.h"
#include "state/journal.h"
#include "state/manifest.h"
#include "state/place_driver.h"
#include "state/quarantine.h"

#define BIG (700 << 10)

static struct place *
open_place(bool look_only, struct err *err)
{
	const struct place_store_options o = { .url = "store", .create = true,
		.lapse_ms = 3000, .renew_ms = 200, .look_only = look_only };

	return place_store_new(&o, err);
}

static struct place *
must_open(void)
{
	struct place *p;
	struct err err;

	if ((p = open_place(false, &err)) == NULL)
		fail_msg("%s", err.message);
	return p;
}

/* The whole file as the place tells it. */
static void
read_all(struct place *p, const char *name, struct buf *out)
{
	struct place_reader *r;
	struct err err;
	char data[1000];
	size_t got;

	buf_init(out, (size_t)64 << 20);
	assert_non_null(r = place_reader_new(p, name, &err));
	do {
		must(place_reader_read(r, data, sizeof(data), &got, &err), &err);
		assert_true(buf_append(out, data, got));
	} while (got > 0);
	place_reader_free(r);
}

static void
assert_holds(struct place *p, const char *name, const char *want)
{
	struct buf b;

	read_all(p, name, &b);
	assert_int_equal(b.len, strlen(want));
	assert_memory_equal(b.data, want, b.len);
	buf_free(&b);
}

static void
add(struct place_file *f, const char *text)
{
	struct err err;

	must(place_file_append(f, text, strlen(text), &err), &err);
}

static struct place_file *
open_file(struct place *p, const char *name, uint64_t good)
{
	struct place_file *f;
	struct err err;

	if ((f = place_file_open(p, name, good, false, &err)) == NULL)
		fail_msg("%s", err.message);
	return f;
}

static void
what_is_synced_is_there(void **state)
{
	struct place *p = must_open(), *look;
	struct place_file *f;
	struct err err;

	(void)state;
	f = open_file(p, "dir/file", 0);
	add(f, "one ");
	assert_int_equal(place_file_size(f), 4);
	assert_false(exists("store/dir"));
	must(place_file_sync(f, &err), &err);
	assert_true(exists("store/dir/0001-0000.file"));
	add(f, "two ");
	assert_int_equal(file_size("store/dir/0001-0000.file"), 4);
	/* Who only looks needs no lock, and sees what was sent. */
	assert_non_null(look = open_place(true, &err));
	assert_holds(look, "dir/file", "one ");
	assert_null(place_file_open(look, "dir/file", 4, false, &err));
	assert_int_equal(err.kind, ERR_INTERNAL);
	place_free(look);
	place_file_free(f);
	assert_holds(p, "dir/file", "one two ");
	place_free(p);
	assert_false(exists("store/lock"));

	p = must_open();
	f = open_file(p, "dir/file", 6);
	add(f, "!");
	place_file_free(f);
	assert_holds(p, "dir/file", "one tw!");
	assert_int_equal(place_exists(p, "dir/file", &err), PLACE_FOUND);
	must(place_rename(p, "dir/file", "other", &err), &err);
	assert_int_equal(place_exists(p, "dir/file", &err), PLACE_ABSENT);
	assert_holds(p, "dir/file", "");
	assert_holds(p, "other", "one tw!");
	must(place_remove(p, "other", &err), &err);
	must(place_remove(p, "other", &err), &err);
	assert_false(exists("store/0001-0000.other"));
	place_free(p);
}

static bool
count_name(void *arg, const char *name, struct err *err)
{

	(void)err;
	assert_string_equal(name, "file");
	++*(int *)arg;
	return true;
}

static void
a_long_file_is_a_row_of_objects(void **state)
{
	struct place *p = must_open();
	struct place_writer *w;
	struct place_file *f;
	struct buf b, want;
	struct err err;
	char *big = malloc(BIG);
	int i, n = 0;

	(void)state;
	buf_init(&want, (size_t)64 << 20);
	f = open_file(p, "dir/file", 0);
	for (i = 0; i < 5; i++) {
		memset(big, 'a' + i, BIG);
		must(place_file_append(f, big, BIG, &err), &err);
		assert_true(buf_append(&want, big, BIG));
	}
	place_file_free(f);
	assert_true(exists("store/dir/0001-0004.file"));
	assert_false(exists("store/dir/0001-0005.file"));
	place_free(p);

	p = must_open();
	must(place_list(p, "dir", count_name, &n, &err), &err);
	assert_int_equal(n, 1);
	f = open_file(p, "dir/file", want.len);
	add(f, "more");
	assert_true(buf_append_str(&want, "more"));
	place_file_free(f);
	read_all(p, "dir/file", &b);
	assert_int_equal(b.len, want.len);
	assert_memory_equal(b.data, want.data, b.len);
	buf_free(&b);

	/* A replacement is there as a whole or not at all. */
	assert_non_null(w = place_writer_new(p, "dir/file", &err));
	for (i = 0; i < 3; i++)
		must(place_writer_write(w, big, BIG, &err), &err);
	place_writer_free(w);
	read_all(p, "dir/file", &b);
	assert_int_equal(b.len, want.len);
	buf_free(&b);
	assert_non_null(w = place_writer_new(p, "dir/file", &err));
	for (i = 0; i < 3; i++)
		must(place_writer_write(w, big, BIG, &err), &err);
	must(place_writer_finish(w, &err), &err);
	place_writer_free(w);
	read_all(p, "dir/file", &b);
	assert_int_equal(b.len, 3 * BIG);
	buf_free(&b);
	assert_false(exists("store/dir/0001-0000.file"));
	place_free(p);
	free(big);
	buf_free(&want);
}

/* What is left of a replacement or removal that was cut short is no file, and
 * is swept; a hole in a row is damage. */
static void
leftovers_and_holes(void **state)
{
	struct place *p = must_open();
	struct place_file *f;
	struct err err;

	(void)state;
	f = open_file(p, "file", 0);
	add(f, "right");
	place_file_free(f);
	place_free(p);
	spill("store/0002-0001.file", "half of a replacement", 21);
	spill("store/0007-0003.gone", "rest of a removal", 17);
	spill("store/notes.txt", "a person's", 10);
	p = must_open();
	assert_holds(p, "file", "right");
	assert_int_equal(place_exists(p, "gone", &err), PLACE_ABSENT);
	assert_false(exists("store/0002-0001.file"));
	assert_false(exists("store/0007-0003.gone"));
	assert_true(exists("store/notes.txt"));
	place_free(p);

	spill("store/0001-0002.file", "third", 5);
	assert_null(open_place(false, &err));
	assert_int_equal(err.kind, ERR_DAMAGED);
	assert_non_null(strstr(err.message, "number 1 is missing"));
	assert_true(err.hint[0] != '\0');
	assert_false(exists("store/lock"));
}

/* A journal, a manifest and a quarantine used by threads, as a run does. */
struct shared {
	struct journal *journal;
	struct manifest *manifest;
	struct quarantine *quarantine;
	int number;
};

static const uint8_t DOC[] = { 5, 0, 0, 0, 0 };

static void *
use(void *arg)
{
	struct shared s = *(struct shared *)arg;
	struct manifest_entry e = { .size = 1 };
	struct quarantined d = { .ns = "a.b", .doc = DOC, .len = sizeof(DOC),
		.id = "1", .reason = "validation", .message = "no" };
	struct err err;
	char name[32];
	int i;

	for (i = 0; i < 40; i++) {
		snprintf(name, sizeof(name), "%d.%d", s.number, i);
		if (!manifest_put(s.manifest, name, &e, &err) ||
		    !quarantine_add(s.quarantine, &d, &err) ||
		    (i % 8 == 0 && (!quarantine_sync(s.quarantine, &err) ||
		    !journal_put(s.journal, name, "1", &err))))
			return arg;
	}
	return NULL;
}

static void
a_whole_state_by_threads(void **state)
{
	struct place *p = must_open();
	struct manifest *m;
	struct quarantine *q;
	struct journal *j;
	const struct journal_options o = { .folder = "local", .key = "k" };
	struct shared shared[3];
	pthread_t threads[3];
	struct err err;
	void *failed;
	int i;

	(void)state;
	assert_non_null(m = manifest_open(p, "files.manifest", &err));
	assert_non_null(q = quarantine_open(p, &err));
	assert_non_null(j = journal_open(&o, &err));
	for (i = 0; i < 3; i++) {
		shared[i] = (struct shared){ j, m, q, i };
		assert_int_equal(pthread_create(&threads[i], NULL, use,
		    &shared[i]), 0);
	}
	for (i = 0; i < 3; i++) {
		assert_int_equal(pthread_join(threads[i], &failed), 0);
		assert_null(failed);
	}
	must(manifest_sync(m, &err), &err);
	must(quarantine_sync(q, &err), &err);
	assert_non_null(strstr(quarantine_path(q), "store/quarantine"));
	assert_int_equal(file_size("store/quarantine/0001-0000.a.b.bson"),
	    120 * (off_t)sizeof(DOC));
	quarantine_free(q);
	manifest_free(m);
	journal_free(j);
	place_free(p);

	p = must_open();
	assert_non_null(m = manifest_open(p, "files.manifest", &err));
	assert_int_equal(manifest_count(m), 120);
	assert_non_null(q = quarantine_open(p, &err));
	assert_int_equal(quarantine_count(q), 120);
	must(quarantine_forget(q, "a.b", &err), &err);
	assert_false(exists("store/quarantine/0001-0000.a.b.bson"));
	quarantine_free(q);
	manifest_free(m);
	place_free(p);
}

static void
nothing_is_written_without_the_lease(void **state)
{
	struct place *p = must_open();
	struct place_file *f;
	struct err err;
	int i;

	(void)state;
	f = open_file(p, "file", 0);
	add(f, "ours ");
	must(place_file_sync(f, &err), &err);
	add(f, "not sent yet");
	spill("store/lock", "{\"owner\":\"them\",\"host\":\"h\",\"pid\":7}", 35);
	for (i = 0; i < 500 && place_held(p, &err); i++)
		usleep(10000);
	assert_false(place_held(p, &err));
	assert_int_equal(err.kind, ERR_LOCKED);
	err_clear(&err);
	assert_false(place_file_sync(f, &err));
	assert_int_equal(err.kind, ERR_LOCKED);
	assert_false(place_file_append(f, "x", 1, &err));
	assert_int_equal(err.kind, ERR_LOCKED);
	assert_false(place_remove(p, "file", &err));
	assert_int_equal(err.kind, ERR_LOCKED);
	place_file_free(f);
	place_free(p);
	assert_int_equal(file_size("store/0001-0000.file"), 5);
	assert_true(exists("store/lock"));
	assert_true(cancel_requested());
	cancel_reset();
}

/* Sent without being asked for, in time. */
static void
what_waits_is_sent(void **state)
{
	struct place *p = must_open();
	struct place_file *f = open_file(p, "file", 0);
	int i;

	(void)state;
	add(f, "waits");
	for (i = 0; i < 200 && !exists("store/0001-0000.file"); i++)
		usleep(100000);
	assert_int_equal(file_size("store/0001-0000.file"), 5);
	place_file_free(f);
	place_free(p);
}

/* What stands there is not what was read: another run wrote it, unnoticed. */
static void
somebody_elses_object_is_not_overwritten(void **state)
{
	struct place *p = must_open();
	struct place_file *f = open_file(p, "file", 0);
	struct buf left;
	struct err err;

	(void)state;
	add(f, "ours");
	spill("store/0001-0000.file", "theirs", 6);
	assert_false(place_file_sync(f, &err));
	assert_int_equal(err.kind, ERR_LOCKED);
	assert_non_null(strstr(err.message, "somebody else"));
	assert_false(place_file_append(f, "x", 1, &err));
	place_file_free(f);
	place_free(p);
	slurp("store/0001-0000.file", &left);
	assert_int_equal(left.len, 6);
	buf_free(&left);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_root, remove_root)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_synced_is_there),
		TEST(a_long_file_is_a_row_of_objects),
		TEST(leftovers_and_holes),
		TEST(a_whole_state_by_threads),
		TEST(nothing_is_written_without_the_lease),
		TEST(what_waits_is_sent),
		TEST(somebody_elses_object_is_not_overwritten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
