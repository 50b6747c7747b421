/*
 * A repository in a folder: made, opened, added to, read, damaged.
 */
#include "repo_fixture.h"

static void
test_plain(void **state)
{
	struct repo *r = open_add(NULL, NULL);
	struct repo_session *s = new_session(r);
	struct repo_blob a, b;
	struct repo_counts counts;
	struct buf seen;
	char hex[65];
	uint8_t sum[32];

	(void)state;
	assert_true(repo_was_made(r));
	assert_false(repo_is_encrypted(r));
	assert_string_equal(repo_key_id(r), "");
	assert_int_equal(strlen(repo_id(r)), 32);
	assert_true(put(s, "one", &a));
	assert_false(put(s, "one", &b));
	assert_memory_equal(&a, &b, sizeof(a));
	/* sha256sum of "one" */
	hash_hex(a.name, 32, hex);
	assert_string_equal(hex, "7692c3ad3540bb803c020b3aee66cd8887123234"
	    "ea0c6e7143c0add73ff431ed");
	assert_string_equal(path_of(r, &a), "r/data/76/7692c3ad3540bb803c020b3a"
	    "ee66cd8887123234ea0c6e7143c0add73ff431ed.zst");
	read_whole(path_of(r, &a), &seen);
	assert_int_equal(seen.len, a.stored);
	assert_true(hash_sha256(seen.data, seen.len, sum));
	assert_memory_equal(sum, a.sha256, 32);
	buf_free(&seen);
	repo_counts(r, &counts);
	assert_int_equal(counts.blobs, 1);
	assert_int_equal(counts.bytes, a.stored);
	assert_int_equal(counts.added, 1);
	assert_int_equal(counts.added_bytes, a.stored);
	assert_blob(s, "", &a, "one");
	repo_session_free(s);
	repo_close(r);

	r = open_read(NULL);
	s = new_session(r);
	assert_false(repo_was_made(r));
	assert_blob(s, "", &a, "one");
	repo_session_free(s);
	repo_close(r);
	assert_int_equal(said.len, 0);
	/* For the owner alone, whatever the umask. */
	assert_int_equal(count_lines("find r -type d -perm 0700"), 3);
	assert_int_equal(count_lines("find r -type f -perm 0600"), 2);
	assert_int_equal(count_lines("find r"), 5);
}

static void
test_encrypted(void **state)
{
	struct repo *r = open_add(ann, NULL);
	struct repo_session *s = new_session(r);
	char key_id[REPO_KEY_ID_SIZE + 1], plain[65];
	struct repo_blob a;
	struct buf seen, out;
	uint8_t sum[32], name[32];
	struct err err;

	(void)state;
	assert_true(repo_is_encrypted(r));
	memcpy(key_id, repo_key_id(r), sizeof(key_id));
	assert_int_equal(strlen(key_id), 16);
	assert_true(put(s, "secret text", &a));
	/* The name tells nothing to who has no key. */
	assert_true(hash_sha256("secret text", 11, sum));
	assert_memory_not_equal(a.name, sum, 32);
	hash_hex(a.name, 32, plain);
	read_whole(path_of(r, &a), &seen);
	assert_int_equal(seen.len, a.stored);
	assert_memory_equal(seen.data, "age-encryption.org/v1\n", 22);
	buf_free(&seen);
	/* Who adds cannot read. */
	buf_init(&out, REPO_BLOB_MAX);
	assert_false(repo_get(s, key_id, a.name, &out, &err));
	assert_int_equal(err.kind, ERR_AUTH);
	assert_non_null(strstr(err.hint, "--identity"));
	repo_session_free(s);
	repo_close(r);

	/* On another machine: from the repository. */
	assert_int_equal(rename("state", "elsewhere"), 0);
	r = open_read(ann_key);
	s = new_session(r);
	assert_false(repo_get(s, key_id, a.name, &out, &err));
	assert_int_equal(err.kind, ERR_INTERNAL);
	assert_true(repo_load_key(r, key_id, &err));
	assert_blob(s, key_id, &a, "secret text");
	assert_true(repo_name_of(r, key_id, "secret text", 11, name, &err));
	assert_memory_equal(name, a.name, 32);
	assert_false(repo_load_key(r, "0123456789abcdef", &err));
	assert_int_equal(err.kind, ERR_NOT_FOUND);
	assert_false(repo_load_key(r, "../../etc/passwd", &err));
	assert_int_equal(err.kind, ERR_DAMAGED);
	repo_session_free(s);
	repo_close(r);

	r = open_read(bob_key);
	assert_false(repo_load_key(r, key_id, &err));
	assert_int_equal(err.kind, ERR_AUTH);
	repo_close(r);
	r = open_read(NULL);
	assert_false(repo_load_key(r, key_id, &err));
	assert_int_equal(err.kind, ERR_AUTH);
	repo_close(r);
	/* With the key, but as nobody who can read. */
	assert_int_equal(rename("elsewhere", "state"), 0);
	r = open_read(bob_key);
	s = new_session(r);
	assert_true(repo_load_key(r, key_id, &err));
	assert_false(repo_get(s, key_id, a.name, &out, &err));
	assert_int_equal(err.kind, ERR_AUTH);
	assert_non_null(strstr(err.message, plain));
	assert_int_equal(out.len, 0);
	buf_free(&out);
	repo_session_free(s);
	repo_close(r);
	assert_int_equal(count_lines("find state -type d -perm 0700"), 2);
	assert_int_equal(count_lines("find state -type f -perm 0600"), 1);
}

