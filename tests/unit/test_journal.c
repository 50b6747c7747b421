#include <limits.h>

#include "state_files.h"

#include "state/journal.h"
#include "state/place.h"

#define KEY "mongodb://old.example/shop mongodb://new.example/shop"
#define FIXTURES SF_FIXTURES "/state/"

static const char *const fingerprint[][2] = {
	{ "query", "{}" }, { "rename", "a=b" }, { "rename", "c=d" },
};

/* Opens the journal of key in folder "s". */
static struct journal *
open_key(const char *key, bool restart, struct err *err)
{
	const struct journal_options o = {
		.folder = "s",
		.key = key,
		.fingerprint = fingerprint,
		.n_fingerprint = 3,
		.restart = restart,
	};

	return journal_open(&o, err);
}

static struct journal *
open_it(void)
{
	struct journal *j;
	struct err err;

	if ((j = open_key(KEY, false, &err)) == NULL)
		fail_msg("%s", err.message);
	return j;
}

static void
put(struct journal *j, const char *name, const char *value)
{
	struct err err;

	must(journal_put(j, name, value, &err), &err);
}

static void
add(struct journal *j, const char *ns, const char *low, const char *high)
{
	const struct journal_part part = {
		.low = (const uint8_t *)low,
		.low_len = low == NULL ? 0 : 3,
		.high = (const uint8_t *)high,
		.high_len = high == NULL ? 0 : 3,
	};
	struct err err;

	must(journal_add_part(j, ns, &part, &err), &err);
}

static void
complete(struct journal *j, const char *ns)
{
	struct err err;

	must(journal_parts_complete(j, ns, &err), &err);
}

static char *
path_in(const struct journal *j, const char *name)
{
	static char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", place_path(journal_place(j)), name);
	return path;
}

/* --- what is where --- */

static void
nothing_is_written_before_the_first_record(void **state)
{
	struct journal *j = open_it();
	struct buf about;

	(void)state;
	assert_false(journal_resumed(j));
	assert_false(journal_last_succeeded(j));
	assert_false(exists(path_in(j, "journal")));
	assert_int_equal(mode_of("s"), 0700);
	assert_int_equal(mode_of(place_path(journal_place(j))), 0700);
	slurp(path_in(j, "about.json"), &about);
	assert_non_null(strstr(buf_str(&about), KEY));
	buf_free(&about);
	journal_free(j);
	journal_free(NULL);

	j = open_it();
	assert_false(journal_resumed(j));
	put(j, "a", "b");
	assert_int_equal(mode_of(path_in(j, "journal")), 0600);
	assert_int_equal(mode_of(path_in(j, "about.json")), 0600);
	assert_int_equal(mode_of(path_in(j, "lock")), 0600);
	journal_free(j);
}

static void
keys_have_folders_of_their_own(void **state)
{
	struct journal *a, *b;
	struct place_options look = { .state = "s", .key = "a",
		.look_only = true };
	struct place *found;
	char hex[65];
	uint8_t sha256[32];
	struct err err;

	(void)state;
	assert_non_null(a = open_key("a", false, &err));
	assert_non_null(b = open_key("b", false, &err));
	put(a, "x", "1");
	assert_null(journal_get(b, "x"));
	assert_true(hash_sha256("a", 1, sha256));
	hash_hex(sha256, 16, hex);
	assert_string_equal(place_path(journal_place(a)) + 2, hex);
	assert_non_null(found = place_new(&look, &err));
	assert_string_equal(place_path(found), place_path(journal_place(a)));
	assert_int_equal(place_exists(found, "journal", &err), PLACE_FOUND);
	assert_false(place_remove(found, "journal", &err));
	assert_int_equal(err.kind, ERR_INTERNAL);
	place_free(found);
	look.state = "none";
	assert_non_null(found = place_new(&look, &err));
	assert_int_equal(place_exists(found, "journal", &err), PLACE_ABSENT);
	assert_false(exists("none"));
	place_free(found);
	journal_free(a);
	journal_free(b);
}

