/* The journal when things went wrong: cut and damaged files, killed runs. */
#include <limits.h>
#include <signal.h>

#include "state_files.h"

#include "state/journal.h"

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

static const char *
path_in(const struct journal *j, const char *name)
{
	static char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", place_path(journal_place(j)), name);
	return path;
}

/* --- cut and flipped --- */

#define STEPS 12

/* Does one thing; every record has a number of its own in it. */
static bool
step(struct journal *j, int i, struct err *err)
{
	static const uint8_t bounds[] = "\0\n\xff";
	struct journal_part part = {
		.low = bounds, .low_len = 3, .high = bounds, .high_len = 2,
		.tally = { (uint64_t)i, 100, { 7, (uint64_t)i } },
		.counters = { (uint64_t)i },
	};
	char value[16];

	snprintf(value, sizeof(value), "value %d", i);
	switch (i) {
	case 1: case 2: case 3:
		return journal_add_part(j, "a.b", &part, err);
	case 4:
		return journal_parts_complete(j, "a.b", err);
	case 5:
		return journal_part_done(j, "a.b", 2, &part, err);
	case 6:
		return journal_part_done(j, "a.b", 0, &part, err);
	case 7:
		return journal_part_reopen(j, "a.b", 2, err);
	case 9:
		return journal_part_done(j, "a.b", 1, &part, err);
	case 10:
		return journal_forget_parts(j, "a.b", err);
	case 11:
		return journal_add_part(j, "a.b", &part, err);
	default:
		return journal_put(j, i == 8 ? "other" : "fact", value, err);
	}
}

/* All that a journal tells, as text. */
static void
describe(struct journal *j, struct buf *b)
{
	const char *fact = journal_get(j, "fact"), *other =
	    journal_get(j, "other");
	struct journal_part p;
	size_t i;

	buf_reset(b);
	assert_true(buf_printf(b, "%d %s %s %d %zu", journal_resumed(j),
	    fact == NULL ? "-" : fact, other == NULL ? "-" : other,
	    journal_has_parts(j, "a.b"), journal_count_parts(j, "a.b")));
	for (i = 0; journal_get_part(j, "a.b", i, &p); i++)
		assert_true(buf_printf(b, " %zu,%zu,%d,%d,%d,%d", p.low_len,
		    p.high_len, p.done, (int)p.tally.count,
		    (int)p.tally.digest.low, (int)p.counters[0]));
}

/* want[k]: what is to be seen after a run that ended after k records. */
static void
make_expectations(struct buf want[STEPS + 1])
{
	struct journal *j;
	struct err err;
	int i, k;

	for (k = 0; k <= STEPS; k++) {
		assert_non_null(j = open_in("s", true, &err));
		for (i = 0; i < k; i++)
			must(step(j, i, &err), &err);
		journal_free(j);
		j = open_it();
		buf_init(&want[k], 4096);
		describe(j, &want[k]);
		/* Partitions of a list that is not complete do not show. */
		if (k > 0 && (k < 2 || k > 4) && k != STEPS)
			assert_string_not_equal(buf_str(&want[k]),
			    buf_str(&want[k - 1]));
		journal_free(j);
	}
}

static void
a_cut_journal_resumes_with_what_it_has(void **state)
{
	struct buf want[STEPS + 1], whole, got;
	struct journal *j;
	struct err err;
	size_t len, k;
	char *path;

	(void)state;
	make_expectations(want);
	j = open_it();
	path = strdup(path_in(j, "journal"));
	journal_free(j);
	slurp(path, &whole);
	assert_int_equal(count_newlines(whole.data, whole.len), STEPS + 1);
	buf_init(&got, 4096);
	for (len = 0; len <= whole.len; len++) {
		spill(path, whole.data, len);
		k = count_newlines(whole.data, len);
		k = k == 0 ? 0 : k - 1;
		j = open_it();
		describe(j, &got);
		assert_string_equal(buf_str(&got), buf_str(&want[k]));
		/* What is added now stands behind what was whole. */
		must(journal_put(j, "fact", "on", &err), &err);
		describe(j, &got);
		journal_free(j);
		j = open_it();
		assert_string_equal(journal_get(j, "fact"), "on");
		if (len > 200 && len % 16 == 0) {
			struct buf again;

			buf_init(&again, 4096);
			describe(j, &again);
			assert_string_equal(buf_str(&again) + 1,
			    buf_str(&got) + 1);
			buf_free(&again);
		}
		journal_free(j);
	}
	for (k = 0; k <= STEPS; k++)
		buf_free(&want[k]);
	buf_free(&whole);
	buf_free(&got);
	free(path);
}

