#include "state_files.h"

#include "state/manifest.h"

#define FIXTURES SF_FIXTURES "/state/"
#define FILE_NAME "m"

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

static void
entries_outlive_the_run(void **state)
{
	struct manifest_entry e = {0};
	struct manifest *m = open_it();
	struct err err;
	int i;

	(void)state;
	assert_int_equal(mode_of(FILE_NAME), 0600);
	assert_false(manifest_get(m, "a", &e));
	must(manifest_remove(m, "a", &err), &err);
	put(m, "a", 1);
	put(m, "b", 2);
	put(m, "\xff not UTF-8", 3);
	put(m, "", 4);
	put(m, "a", 5);
	must(manifest_remove(m, "b", &err), &err);
	memset(e.etag, 'e', sizeof(e.etag) - 1);
	memset(e.headers, 'h', sizeof(e.headers) - 1);
	must(manifest_put(m, "long", &e, &err), &err);
	for (i = 0; i < 2; i++) {
		assert_int_equal(manifest_count(m), 4);
		assert_has(m, "a", 5);
		assert_has(m, "\xff not UTF-8", 3);
		assert_has(m, "", 4);
		assert_false(manifest_get(m, "b", &e));
		memset(&e, 0, sizeof(e));
		memset(e.etag, 'e', sizeof(e.etag) - 1);
		memset(e.headers, 'h', sizeof(e.headers) - 1);
		assert_entry(m, "long", &e);
		manifest_free(m);
		m = open_it();
	}
	put(m, "b", 6);
	assert_int_equal(manifest_count(m), 5);
	assert_has(m, "b", 6);
	/* Longer, shorter, longer: the place of an entry changes or not. */
	memset(&e, 0, sizeof(e));
	for (i = 0; i < 6; i++) {
		static const int lens[] = { 255, 0, 34, 100, 40, 255 };

		memset(e.etag, 0, sizeof(e.etag));
		memset(e.etag, 'a' + i, (size_t)lens[i]);
		must(manifest_put(m, "a", &e, &err), &err);
		assert_entry(m, "a", &e);
		assert_has(m, "b", 6);
		assert_int_equal(manifest_count(m), 5);
	}
	manifest_free(m);
	manifest_free(NULL);
}

static void
uploads_are_for_their_contents(void **state)
{
	const struct manifest_entry one = entry(1), two = entry(2);
	struct manifest *m = open_it();
	struct err err;
	char id[600], small[6];
	int i;

	(void)state;
	must(manifest_put_upload(m, "k", "", NULL, &err), &err);
	must(manifest_put_upload(m, "k", "first", &two, &err), &err);
	must(manifest_put_upload(m, "k", "second", &one, &err), &err);
	must(manifest_put_upload(m, "gone", "third", &one, &err), &err);
	must(manifest_put_upload(m, "gone", "", &one, &err), &err);
	memset(id, 'u', sizeof(id));
	id[sizeof(id) - 1] = '\0';
	must(manifest_put_upload(m, "long", id, &two, &err), &err);
	for (i = 0; i < 2; i++) {
		assert_int_equal(manifest_count(m), 0);
		assert_false(manifest_get_upload(m, "k", two.sha256, id,
		    sizeof(id)));
		assert_false(manifest_get_upload(m, "k", one.sha256, small,
		    sizeof(small)));
		assert_true(manifest_get_upload(m, "k", one.sha256, id,
		    sizeof(id)));
		assert_string_equal(id, "second");
		assert_false(manifest_get_upload(m, "gone", one.sha256, id,
		    sizeof(id)));
		assert_true(manifest_get_upload(m, "long", two.sha256, id,
		    sizeof(id)));
		assert_int_equal(strspn(id, "u"), sizeof(id) - 1);
		manifest_free(m);
		m = open_it();
	}
	manifest_free(m);
}

static void
the_file_is_as_described(void **state)
{
	struct manifest_entry e = {
		.size = 10, .mtime_ns = 1700000000000000001, .sent_size = 12,
		.sent_mtime_ns = -5, .etag = "\"abc-2\"",
		.headers = "deadbeef",
	};
	struct manifest_entry other = {0}, gone = {0};
	struct manifest *m = open_it();
	struct buf want, got;
	struct err err;
	char id[16];

	(void)state;
	memset(e.sha256, 0x11, sizeof(e.sha256));
	memset(gone.sha256, 0x33, sizeof(gone.sha256));
	must(manifest_put(m, "a/é.png", &e, &err), &err);
	must(manifest_put(m, "gone", &gone, &err), &err);
	memset(other.sha256, 0x22, sizeof(other.sha256));
	must(manifest_put_upload(m, "b", "2~xyz", &other, &err), &err);
	memset(other.sha256, 0x44, sizeof(other.sha256));
	must(manifest_put_upload(m, "d", "left", &other, &err), &err);
	must(manifest_put_upload(m, "b", "", NULL, &err), &err);
	must(manifest_remove(m, "gone", &err), &err);
	manifest_free(m);
	slurp(FIXTURES "manifest", &want);
	slurp(FILE_NAME, &got);
	assert_string_equal(buf_str(&got), buf_str(&want));

	spill(FILE_NAME, want.data, want.len);
	m = open_it();
	assert_int_equal(manifest_count(m), 1);
	assert_entry(m, "a/é.png", &e);
	assert_true(manifest_get_upload(m, "d", other.sha256, id, sizeof(id)));
	assert_string_equal(id, "left");
	manifest_free(m);
	buf_free(&want);
	buf_free(&got);
}

