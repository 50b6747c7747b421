/*
 * What a repository knows to be there: the listing, snapshots, notes of
 * interrupted runs; sessions that store the same at one time; damage.
 */
#include <pthread.h>

#include "repo_fixture.h"

static void
assert_counts(struct repo *r, uint64_t blobs, uint64_t added)
{
	struct repo_counts c;

	repo_counts(r, &c);
	assert_int_equal(c.blobs, blobs);
	assert_int_equal(c.added, added);
}

/* A repository with two snapshots: {a, b} and, younger, {b, c}. */
static void
two_snapshots(struct repo *r, struct repo_blob b[3])
{
	struct repo_session *s = new_session(r);
	struct snapshot done;

	put(s, "aaaa", &b[0]);
	put(s, "bbbb", &b[1]);
	put(s, "cccc", &b[2]);
	make_snapshot(r, T0, &b[0], 2, &done);
	snapshot_free(&done);
	make_snapshot(r, T0 + 3600 * SECOND, &b[1], 2, &done);
	snapshot_free(&done);
	repo_session_free(s);
}

static void
test_known(void **state)
{
	const struct age_recipients *who[] = { NULL, ann };
	struct repo_blob b[3], again;
	struct repo_session *s;
	struct repo *r;
	size_t i;

	(void)state;
	for (i = 0; i < 2; i++) {
		r = open_add(who[i], NULL);
		two_snapshots(r, b);
		repo_close(r);
		r = open_add(who[i], NULL);
		s = new_session(r);
		/* Four: the line of details is one. */
		assert_counts(r, 4, 0);
		assert_false(put(s, "cccc", &again));
		assert_memory_equal(&again, &b[2], sizeof(again));
		/* In the older one only. */
		assert_false(put(s, "aaaa", &again));
		assert_memory_equal(&again, &b[0], sizeof(again));
		assert_true(put(s, "dddd", &again));
		assert_counts(r, 5, 1);
		repo_session_free(s);
		repo_close(r);
		shell("rm -r r");
	}
	assert_int_equal(said.len, 0);
}

static ino_t
inode(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_ino;
}

/* In the listing, recorded nowhere: the same bytes again, so it stays. */
static void
test_only_listed(void **state)
{
	const struct age_recipients *who[] = { NULL, ann };
	struct repo_session *s;
	struct repo_blob a, b;
	struct repo *r;
	char path[128];
	ino_t ino;
	size_t i;

	(void)state;
	for (i = 0; i < 2; i++) {
		r = open_add(who[i], NULL);
		s = new_session(r);
		put(s, "text", &a);
		snprintf(path, sizeof(path), "%s", path_of(r, &a));
		repo_session_free(s);
		repo_close(r);
		ino = inode(path);
		r = open_add(who[i], NULL);
		s = new_session(r);
		assert_false(put(s, "text", &b));
		assert_memory_equal(&a, &b, sizeof(a));
		assert_counts(r, 1, 0);
		assert_true(inode(path) == ino);
		repo_session_free(s);
		repo_close(r);
		assert_int_equal(said.len, 0);
		/* What is not what it should be is stored anew. */
		write_whole(path, "no blob", 7);
		r = open_add(who[i], ann_key);
		s = new_session(r);
		assert_true(put(s, "text", &b));
		assert_memory_equal(&a, &b, sizeof(a));
		assert_counts(r, 1, 1);
		assert_blob(s, repo_key_id(r), &b, "text");
		repo_session_free(s);
		repo_close(r);
		assert_non_null(strstr(buf_str(&said), "is stored anew"));
		buf_reset(&said);
		shell("rm -r r");
	}
}

/* Recorded with another size than listed. */
static void
test_cut(void **state)
{
	struct repo *r = open_add(ann, NULL);
	struct repo_blob b[3], again;
	struct repo_session *s;

	(void)state;
	two_snapshots(r, b);
	assert_int_equal(truncate(path_of(r, &b[1]), 20), 0);
	repo_close(r);
	r = open_add(ann, ann_key);
	s = new_session(r);
	assert_true(put(s, "bbbb", &again));
	assert_memory_equal(&again, &b[1], sizeof(again));
	assert_blob(s, repo_key_id(r), &b[1], "bbbb");
	repo_session_free(s);
	repo_close(r);
}