static void
leftovers_of_replacements_are_swept(void **state)
{
	static const char left[] = "/.spaceferry-tmp-0123456789abcdef";
	static const char other[] = "/.spaceferry-tmp-notes";
	struct journal *j = open_it();
	char folder[200], path[300];

	(void)state;
	snprintf(folder, sizeof(folder), "%s", place_path(journal_place(j)));
	journal_free(j);
	snprintf(path, sizeof(path), "%s%s", folder, left);
	spill(path, "x", 1);
	snprintf(path, sizeof(path), "%s%s", folder, other);
	spill(path, "x", 1);
	journal_free(open_it());
	assert_true(exists(path));
	snprintf(path, sizeof(path), "%s%s", folder, left);
	assert_false(exists(path));
}

static void
a_flipped_byte_is_damage(void **state)
{
	struct journal *j = open_it();
	struct buf whole, before, got;
	size_t i, last, line;
	char *path, text[40];
	struct err err;

	(void)state;
	for (i = 0; i < STEPS; i++)
		must(step(j, (int)i, &err), &err);
	path = strdup(path_in(j, "journal"));
	journal_free(j);
	slurp(path, &whole);
	buf_init(&before, 4096);
	buf_init(&got, 4096);
	last = whole.len - 1;
	while (whole.data[last - 1] != '\n')
		last--;
	spill(path, whole.data, last);
	j = open_it();
	describe(j, &before);
	journal_free(j);
	for (i = 0; i < whole.len; i++) {
		line = count_newlines(whole.data, i) + 1;
		whole.data[i] ^= 1;
		spill(path, whole.data, whole.len);
		whole.data[i] ^= 1;
		/* Without its newline the last line but one takes the last
		 * with it; both are then a torn last line. */
		if (i < last - 1) {
			assert_null(j = open_in("s", false, &err));
			assert_int_equal(err.kind, ERR_DAMAGED);
			assert_non_null(strstr(err.message, path));
			snprintf(text, sizeof(text), "line %zu:", line);
			assert_non_null(strstr(err.message, text));
			assert_non_null(strstr(err.hint, "--restart"));
		} else if (i >= last) {
			j = open_it();
			describe(j, &got);
			assert_string_equal(buf_str(&got), buf_str(&before));
			journal_free(j);
		}
	}
	whole.data[5] ^= 1;
	spill(path, whole.data, whole.len);
	assert_non_null(j = open_in("s", true, &err));
	assert_false(journal_resumed(j));
	journal_free(j);
	buf_free(&before);
	buf_free(&got);
	buf_free(&whole);
	free(path);
}

/* A whole line around json, as another program might write it. */
static void
add_line(struct buf *b, const char *json)
{
	uint8_t sha256[HASH_SHA256_SIZE];
	char hex[17];

	assert_true(hash_sha256(json, strlen(json), sha256));
	hash_hex(sha256, 8, hex);
	assert_true(buf_printf(b, "%s\t%s\n", json, hex));
}