static void
a_cut_manifest_keeps_what_it_has(void **state)
{
	struct manifest_entry e;
	struct manifest *m = open_it();
	struct buf whole;
	size_t len, n;
	char key[8];
	unsigned i;

	(void)state;
	for (i = 0; i < 5; i++)
		put(m, (const char *[]){ "k0", "k1", "k2", "k3", "k4" }[i], i);
	manifest_free(m);
	slurp(FILE_NAME, &whole);
	for (len = 0; len <= whole.len; len++) {
		spill(FILE_NAME, whole.data, len);
		n = count_newlines(whole.data, len);
		n = n == 0 ? 0 : n - 1;
		m = open_it();
		assert_int_equal(manifest_count(m), n);
		for (i = 0; i < 5; i++) {
			snprintf(key, sizeof(key), "k%u", i);
			if (i < n)
				assert_has(m, key, i);
			else
				assert_false(manifest_get(m, key, &e));
		}
		put(m, "more", 9);
		manifest_free(m);
		m = open_it();
		assert_int_equal(manifest_count(m), n + 1);
		assert_has(m, "more", 9);
		manifest_free(m);
	}
	buf_free(&whole);
}

static void
a_flipped_byte_is_damage(void **state)
{
	struct manifest *m = open_it();
	struct buf whole;
	struct err err;
	size_t i, last;

	(void)state;
	put(m, "a", 1);
	put(m, "b", 2);
	put(m, "c", 3);
	manifest_free(m);
	slurp(FILE_NAME, &whole);
	last = whole.len - 1;
	while (whole.data[last - 1] != '\n')
		last--;
	for (i = 0; i < last - 1; i++) {
		whole.data[i] ^= 1;
		spill(FILE_NAME, whole.data, whole.len);
		whole.data[i] ^= 1;
		assert_null(manifest_open(here(), FILE_NAME, &err));
		assert_int_equal(err.kind, ERR_DAMAGED);
		assert_non_null(strstr(err.message, FILE_NAME " is damaged"));
		assert_non_null(strstr(err.hint, "move this file away"));
	}
	buf_free(&whole);
}

static void
looking_changes_nothing(void **state)
{
	struct manifest *m, *other = open_it();
	struct manifest_entry e = entry(1);
	struct buf before, after;
	struct err err;

	(void)state;
	put(other, "a", 1);
	manifest_free(other);
	slurp(FILE_NAME, &before);
	assert_true(buf_append_str(&before, "{\"torn"));
	spill(FILE_NAME, before.data, before.len);
	assert_non_null(m = manifest_read(here(), FILE_NAME, &err));
	assert_has(m, "a", 1);
	assert_false(manifest_put(m, "b", &e, &err));
	assert_int_equal(err.kind, ERR_INTERNAL);
	assert_false(manifest_remove(m, "a", &err));
	assert_false(manifest_put_upload(m, "a", "id", &e, &err));
	assert_false(manifest_sync(m, &err));
	assert_int_equal(manifest_count(m), 1);
	manifest_free(m);
	slurp(FILE_NAME, &after);
	assert_string_equal(buf_str(&after), buf_str(&before));
	assert_non_null(m = manifest_read(here(), "none", &err));
	assert_int_equal(manifest_count(m), 0);
	manifest_free(m);
	assert_false(exists("none"));
	buf_free(&before);
	buf_free(&after);
}


static void
stale_lines_are_compacted_away(void **state)
{
	const struct manifest_entry up = entry(77);
	struct manifest *m = open_it();
	char key[16], id[16];
	struct err err;
	unsigned i, k;
	off_t before;

	(void)state;
	for (i = 0; i < 300; i++)
		must(manifest_put_upload(m, "u", i < 299 ? "x" : "kept", &up,
		    &err), &err);
	must(manifest_put_upload(m, "v", "dropped", &up, &err), &err);
	must(manifest_put_upload(m, "v", "", NULL, &err), &err);
	for (i = 0; i < 300; i++) {
		for (k = 0; k < 10; k++) {
			snprintf(key, sizeof(key), "k%u", k);
			put(m, key, i * 10 + k);
		}
	}
	must(manifest_remove(m, "k3", &err), &err);
	before = file_size(FILE_NAME);
	must(manifest_sync(m, &err), &err);
	assert_true(file_size(FILE_NAME) * 100 < before);
	put(m, "after", 5);
	for (i = 0; i < 2; i++) {
		assert_int_equal(manifest_count(m), 10);
		for (k = 0; k < 10; k++) {
			snprintf(key, sizeof(key), "k%u", k);
			if (k != 3)
				assert_has(m, key, 2990 + k);
		}
		assert_has(m, "after", 5);
		assert_true(manifest_get_upload(m, "u", up.sha256, id,
		    sizeof(id)));
		assert_string_equal(id, "kept");
		assert_false(manifest_get_upload(m, "v", up.sha256, id,
		    sizeof(id)));
		manifest_free(m);
		m = open_it();
	}
	before = file_size(FILE_NAME);
	for (i = 0; i < 100; i++)
		put(m, "after", i);
	must(manifest_sync(m, &err), &err);
	assert_true(file_size(FILE_NAME) > before); /* few stale lines stay */
	manifest_free(m);
	assert_int_equal(mode_of(FILE_NAME), 0600);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, make_root, remove_root)
	const struct CMUnitTest tests[] = {
		TEST(entries_outlive_the_run),
		TEST(uploads_are_for_their_contents),
		TEST(the_file_is_as_described),
		TEST(a_cut_manifest_keeps_what_it_has),
		TEST(a_flipped_byte_is_damage),
		TEST(looking_changes_nothing),
		TEST(stale_lines_are_compacted_away),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