static const char *
default_place(void)
{
	struct journal_options o = { .key = KEY };
	struct journal *j;
	char want[200];
	struct err err;

	setenv("HOME", root, 1);
	setenv("XDG_STATE_HOME", "relative", 1);
	WANT((j = journal_open(&o, &err)) != NULL);
	snprintf(want, sizeof(want), "%s/.local/state/spaceferry/", root);
	WANT(strncmp(place_path(journal_place(j)), want, strlen(want)) == 0);
	WANT(mode_of(".local/state") == 0700);
	journal_free(j);

	snprintf(want, sizeof(want), "%s/xdg", root);
	setenv("XDG_STATE_HOME", want, 1);
	WANT((j = journal_open(&o, &err)) != NULL);
	WANT(strncmp(place_path(journal_place(j)), want, strlen(want)) == 0);
	WANT(exists("xdg/spaceferry"));
	journal_free(j);

	snprintf(want, sizeof(want), "file://%s/url", root);
	o.folder = want;
	WANT((j = journal_open(&o, &err)) != NULL);
	WANT(exists("url"));
	journal_free(j);

	unsetenv("AWS_ACCESS_KEY_ID");
	unsetenv("AWS_SECRET_ACCESS_KEY");
	o.folder = "s3://bucket/state";
	WANT(journal_open(&o, &err) == NULL);
	WANT(err.kind == ERR_CONFIG && err.hint[0] != '\0');
	o.folder = "gopher://host/state";
	WANT(journal_open(&o, &err) == NULL);
	WANT(err.kind == ERR_URI && strstr(err.message, "--state") != NULL);
	o.folder = "file://relative";
	WANT(journal_open(&o, &err) == NULL && err.kind == ERR_URI);
	return NULL;
}

static void
the_default_place_follows_the_environment(void **state)
{

	(void)state;
	in_child(default_place);
}

/* --- what is remembered --- */

/* The state that fixtures/state/journal describes, made by calls. */
static void
make_fixture(struct journal *j)
{
	struct journal_part done = {
		.tally = { 3, 456, { 0x0001020304050607, 0x08090a0b0c0d0e0f } },
		.counters = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, UINT64_MAX },
	};
	struct err err;

	put(j, "ours:shop.c", "1");
	add(j, "shop.c", NULL, "\n\0\xff");
	add(j, "shop.c", "\n\0\xff", NULL);
	assert_false(journal_has_parts(j, "shop.c"));
	complete(j, "shop.c");
	must(journal_part_done(j, "shop.c", 0, &done, &err), &err);
	memset(&done, 0, sizeof(done));
	done.tally.digest.high = done.tally.digest.low = UINT64_MAX;
	must(journal_part_done(j, "shop.c", 1, &done, &err), &err);
	must(journal_part_reopen(j, "shop.c", 1, &err), &err);
	add(j, "shop.d", NULL, NULL);
	complete(j, "shop.d");
	must(journal_forget_parts(j, "shop.d", &err), &err);
	must(journal_forget_parts(j, "shop.never", &err), &err);
	put(j, "\xff" "a", "\t\"é\x7f");
}

static void
assert_fixture(struct journal *j)
{
	struct journal_part p;

	assert_string_equal(journal_get(j, "ours:shop.c"), "1");
	assert_string_equal(journal_get(j, "\xff" "a"), "\t\"é\x7f");
	assert_null(journal_get(j, "ours:shop.d"));
	assert_true(journal_has_parts(j, "shop.c"));
	assert_int_equal(journal_count_parts(j, "shop.c"), 2);
	assert_true(journal_get_part(j, "shop.c", 0, &p));
	assert_true(p.done);
	assert_null(p.low);
	assert_int_equal(p.low_len, 0);
	assert_int_equal(p.high_len, 3);
	assert_memory_equal(p.high, "\n\0\xff", 3);
	assert_int_equal(p.tally.count, 3);
	assert_int_equal(p.tally.bytes, 456);
	assert_int_equal(p.tally.digest.high, 0x0001020304050607);
	assert_int_equal(p.tally.digest.low, 0x08090a0b0c0d0e0f);
	assert_int_equal(p.counters[0], 1);
	assert_int_equal(p.counters[10], 11);
	assert_true(p.counters[11] == UINT64_MAX);
	assert_true(journal_get_part(j, "shop.c", 1, &p));
	assert_false(p.done);
	assert_int_equal(p.tally.digest.low, 0);
	assert_int_equal(p.low_len, 3);
	assert_false(journal_get_part(j, "shop.c", 2, &p));
	assert_false(journal_has_parts(j, "shop.d"));
	assert_int_equal(journal_count_parts(j, "shop.d"), 0);
	assert_false(journal_has_parts(j, "shop.never"));
}