static void
nonsense_with_good_checksums_is_damage(void **state)
{
	static const char *const bad[] = {
		"{}", "[]", "1", "{\"op\":\"sing\",\"ns\":\"a.b\"}",
		"{\"op\":\"put\",\"name\":\"x\"}",
		"{\"op\":\"put\",\"name\":{\"hex\":\"f\"},\"value\":\"\"}",
		"{\"op\":\"put\",\"name\":\"x\",\"name\":\"y\",\"value\":\"\"}",
		"{\"op\":\"done\",\"ns\":\"a.b\",\"n\":0}",
		"{\"op\":\"reopen\",\"ns\":\"a.b\",\"n\":-1}",
		"{\"op\":\"reopen\",\"ns\":\"a.b\",\"n\":0}",
		"{\"op\":\"part\",\"ns\":\"a.b\",\"n\":1}",
		"{\"op\":\"part\",\"ns\":\"a.b\",\"n\":0,\"low\":\"0g\"}",
		"{\"op\":\"part\",\"n\":0}", "{\"op\":\"put\"", "",
	};
	struct journal *j = open_it();
	struct buf b;
	struct err err;
	char *path, *first;
	size_t i;

	(void)state;
	must(journal_put(j, "a", "1", &err), &err);
	path = strdup(path_in(j, "journal"));
	journal_free(j);
	slurp(path, &b);
	*strchr((char *)(uintptr_t)buf_str(&b), '\n') = '\0';
	first = strdup(buf_str(&b));
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		buf_reset(&b);
		assert_true(buf_printf(&b, "%s\n", first));
		add_line(&b, bad[i]);
		add_line(&b, "{\"op\":\"put\",\"name\":\"x\",\"value\":\"y\"}");
		spill(path, b.data, b.len);
		assert_null(open_in("s", false, &err));
		assert_int_equal(err.kind, ERR_DAMAGED);
		assert_non_null(strstr(err.message, "line 2:"));
	}
	buf_reset(&b);
	add_line(&b, "{\"format\":2,\"type\":\"spaceferry journal\"}");
	spill(path, b.data, b.len);
	assert_null(open_in("s", false, &err));
	assert_int_equal(err.kind, ERR_UNSUPPORTED);
	buf_reset(&b);
	add_line(&b, "{\"format\":1,\"type\":\"spaceferry manifest\"}");
	spill(path, b.data, b.len);
	assert_null(open_in("s", false, &err));
	assert_int_equal(err.kind, ERR_DAMAGED);
	buf_free(&b);
	free(first);
	free(path);
}

/* --- the lock --- */

static void
another_run_is_named_until_it_is_killed(void **state)
{
	int fds[2], status;
	char byte, text[32];
	struct journal *j;
	struct err err;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(fds), 0);
	if ((pid = fork()) == 0) {
		j = open_in("s", false, &err);
		byte = j != NULL && journal_put(j, "a", "1", &err) ? 'y' : 'n';
		(void)!write(fds[1], &byte, 1);
		for (;;)
			pause();
	}
	assert_true(pid > 0);
	assert_int_equal(read(fds[0], &byte, 1), 1);
	assert_int_equal(byte, 'y');
	assert_null(open_in("s", false, &err));
	assert_int_equal(err.kind, ERR_LOCKED);
	snprintf(text, sizeof(text), "(pid %ld)", (long)pid);
	assert_non_null(strstr(err.message, text));
	assert_null(open_in("s", true, &err));
	assert_int_equal(err.kind, ERR_LOCKED);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	j = open_it();
	assert_true(journal_resumed(j));
	assert_string_equal(journal_get(j, "a"), "1");
	assert_null(open_in("s", false, &err));
	assert_int_equal(err.kind, ERR_LOCKED);
	journal_free(j);
	close(fds[0]);
	close(fds[1]);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, make_root, remove_root)
	const struct CMUnitTest tests[] = {
		TEST(a_cut_journal_resumes_with_what_it_has),
		TEST(leftovers_of_replacements_are_swept),
		TEST(a_flipped_byte_is_damage),
		TEST(nonsense_with_good_checksums_is_damage),
		TEST(another_run_is_named_until_it_is_killed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