/* Stored by another run since the listing was read. */
static void
test_meanwhile(void **state)
{
	struct repo *one = open_add(ann, NULL), *two = open_add(ann, NULL);
	struct repo_session *s = new_session(one), *t = new_session(two);
	struct repo_blob a, b;

	(void)state;
	assert_true(put(s, "text", &a));
	assert_false(put(t, "text", &b));
	assert_memory_equal(&a, &b, sizeof(a));
	assert_counts(two, 1, 0);
	/* One that is damaged by then is mended. */
	assert_true(put(s, "more", &a));
	write_whole(path_of(one, &a), "x", 1);
	assert_true(put(t, "more", &b));
	assert_memory_equal(&a, &b, sizeof(a));
	repo_session_free(s);
	repo_session_free(t);
	repo_close(one);
	repo_close(two);
}

/* Other bytes of the same contents, as another zstd makes them, stay when a
 * snapshot records them. */
static void
test_other_writer(void **state)
{
	struct repo *one = open_add(NULL, NULL), *two = open_add(NULL, NULL);
	struct repo_session *s = new_session(one), *t = new_session(two);
	struct repo_blob a, b;
	struct snapshot done;
	char command[256];
	struct buf theirs;
	uint8_t sum[32];

	(void)state;
	assert_true(put(s, "text text text text", &a));
	snprintf(command, sizeof(command), "printf 'text text text text' > t "
	    "&& zstd -qf --no-check t -o t.zst && cat t.zst > %s",
	    path_of(one, &a));
	shell(command);
	read_whole("t.zst", &theirs);
	assert_true(hash_sha256(theirs.data, theirs.len, sum));
	assert_memory_not_equal(sum, a.sha256, 32);
	/* Nobody has recorded them: ours take their place. */
	assert_true(put(t, "text text text text", &b));
	assert_memory_equal(&a, &b, sizeof(a));
	assert_non_null(strstr(buf_str(&said), "stored anew"));
	buf_reset(&said);
	repo_session_free(t);
	repo_close(two);
	shell("rm r/data/*/*");
	two = open_add(NULL, NULL);
	t = new_session(two);
	shell(command);
	a.stored = theirs.len;
	memcpy(a.sha256, sum, 32);
	make_snapshot(one, T0, &a, 1, &done);
	snapshot_free(&done);
	assert_false(put(t, "text text text text", &b));
	assert_memory_equal(&a, &b, sizeof(a));
	assert_counts(two, 1, 0);
	assert_int_equal(said.len, 0);
	buf_free(&theirs);
	repo_session_free(t);
	repo_session_free(s);
	repo_close(two);
	repo_close(one);
}

#define THREADS 4
#define TEXTS 60

struct racer {
	pthread_t thread;
	struct repo *repo;
	unsigned fresh, failed;
};

static void *
race(void *arg)
{
	struct racer *c = arg;
	struct repo_session *s;
	struct repo_blob b;
	struct err err;
	char text[32];
	unsigned i;
	bool fresh;

	if ((s = repo_session_new(c->repo, &err)) == NULL) {
		c->failed++;
		return NULL;
	}
	for (i = 0; i < TEXTS; i++) {
		snprintf(text, sizeof(text), "text %u", i);
		if (!repo_put(s, text, strlen(text), &b, &fresh, &err) ||
		    !repo_note_progress(s, i % 16 == 0, &err))
			c->failed++;
		c->fresh += fresh;
	}
	repo_session_free(s);
	return NULL;
}