static void
test_mismatch(void **state)
{
	struct err err;

	(void)state;
	assert_null(try_open(false, NULL, NULL, &err));
	assert_int_equal(err.kind, ERR_NOT_FOUND);
	assert_int_not_equal(access("r", F_OK), 0);
	repo_close(open_add(NULL, NULL));
	assert_null(try_open(true, ann, NULL, &err));
	assert_int_equal(err.kind, ERR_CONFLICT);
	assert_non_null(strstr(err.message, "not encrypted"));
	shell("rm -r r");
	repo_close(open_add(ann, NULL));
	assert_null(try_open(true, NULL, NULL, &err));
	assert_int_equal(err.kind, ERR_CONFLICT);
	assert_non_null(strstr(err.hint, "--recipient"));
}

/* The folder's name and the key's, as they stand in state/keys. */
static unsigned
count_keys(void)
{

	return count_lines("ls state/keys");
}

static void
test_other_recipients(void **state)
{
	char first[REPO_KEY_ID_SIZE + 1];
	struct repo_session *s;
	struct repo_blob a, b;
	struct repo *r;
	struct err err;

	(void)state;
	r = open_add(ann, NULL);
	s = new_session(r);
	memcpy(first, repo_key_id(r), sizeof(first));
	assert_true(put(s, "same", &a));
	repo_session_free(s);
	repo_close(r);
	/* What bob cannot read does not count as there. */
	r = open_add(bob, NULL);
	s = new_session(r);
	assert_string_not_equal(repo_key_id(r), first);
	assert_true(put(s, "same", &b));
	assert_memory_not_equal(a.name, b.name, 32);
	repo_session_free(s);
	repo_close(r);
	assert_int_equal(count_keys(), 2);
	assert_int_equal(count_lines("ls r/keys"), 2);
	/* Both together, in any order, are a third. */
	assert_true(age_recipients_add(ann, BOB, &err));
	assert_true(age_recipients_add(bob, ANN, &err));
	repo_close(open_add(ann, NULL));
	repo_close(open_add(bob, NULL));
	assert_int_equal(count_keys(), 3);
	assert_int_equal(count_lines("ls r/keys"), 3);
}

static void
test_key_lost(void **state)
{
	struct repo *r = open_add(ann, NULL);
	struct repo_blob a, b;
	struct repo_session *s = new_session(r);
	char first[REPO_KEY_ID_SIZE + 1];

	(void)state;
	memcpy(first, repo_key_id(r), sizeof(first));
	put(s, "same", &a);
	repo_session_free(s);
	repo_close(r);
	assert_int_equal(said.len, 0);
	shell("rm -r state");
	r = open_add(ann, ann_key);
	s = new_session(r);
	assert_string_not_equal(repo_key_id(r), first);
	assert_non_null(strstr(buf_str(&said), "a new naming key was made"));
	assert_true(put(s, "same", &b));
	assert_blob(s, repo_key_id(r), &b, "same");
	repo_session_free(s);
	repo_close(r);
}