static void
the_file_is_as_described(void **state)
{
	struct journal *j = open_it();
	struct buf want, got;
	struct err err;

	(void)state;
	make_fixture(j);
	assert_fixture(j);
	slurp(FIXTURES "journal", &want);
	slurp(path_in(j, "journal"), &got);
	assert_string_equal(buf_str(&got), buf_str(&want));
	journal_free(j);

	assert_non_null(j = open_it());
	assert_true(journal_resumed(j));
	assert_fixture(j);
	spill(path_in(j, "journal"), want.data, want.len);
	journal_free(j);
	assert_non_null(j = open_it());
	assert_fixture(j);
	must(journal_sync(j, &err), &err);
	journal_free(j);
	buf_free(&want);
	buf_free(&got);
}

static void
the_last_value_counts(void **state)
{
	struct journal *j = open_it();
	int i;

	(void)state;
	for (i = 0; i < 2; i++) {
		assert_null(journal_get(j, "fact"));
		put(j, "fact", "old");
		put(j, "fact", "");
		assert_string_equal(journal_get(j, "fact"), "");
		put(j, "fact", "new");
		assert_string_equal(journal_get(j, "fact"), "new");
		if (i == 0) {
			struct err err;

			journal_free(j);
			assert_non_null(j = open_key(KEY, true, &err));
		}
	}
	journal_free(j);
	j = open_it();
	assert_string_equal(journal_get(j, "fact"), "new");
	journal_free(j);
}

static void
incomplete_lists_are_forgotten(void **state)
{
	struct journal *j = open_it();
	struct err err;

	(void)state;
	add(j, "db.half", NULL, "abc");
	add(j, "db.half", "abc", NULL);
	complete(j, "db.empty");
	assert_int_equal(journal_count_parts(j, "db.half"), 2);
	journal_free(j);

	j = open_it();
	assert_false(journal_has_parts(j, "db.half"));
	assert_int_equal(journal_count_parts(j, "db.half"), 0);
	assert_true(journal_has_parts(j, "db.empty"));
	assert_int_equal(journal_count_parts(j, "db.empty"), 0);
	add(j, "db.half", NULL, NULL);
	complete(j, "db.half");
	journal_free(j);

	j = open_it();
	assert_int_equal(journal_count_parts(j, "db.half"), 1);
	assert_false(journal_add_part(j, "db.half",
	    &(struct journal_part){0}, &err));
	assert_int_equal(err.kind, ERR_INTERNAL);
	assert_false(journal_part_done(j, "db.half", 1,
	    &(struct journal_part){0}, &err));
	assert_int_equal(err.kind, ERR_INTERNAL);
	assert_false(journal_part_reopen(j, "db.none", 0, &err));
	journal_free(j);
	j = open_it();
	assert_int_equal(journal_count_parts(j, "db.half"), 1);
	journal_free(j);
}

static void
a_bound_may_be_huge(void **state)
{
	size_t i, len = (size_t)5 << 20;
	uint8_t *id = malloc(len);
	struct journal_part part = { .low = id, .low_len = len, .high = id,
	    .high_len = 1 };
	struct journal *j = open_it();
	struct err err;

	(void)state;
	assert_non_null(id);
	for (i = 0; i < len; i++)
		id[i] = (uint8_t)(i * i >> 7);
	must(journal_add_part(j, "a.b", &part, &err), &err);
	complete(j, "a.b");
	put(j, "after", "it");
	journal_free(j);
	j = open_it();
	assert_true(journal_get_part(j, "a.b", 0, &part));
	assert_int_equal(part.low_len, len);
	assert_memory_equal(part.low, id, len);
	assert_int_equal(part.high_len, 1);
	assert_string_equal(journal_get(j, "after"), "it");
	journal_free(j);
	free(id);
}