static void
test_race(void **state)
{
	struct racer racers[THREADS];
	struct repo_session *s;
	struct repo *r = open_add(ann, NULL);
	struct repo_blob b;
	struct snapshot done;
	unsigned fresh = 0;
	char text[32];
	size_t i;

	(void)state;
	/* Some are in the listing and in a snapshot that is read meanwhile. */
	s = new_session(r);
	for (i = 0; i < TEXTS; i += 2) {
		snprintf(text, sizeof(text), "text %zu", i);
		put(s, text, &b);
		make_snapshot(r, T0 + (int64_t)i * SECOND, &b, 1, &done);
		snapshot_free(&done);
	}
	repo_session_free(s);
	repo_close(r);
	r = open_add(ann, NULL);
	for (i = 0; i < THREADS; i++) {
		racers[i] = (struct racer){ .repo = r };
		assert_int_equal(pthread_create(&racers[i].thread, NULL, race,
		    &racers[i]), 0);
	}
	for (i = 0; i < THREADS; i++) {
		pthread_join(racers[i].thread, NULL);
		assert_int_equal(racers[i].failed, 0);
		fresh += racers[i].fresh;
	}
	assert_int_equal(fresh, TEXTS / 2);
	assert_counts(r, TEXTS + 1, TEXTS / 2);
	repo_close(r);
	assert_int_equal(count_lines("find r/data -type f"), TEXTS + 1);
	assert_int_equal(said.len, 0);
}

/* --- reading what was damaged --- */

#define TEXT "one text of some length, of some length"

/* Damaged, or of no consequence: a bit that says nothing. */
static unsigned
count_flips(const char *path, struct buf *good, const struct repo_blob *b)
{
	struct repo *r = open_read(NULL);
	struct repo_session *s = new_session(r);
	unsigned found = 0;
	struct buf out;
	struct err err;
	size_t at;

	buf_init(&out, REPO_BLOB_MAX);
	for (at = 0; at < good->len; at++) {
		good->data[at] ^= 1;
		write_whole(path, good->data, good->len);
		buf_reset(&out);
		if (!repo_get(s, "", b->name, &out, &err)) {
			assert_int_equal(err.kind, ERR_DAMAGED);
			assert_int_equal(out.len, 0);
			found++;
		} else {
			assert_int_equal(out.len, strlen(TEXT));
			assert_memory_equal(out.data, TEXT, out.len);
		}
		good->data[at] ^= 1;
	}
	buf_free(&out);
	repo_session_free(s);
	repo_close(r);
	return found;
}

static void
assert_lost(const struct age_identities *key, const char *key_id,
    const struct repo_blob *b, enum err_kind kind)
{
	struct repo *r = open_read(key);
	struct repo_session *s = new_session(r);
	char object[REPO_OBJECT_MAX];
	struct buf out;
	struct err err;

	buf_init(&out, REPO_BLOB_MAX);
	assert_true(buf_append_str(&out, "before"));
	assert_true(repo_load_key(r, key_id, &err));
	assert_false(repo_get(s, key_id, b->name, &out, &err));
	assert_int_equal(err.kind, kind);
	repo_object_name(r, b->name, object);
	assert_non_null(strstr(err.message, object));
	assert_non_null(strstr(err.message, " of r"));
	assert_non_null(strstr(err.hint, "check --read-data"));
	assert_int_equal(out.len, 6);
	buf_free(&out);
	repo_session_free(s);
	repo_close(r);
}

static void
test_damage(void **state)
{
	const struct age_recipients *who[] = { NULL, ann };
	char key_id[REPO_KEY_ID_SIZE + 1], one[128], two[128];
	struct repo_blob a, b;
	struct repo_session *s;
	struct buf good, other;
	struct repo *r;
	size_t i, at;

	(void)state;
	for (i = 0; i < 2; i++) {
		r = open_add(who[i], NULL);
		s = new_session(r);
		put(s, TEXT, &a);
		put(s, "another text", &b);
		snprintf(one, sizeof(one), "%s", path_of(r, &a));
		snprintf(two, sizeof(two), "%s", path_of(r, &b));
		memcpy(key_id, repo_key_id(r), sizeof(key_id));
		repo_session_free(s);
		repo_close(r);
		read_whole(one, &good);
		read_whole(two, &other);
		if (i == 0)
			assert_true(count_flips(one, &good, &a) >=
			    good.len - 2);
		for (at = 0; i == 1 && at < good.len; at += 7) {
			good.data[at] ^= 1;
			write_whole(one, good.data, good.len);
			assert_lost(ann_key, key_id, &a, ERR_DAMAGED);
			good.data[at] ^= 1;
		}
		write_whole(one, good.data, good.len - 1);
		assert_lost(ann_key, key_id, &a, ERR_DAMAGED);
		write_whole(one, good.data, 0);
		assert_lost(ann_key, key_id, &a, ERR_DAMAGED);
		/* Swapped: whole, authentic, and another's. */
		write_whole(one, other.data, other.len);
		assert_lost(ann_key, key_id, &a, ERR_DAMAGED);
		shell("truncate -s 30M r/data/*/*");
		assert_lost(ann_key, key_id, &a, ERR_DAMAGED);
		shell("rm r/data/*/*");
		assert_lost(ann_key, key_id, &a, ERR_NOT_FOUND);
		buf_free(&good);
		buf_free(&other);
		shell("rm -r r");
	}
}

