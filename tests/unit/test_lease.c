/*
 * Who may write: the lease on a store, over a folder (which minds no If-Match,
 * so that every way of taking and renewing is gone).  What S3 does with
 * conditions is shown by tests/integration/test_state_store.py.
 */
#include "state_files.h"

#include "base/cancel.h"
#include "state/lease.h"
#include "store/store.h"

#define SECOND ((uint64_t)1000000000)
#define LAPSE_MS 1200
#define RENEW_MS 150

static struct store *
open_store(void)
{
	const struct store_options options = { .create = true,
		.despite_cancel = true };
	struct store *s;
	struct err err;

	if ((s = store_open("store", &options, &err)) == NULL)
		fail_msg("%s", err.message);
	return s;
}

static struct lease *
take(struct store *s, uint64_t patience_ms, struct err *err)
{
	const struct lease_options o = { .store = s, .key = "lock",
		.patience_ms = patience_ms, .lapse_ms = LAPSE_MS,
		.renew_ms = RENEW_MS };

	return lease_take(&o, err);
}

/* By a clock of the test's own. */
static void
lapses_when_nothing_is_heard_of_it(void **state)
{
	struct lease_watch w = { .any = false };
	struct buf a, b;
	uint64_t t = 1000 * SECOND;

	(void)state;
	buf_init(&a, 10);
	buf_init(&b, 10);
	buf_append_str(&a, "one");
	buf_append_str(&b, "two");
	assert_false(lease_watch_lapsed(&w, &a, INT64_MIN, t, 30000));
	assert_false(lease_watch_lapsed(&w, &a, INT64_MIN, t + 29 * SECOND, 30000));
	/* It was renewed: the watch begins anew. */
	assert_false(lease_watch_lapsed(&w, &b, INT64_MIN, t + 31 * SECOND, 30000));
	assert_false(lease_watch_lapsed(&w, &b, INT64_MIN, t + 60 * SECOND, 30000));
	assert_true(lease_watch_lapsed(&w, &b, INT64_MIN, t + 61 * SECOND, 30000));
	/* Back to what it once was is a change, too. */
	assert_false(lease_watch_lapsed(&w, &a, INT64_MIN, t + 62 * SECOND, 30000));

	/* The store's clock may say so at the first look. */
	memset(&w, 0, sizeof(w));
	assert_false(lease_watch_lapsed(&w, &a, 30 * (int64_t)SECOND, t,
	    30000));
	assert_true(lease_watch_lapsed(&w, &a, 31 * (int64_t)SECOND, t,
	    30000));
	buf_free(&a);
	buf_free(&b);
}

static void
one_at_a_time(void **state)
{
	struct store *s = open_store();
	struct lease *l, *other;
	struct err err;
	char pid[32];

	(void)state;
	assert_non_null(l = take(s, 0, &err));
	assert_true(lease_held(l, &err));
	assert_true(lease_store_creates(l));
	assert_false(lease_store_matches(l));
	assert_null(take(s, 0, &err));
	assert_int_equal(err.kind, ERR_LOCKED);
	snprintf(pid, sizeof(pid), "pid %d on ", (int)getpid());
	assert_non_null(strstr(err.message, pid));
	assert_true(err.hint[0] != '\0');
	/* It is renewed for longer than it lasts. */
	assert_null(take(s, LAPSE_MS + LAPSE_MS / 2, &err));
	assert_int_equal(err.kind, ERR_LOCKED);
	assert_true(lease_held(l, &err));
	lease_free(l);
	assert_false(exists("store/lock"));
	assert_non_null(other = take(s, 0, &err));
	lease_free(other);
	store_free(s);
}

static void
of_a_dead_run_is_taken_over(void **state)
{
	struct store *s = open_store();
	struct lease *l;
	struct err err;

	(void)state;
	spill("store/lock", "{\"owner\":\"them\",\"host\":\"h\",\"pid\":1}", 35);
	assert_null(take(s, 0, &err));
	assert_non_null(strstr(err.message, "pid 1 on h"));
	assert_non_null(l = take(s, 4 * LAPSE_MS, &err));
	assert_true(lease_held(l, &err));
	lease_free(l);

	/* What is no lock of ours, even no JSON, lapses like any other. */
	spill("store/lock", "\xff", 1);
	assert_non_null(l = take(s, 4 * LAPSE_MS, &err));
	lease_free(l);
	store_free(s);
}

static void
wait_until_lost(struct lease *l, struct err *err)
{
	int i;

	for (i = 0; i < 500 && lease_held(l, err); i++)
		usleep(10000);
	assert_false(lease_held(l, err));
	assert_int_equal(err->kind, ERR_LOCKED);
	assert_true(err->hint[0] != '\0');
}

static void
that_was_taken_stops_everything(void **state)
{
	static const char theirs[] = "{\"owner\":\"them\",\"host\":\"h\",\"pid\":7}";
	struct store *s = open_store();
	struct lease *l;
	struct buf left;
	struct err err;

	(void)state;
	assert_non_null(l = take(s, 0, &err));
	spill("store/lock", theirs, sizeof(theirs) - 1);
	wait_until_lost(l, &err);
	assert_non_null(strstr(err.message, "pid 7 on h"));
	assert_true(cancel_requested());
	cancel_reset();
	/* Theirs stays. */
	lease_free(l);
	slurp("store/lock", &left);
	assert_int_equal(left.len, sizeof(theirs) - 1);
	assert_memory_equal(left.data, theirs, left.len);
	buf_free(&left);

	assert_int_equal(unlink("store/lock"), 0);
	assert_non_null(l = take(s, 0, &err));
	assert_int_equal(unlink("store/lock"), 0);
	wait_until_lost(l, &err);
	assert_non_null(strstr(err.message, "removed"));
	cancel_reset();
	lease_free(l);
	assert_false(exists("store/lock"));
	store_free(s);
}

static void
that_cannot_be_renewed_is_lost(void **state)
{
	struct store *s = open_store();
	struct lease *l;
	struct err err;

	(void)state;
	assert_non_null(l = take(s, 0, &err));
	/* What cannot be read is not renewed. */
	assert_int_equal(rename("store/lock", "store/kept"), 0);
	assert_int_equal(symlink("/", "store/lock"), 0);
	wait_until_lost(l, &err);
	assert_true(cancel_requested());
	cancel_reset();
	lease_free(l);
	store_free(s);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_root, remove_root)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lapses_when_nothing_is_heard_of_it),
		TEST(one_at_a_time),
		TEST(of_a_dead_run_is_taken_over),
		TEST(that_was_taken_stops_everything),
		TEST(that_cannot_be_renewed_is_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