/* --- runs that follow each other --- */

static void
success_is_remembered_until_a_run_begins(void **state)
{
	struct journal *j = open_it();
	struct err err;
	int i;

	(void)state;
	put(j, "a", "1");
	must(journal_close_done(j, &err), &err);
	assert_false(journal_put(j, "a", "2", &err));
	journal_free(j);
	for (i = 0; i < 2; i++) {
		j = open_it();
		assert_true(journal_last_succeeded(j));
		assert_false(journal_resumed(j));
		assert_null(journal_get(j, "a"));
		journal_free(j);
	}
	j = open_it();
	put(j, "a", "3");
	journal_free(j);
	j = open_it();
	assert_true(journal_resumed(j));
	assert_false(journal_last_succeeded(j));
	journal_free(j);
	assert_non_null(j = open_key(KEY, true, &err));
	assert_false(journal_resumed(j));
	assert_false(journal_last_succeeded(j));
	must(journal_close_done(j, &err), &err);
	journal_free(j);
	j = open_it();
	assert_true(journal_last_succeeded(j));
	journal_free(j);
}

/* Opens with one fingerprint over a journal begun with another; "" when that
 * is no conflict. */
static const char *
conflict(const char *const (*parts)[2], size_t n, bool restart)
{
	const struct journal_options o = {
		.folder = "s", .key = KEY, .fingerprint = parts,
		.n_fingerprint = n, .restart = restart,
	};
	static struct err err;
	struct journal *j;

	err_clear(&err);
	if ((j = journal_open(&o, &err)) != NULL) {
		journal_free(j);
		return "";
	}
	assert_int_equal(err.kind, ERR_CONFLICT);
	assert_non_null(strstr(err.hint, "--restart"));
	return err.message;
}

static void
a_different_fingerprint_is_named(void **state)
{
	static const char *const query[][2] = {
		{ "query", "{a:1}" }, { "rename", "a=b" }, { "rename", "c=d" } };
	static const char *const order[][2] = {
		{ "rename", "c=d" }, { "query", "{}" }, { "rename", "a=b" } };
	static const char *const mixed[][2] = {
		{ "rename", "c=d" }, { "rename", "a=b" }, { "query", "{}" },
		{ "rules", NULL } };
	struct journal *j = open_it();
	struct err err;
	const char *m;

	(void)state;
	put(j, "a", "1");
	journal_free(j);
	assert_string_equal(conflict(fingerprint, 3, false), "");
	m = conflict(query, 3, false);
	assert_non_null(strstr(m, "another query:"));
	m = conflict(order, 3, false);
	assert_non_null(strstr(m, "another rename:"));
	m = conflict(mixed, 4, false);
	assert_non_null(strstr(m, "another rename, rules:"));
	m = conflict(NULL, 0, false);
	assert_non_null(strstr(m, "query"));
	assert_non_null(strstr(m, "rename"));
	assert_string_equal(conflict(fingerprint, 3, false), "");
	/* Refused before it recorded anything: the old one can be resumed. */
	assert_string_equal(conflict(query, 3, true), "");
	assert_non_null(strstr(conflict(query, 3, false), "another query:"));
	j = open_it();
	assert_true(journal_resumed(j));
	journal_free(j);
	assert_non_null(j = open_key(KEY, true, &err));
	assert_false(journal_resumed(j));
	put(j, "b", "1");
	journal_free(j);
	j = open_it();
	assert_null(journal_get(j, "a"));
	journal_free(j);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, make_root, remove_root)
	const struct CMUnitTest tests[] = {
		TEST(nothing_is_written_before_the_first_record),
		TEST(keys_have_folders_of_their_own),
		TEST(the_default_place_follows_the_environment),
		TEST(the_file_is_as_described),
		TEST(the_last_value_counts),
		TEST(incomplete_lists_are_forgotten),
		TEST(a_bound_may_be_huge),
		TEST(success_is_remembered_until_a_run_begins),
		TEST(a_different_fingerprint_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