static void
test_key_environment(void **state)
{
	static const char hex[] = "000102030405060708090a0b0c0d0e0f"
	    "101112131415161718191a1b1c1d1e1f";
	char id[REPO_KEY_ID_SIZE + 1];
	struct err err;
	struct repo *r;

	(void)state;
	setenv("SPACEFERRY_NAMING_KEY", "0123secret", 1);
	assert_null(try_open(true, ann, NULL, &err));
	assert_int_equal(err.kind, ERR_USAGE);
	assert_null(strstr(err.message, "secret"));
	setenv("SPACEFERRY_NAMING_KEY", hex, 1);
	r = open_add(ann, NULL);
	memcpy(id, repo_key_id(r), sizeof(id));
	repo_close(r);
	r = open_add(ann, NULL);
	assert_string_equal(repo_key_id(r), id);
	repo_close(r);
	/* Bound to the recipients all the same. */
	r = open_add(bob, NULL);
	assert_string_not_equal(repo_key_id(r), id);
	repo_close(r);
	assert_int_not_equal(access("state", F_OK), 0);
	assert_int_equal(said.len, 0);
}

static void
test_key_places(void **state)
{
	struct repo_options options = { .url = "r", .create = true,
		.add = true, .recipients = ann, .key_folder = "s3://b/state" };
	char path[96];
	struct err err;
	struct repo *r;

	(void)state;
	assert_null(repo_open(&options, &err));
	assert_int_equal(err.kind, ERR_USAGE);
	assert_non_null(strstr(err.hint, "SPACEFERRY_NAMING_KEY"));
	options.key_folder = NULL;
	snprintf(path, sizeof(path), "%s/xdg", root);
	setenv("XDG_STATE_HOME", path, 1);
	assert_non_null(r = repo_open(&options, &err));
	repo_close(r);
	assert_int_equal(count_lines("ls xdg/spaceferry/keys"), 1);
	unsetenv("XDG_STATE_HOME");
	snprintf(path, sizeof(path), "file://%s/url", root);
	options.key_folder = path;
	assert_non_null(r = repo_open(&options, &err));
	repo_close(r);
	assert_int_equal(count_lines("ls url/keys"), 1);
	/* A damaged one is not passed over: its blobs would be stored anew. */
	shell("for f in url/keys/*; do echo x > $f; done");
	assert_null(repo_open(&options, &err));
	assert_int_equal(err.kind, ERR_DAMAGED);
}

static void
test_derive(void **state)
{
	uint8_t a[32], b[32], want[32];
	struct repo *r = open_add(NULL, NULL);
	struct err err;

	(void)state;
	/* printf 'label\0data' | openssl dgst -sha256 -hmac '' */
	assert_true(repo_derive(r, "label", "data", 4, a, &err));
	assert_true(hash_hmac_sha256("", 0, "label\0data", 10, want));
	assert_memory_equal(a, want, 32);
	repo_close(r);
	shell("rm -r r");
	r = open_add(ann, NULL);
	assert_true(repo_derive(r, "label", "data", 4, b, &err));
	assert_memory_not_equal(a, b, 32);
	assert_true(repo_derive(r, "label", NULL, 0, a, &err));
	assert_memory_not_equal(a, b, 32);
	repo_close(r);
	r = open_read(ann_key);
	assert_false(repo_derive(r, "label", "data", 4, a, &err));
	repo_close(r);
}

static void
test_sizes(void **state)
{
	struct repo *r = open_add(ann, ann_key);
	struct repo_session *s = new_session(r);
	uint8_t *data = malloc(REPO_BLOB_MAX + 1);
	struct repo_blob b;
	struct buf out;
	struct err err;
	bool fresh;

	(void)state;
	assert_non_null(data);
	assert_true(hash_random(data, REPO_BLOB_MAX + 1));
	assert_false(repo_put(s, data, 0, &b, &fresh, &err));
	assert_false(repo_put(s, data, REPO_BLOB_MAX + 1, &b, &fresh, &err));
	assert_true(repo_put(s, data, REPO_BLOB_MAX, &b, &fresh, &err));
	assert_true(fresh && b.stored > REPO_BLOB_MAX);
	buf_init(&out, REPO_BLOB_MAX);
	assert_true(repo_get(s, repo_key_id(r), b.name, &out, &err));
	assert_int_equal(out.len, REPO_BLOB_MAX);
	assert_memory_equal(out.data, data, out.len);
	buf_free(&out);
	free(data);
	repo_session_free(s);
	repo_close(r);
}