static void
test_damaged_key(void **state)
{
	char first[REPO_KEY_ID_SIZE + 1];
	struct repo *r = open_add(ann, NULL);
	struct err err;

	(void)state;
	memcpy(first, repo_key_id(r), sizeof(first));
	repo_close(r);
	shell("rm -r state");
	repo_close(open_add(ann, NULL));
	shell("rm -r state");
	/* The other's, whole and authentic. */
	shell("set -- r/keys/*; mv $1 x; cp $2 $1; mv x $2");
	r = open_read(ann_key);
	assert_false(repo_load_key(r, first, &err));
	assert_int_equal(err.kind, ERR_DAMAGED);
	assert_non_null(strstr(err.message, first));
	shell("for f in r/keys/*; do truncate -s 100 $f; done");
	assert_false(repo_load_key(r, first, &err));
	assert_int_equal(err.kind, ERR_DAMAGED);
	repo_close(r);
}

/* --- notes of progress --- */

static void
test_progress(void **state)
{
	struct repo *r = open_add(ann, NULL), *again;
	struct repo_session *s = new_session(r), *t;
	struct repo_blob a, b, c;
	struct err err;

	(void)state;
	put(s, "aaaa", &a);
	assert_true(repo_note_progress(s, false, &err));
	assert_int_equal(count_lines("find r/partial -type f 2>/dev/null || :"),
	    0);
	assert_true(repo_note_progress(s, true, &err));
	put(s, "bbbb", &b);
	assert_true(repo_note_progress(s, true, &err));
	assert_true(repo_note_progress(s, true, &err));
	assert_int_equal(count_lines("ls r/partial"), 2);
	/* As if it was killed here: the next run knows it without looking. */
	shell("for f in r/data/*/*; do s=$(stat -c %s $f); truncate -s 0 $f; "
	    "truncate -s $s $f; done");
	again = open_add(ann, NULL);
	t = new_session(again);
	assert_false(put(t, "aaaa", &c));
	assert_memory_equal(&a, &c, sizeof(a));
	assert_false(put(t, "bbbb", &c));
	assert_memory_equal(&b, &c, sizeof(b));
	repo_session_free(t);
	repo_close(again);
	repo_forget_progress(s);
	assert_int_equal(count_lines("ls r/partial"), 0);
	put(s, "dddd", &b);
	assert_true(repo_note_progress(s, true, &err));
	assert_int_equal(count_lines("ls r/partial"), 1);
	/* A damaged one is told, and passed over. */
	assert_int_equal(said.len, 0);
	shell("for f in r/partial/*; do echo x >> $f; done");
	repo_close(open_add(ann, NULL));
	assert_non_null(strstr(buf_str(&said), "partial/"));
	assert_false(repo_check_note(s, "partial/00000000-0.jsonl", &err));
	assert_int_equal(err.kind, ERR_NOT_FOUND);
	repo_session_free(s);
	repo_close(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_known, setup, teardown),
		cmocka_unit_test_setup_teardown(test_only_listed, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_cut, setup, teardown),
		cmocka_unit_test_setup_teardown(test_meanwhile, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_other_writer, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_race, setup, teardown),
		cmocka_unit_test_setup_teardown(test_damage, setup, teardown),
		cmocka_unit_test_setup_teardown(test_damaged_key, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_progress, setup,
		    teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