static void
test_place(void **state)
{
	static const struct {
		const char *prepare, *words;
		enum err_kind kind;	/* ERR_NONE: it is made */
	} cases[] = {
		{ "mkdir r", "", ERR_NONE },
		{ "mkdir -p r/data/ab r/partial", "", ERR_NONE },
		{ "mkdir r && echo x > r/notes.txt", "notes.txt",
		    ERR_CONFLICT },
		{ "mkdir -p r/snapshots && ln -s /etc/passwd r/snapshots/a",
		    "snapshots/a", ERR_CONFLICT },
		{ "mkdir r && echo '{\"a\":1}' > r/config", "something else",
		    ERR_CONFLICT },
		{ "mkdir r && head -c 155 /dev/urandom > r/config",
		    "something else", ERR_CONFLICT },
		{ "mkdir r && : > r/config", "damaged", ERR_DAMAGED },
		{ "mkdir r && echo '{\"format\":\"spaceferry repository\",' "
		    "> r/config", "damaged", ERR_DAMAGED },
		{ "mkdir r && echo '{\"format\":\"spaceferry repository\","
		    "\"version\":1,\"id\":\"xx\",\"encrypted\":false}' "
		    "> r/config", "damaged", ERR_DAMAGED },
		{ "mkdir r && echo '{\"format\":\"spaceferry repository\","
		    "\"version\":2}' > r/config", "version 2",
		    ERR_UNSUPPORTED },
		{ "mkdir r && head -c 100000 /dev/zero > r/config",
		    "something else", ERR_CONFLICT },
		{ "mkdir -p r/data/ab && echo > r/data/ab/ab.zst.age",
		    "lost its config", ERR_CONFLICT },
	};
	struct repo *r;
	struct err err;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		shell(cases[i].prepare);
		r = try_open(true, NULL, NULL, &err);
		if (r != NULL)
			err_clear(&err);
		assert_int_equal(err.kind, cases[i].kind);
		if (strstr(err.message, cases[i].words) == NULL)
			fail_msg("%s: %s", cases[i].prepare, err.message);
		repo_close(r);
		shell("rm -r r");
	}
}

static bool
tell(void *arg, const uint8_t name[REPO_NAME_SIZE], uint64_t size,
    struct err *err)
{

	(void)name;
	(void)err;
	return buf_printf(arg, "blob %d\n", (int)size);
}

static bool
tell_odd(void *arg, const char *key, uint64_t size, struct err *err)
{

	(void)err;
	return buf_printf(arg, "%s %d\n", key, (int)size);
}

static void
test_list(void **state)
{
	struct repo *r = open_add(NULL, NULL);
	struct repo_session *s = new_session(r);
	struct repo_listing l = { tell, tell_odd, NULL };
	char text[256];
	struct repo_blob a;
	struct buf out;
	struct err err;
	uint8_t name[32];

	(void)state;
	buf_init(&out, 4096);
	l.arg = &out;
	assert_true(repo_list(s, &l, &err));
	assert_int_equal(out.len, 0);
	put(s, "one", &a);
	shell("mkdir -p r/data/zz && echo x > r/data/zz/notes && "
	    "echo xy > r/data/76/7692.zst && echo > r/other");
	assert_true(repo_list(s, &l, &err));
	snprintf(text, sizeof(text), "data/76/7692.zst 3\nblob %d\n"
	    "data/zz/notes 2\n", (int)a.stored);
	assert_string_equal(buf_str(&out), text);
	l.odd = NULL;
	assert_true(repo_list(s, &l, &err));
	assert_true(repo_object_parse(r, path_of(r, &a) + 2, name));
	assert_memory_equal(name, a.name, 32);
	snprintf(text, sizeof(text), "%s.age", path_of(r, &a) + 2);
	assert_false(repo_object_parse(r, text, name));
	snprintf(text, sizeof(text), "%s", path_of(r, &a) + 2);
	text[5] = '8';
	assert_false(repo_object_parse(r, text, name));
	snprintf(text, sizeof(text), "%s", path_of(r, &a) + 2);
	*strchr(text, 'c') = 'C';
	assert_false(repo_object_parse(r, text, name));
	assert_false(repo_object_parse(r, "", name));
	buf_free(&out);
	repo_session_free(s);
	repo_close(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_plain, setup, teardown),
		cmocka_unit_test_setup_teardown(test_encrypted, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_mismatch, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_other_recipients, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_key_lost, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_key_environment, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_key_places, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_derive, setup, teardown),
		cmocka_unit_test_setup_teardown(test_sizes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_place, setup, teardown),
		cmocka_unit_test_setup_teardown(test_list, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
