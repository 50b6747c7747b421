#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>

#include "folder_fixture.h"

/* A body made of a text. */
static bool
text_read(void *arg, uint64_t offset, void *data, size_t len, struct err *err)
{

	(void)err;
	memcpy(data, (const char *)arg + offset, len);
	return true;
}

static enum err_kind
put_text(const char *key, const char *text, const char *hashed)
{
	uint8_t sha256[HASH_SHA256_SIZE];
	char *body = strdup(text), etag[STORE_ETAG_MAX];
	struct store_put put = { .key = key, .sha256 = sha256,
		.body = { strlen(text), text_read, body } };
	struct err err;
	bool ok;

	hash_sha256(hashed, strlen(hashed), sha256);
	ok = store_put(session, &put, etag, &err);
	free(body);
	assert_string_equal(etag, "");
	return ok ? ERR_NONE : err.kind;
}

static void
puts_whole_files(void **state)
{
	struct stat st;

	(void)state;
	umask(022);
	assert_int_equal(put_text("a/b/c", "text", "text"), ERR_NONE);
	assert_get("a/b/c", "text");
	assert_int_equal(stat("t/a/b/c", &st), 0);
	assert_int_equal(st.st_mode & 07777, 0644);
	assert_int_equal(stat("t/a", &st), 0);
	assert_int_equal(st.st_mode & 07777, 0755);
	assert_int_equal(put_text("a/b/c", "", ""), ERR_NONE);
	assert_get("a/b/c", "");
	/* What is not what was hashed leaves the old file and no trace. */
	assert_int_equal(put_text("a/b/c", "other", "text"), ERR_CHANGED);
	assert_get("a/b/c", "");
	assert_int_equal(put_text("a/b", "x", "x"), ERR_REFUSED);
	assert_int_equal(put_text("a/b/c/d", "x", "x"), ERR_REFUSED);
	assert_int_equal(put_text("../x", "x", "x"), ERR_REFUSED);
	assert_int_equal(put_text("/x", "x", "x"), ERR_REFUSED);
	assert_int_equal(put_text("x/", "x", "x"), ERR_REFUSED);
	assert_int_equal(put_text("x//y", "x", "x"), ERR_REFUSED);
	assert_int_equal(put_text("x/./y", "x", "x"), ERR_REFUSED);
	assert_int_equal(put_text("", "x", "x"), ERR_REFUSED);
	assert_int_equal(put_text("\xff", "x", "x"), ERR_REFUSED);
	assert_int_equal(put_text("\xed\xa0\x80", "x", "x"), ERR_REFUSED);
	assert_int_equal(put_text("...", "x", "x"), ERR_NONE);
	assert_listing("... 1\na/b/c 0\n");
}

static void
put_does_not_leave_the_root(void **state)
{
	struct stat st;

	(void)state;
	make("out/f", "1");
	make("t/in/f", "1");
	assert_int_equal(symlink("../out", "t/link"), 0);
	assert_int_equal(symlink("in", "t/inner"), 0);
	assert_int_equal(symlink("../out/f", "t/file"), 0);
	assert_int_equal(put_text("link/new", "x", "x"), ERR_REFUSED);
	assert_int_equal(stat("out/new", &st), -1);
	assert_int_equal(put_text("link/deep/new", "x", "x"), ERR_REFUSED);
	assert_int_equal(put_text("inner/new", "x", "x"), ERR_NONE);
	assert_get("in/new", "x");
	/* A link under the very name is replaced, not followed. */
	assert_int_equal(put_text("file", "mine", "mine"), ERR_NONE);
	assert_int_equal(stat("out/f", &st), 0);
	assert_int_equal(st.st_size, 1);
	assert_get("file", "mine");
}

static bool
failing_read(void *arg, uint64_t offset, void *data, size_t len,
    struct err *err)
{

	(void)arg;
	(void)data;
	(void)len;
	if (offset > 0)
		return err_set(err, ERR_CHANGED, "gone");
	memset(data, 'x', len);
	return true;
}

static void
a_failed_put_leaves_nothing(void **state)
{
	const struct store_put put = { .key = "f",
		.body = { 1 << 20, failing_read, NULL } };
	char etag[STORE_ETAG_MAX];
	struct err err;
	DIR *dir;
	int n = 0;

	(void)state;
	assert_false(store_put(session, &put, etag, &err));
	assert_string_equal(err.message, "gone");
	assert_non_null(dir = opendir("t"));
	while (readdir(dir) != NULL)
		n++;
	closedir(dir);
	assert_int_equal(n, 2);
}

static void
heads_and_deletes(void **state)
{
	struct store_object o;
	struct err err;

	(void)state;
	make("t/a/b", "12345");
	make("out/f", "1");
	assert_int_equal(symlink("../out", "t/link"), 0);
	assert_int_equal(store_head(session, "a/b", &o, &err), STORE_FOUND);
	assert_int_equal(o.size, 5);
	assert_string_equal(o.key, "a/b");
	assert_int_equal(store_head(session, "a", &o, &err), STORE_ABSENT);
	assert_int_equal(store_head(session, "x", &o, &err), STORE_ABSENT);
	assert_int_equal(store_head(session, "x/y", &o, &err), STORE_ABSENT);
	assert_int_equal(store_head(session, "a/b/c", &o, &err), STORE_ABSENT);
	assert_int_equal(store_head(session, "link/f", &o, &err), STORE_FAILED);
	assert_int_equal(err.kind, ERR_REFUSED);
	assert_int_equal(store_head(session, "..", &o, &err), STORE_FAILED);
	assert_true(store_delete(session, "a/b", &err));
	assert_true(store_delete(session, "a/b", &err));
	assert_true(store_delete(session, "x/y", &err));
	assert_true(store_delete(session, "a", &err));
	assert_int_equal(access("t/a", F_OK), 0);
	assert_false(store_delete(session, "link/f", &err));
	assert_int_equal(access("out/f", F_OK), 0);
	assert_int_equal(store_head(session, "a/b", &o, &err), STORE_ABSENT);
}

/* Changes the file from within the callback, when some has been read. */
struct meddler {
	void (*meddle)(void);
	uint64_t got;
};

static bool
meddle_write(void *arg, const void *data, size_t len, struct err *err)
{
	struct meddler *m = arg;

	(void)data;
	(void)err;
	if (m->got == 0)
		m->meddle();
	m->got += len;
	return true;
}

static void
grow(void)
{
	int fd = open("t/f", O_WRONLY | O_APPEND);

	assert_int_equal(write(fd, "more", 4), 4);
	close(fd);
}

static void
shrink(void)
{

	assert_int_equal(truncate("t/f", 300000), 0);
}

static void
touch(void)
{
	int fd = open("t/f", O_WRONLY);

	usleep(20000);
	assert_int_equal(pwrite(fd, "X", 1, 0), 1);
	close(fd);
}

static void
replace(void)
{
	struct stat st;
	struct timespec times[2];

	/* Even with the same size and time. */
	assert_int_equal(stat("t/f", &st), 0);
	make("t/g", "");
	assert_int_equal(truncate("t/g", st.st_size), 0);
	times[0] = times[1] = st.st_mtim;
	assert_int_equal(utimensat(AT_FDCWD, "t/g", times, 0), 0);
	assert_int_equal(rename("t/g", "t/f"), 0);
}

static void
delete(void)
{

	assert_int_equal(unlink("t/f"), 0);
}

static void
keep(void)
{
}

static void
changes_while_reading_are_noticed(void **state)
{
	static const struct {
		void (*meddle)(void);
		enum err_kind want;
	} cases[] = {
		{ grow, ERR_CHANGED }, { shrink, ERR_CHANGED },
		{ touch, ERR_CHANGED }, { replace, ERR_CHANGED },
		{ delete, ERR_CHANGED }, { keep, ERR_NONE },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		struct meddler m = { .meddle = cases[i].meddle };
		struct store_file *f;
		struct store_object o;
		char data[16];
		struct err err;
		bool ok;

		make("t/f", "");
		assert_int_equal(truncate("t/f", 1000000), 0);
		err_clear(&err);
		ok = store_get(session, "f", &o, meddle_write, &m, &err);
		assert_int_equal(err.kind, cases[i].want);
		assert_int_equal(ok, cases[i].want == ERR_NONE);
		assert_true(m.got <= 1000000);

		make("t/f", "");
		assert_int_equal(truncate("t/f", 1000000), 0);
		f = store_file_open(session, "f", &o, &err);
		assert_non_null(f);
		assert_int_equal(o.size, 1000000);
		assert_true(store_file_read(f, 0, data, sizeof(data), &err));
		assert_true(store_file_unchanged(f, &err));
		cases[i].meddle();
		assert_int_equal(store_file_unchanged(f, &err),
		    cases[i].want == ERR_NONE);
		if (cases[i].meddle == shrink) {
			assert_false(store_file_read(f, 299990, data, 16,
			    &err));
			assert_int_equal(err.kind, ERR_CHANGED);
		}
		store_file_close(f);
	}
}

/* A folder and a link to the outside change places, over and over: what is read
 * is never from outside. */
static void *
swap(void *arg)
{
	atomic_bool *stop = arg;

	while (!atomic_load(stop)) {
		if (renameat2(AT_FDCWD, "t/d", AT_FDCWD, "t/link",
		    RENAME_EXCHANGE) != 0)
			abort();
		usleep(10);
	}
	return NULL;
}

static void
swapped_folders_do_not_lead_outside(void **state)
{
	static atomic_bool stop;
	pthread_t thread;
	struct store_object o;
	struct buf b;
	struct err err;
	int i, got = 0;

	(void)state;
	atomic_store(&stop, false);
	make("t/d/f", "inside");
	make("out/f", "OUTSIDE");
	assert_int_equal(symlink("../out", "t/link"), 0);
	buf_init(&b, 100);
	assert_int_equal(pthread_create(&thread, NULL, swap, &stop), 0);
	for (i = 0; i < 500; i++) {
		buf_reset(&b);
		if (store_get(session, "d/f", &o, collect, &b, &err))
			got++;
		if (b.len > 0)
			assert_string_equal(buf_str(&b), "inside");
		put_text("d/new", "x", "x");
	}
	atomic_store(&stop, true);
	pthread_join(thread, NULL);
	assert_true(got > 0);
	assert_int_equal(access("out/new", F_OK), -1);
	buf_free(&b);
}

static void
opens_what_urls_say(void **state)
{
	static const struct {
		const char *url;
		enum err_kind want;
	} bad[] = {
		{ "nothing", ERR_NOT_FOUND }, { "f", ERR_CONFIG },
		{ "file://t", ERR_URI }, { "file:///a%2", ERR_URI },
		{ "file:///a%00", ERR_URI }, { "ftp://x/y", ERR_URI },
		{ "http://x/y", ERR_URI }, { "", ERR_URI },
	};
	struct store_options options = { .create = false };
	char url[128];
	struct store *s;
	struct err err;
	size_t i;

	(void)state;
	make("f", "");
	for (i = 0; i < COUNT(bad); i++) {
		assert_null(store_open(bad[i].url, &options, &err));
		if (err.kind != bad[i].want)
			fail_msg("%s: %s", bad[i].url, err.message);
	}
	snprintf(url, sizeof(url), "file://%s/a%%20b%%C3%%A9/c", root);
	options.create = true;
	assert_non_null(s = store_open(url, &options, &err));
	assert_true(store_is_local(s));
	assert_int_equal(access("a b\xc3\xa9/c", F_OK), 0);
	snprintf(url, sizeof(url), "%s/a b\xc3\xa9/c", root);
	assert_string_equal(store_identity(s), url);
	store_free(s);
	/* The same place by another name has the same identity. */
	assert_int_equal(symlink("a b\xc3\xa9", "link"), 0);
	assert_non_null(s = store_open("./link/../link/c/", &options, &err));
	assert_string_equal(store_identity(s), url);
	assert_string_equal(store_name(s), "./link/../link/c/");
	store_free(s);
	store_free(NULL);
}

static void
missing_folders_may_be_read(void **state)
{
	const struct store_options options = { .may_be_missing = true };
	struct listing l = { .stop_after = 0 };
	struct store_session *ss;
	struct store_object o;
	struct store *s;
	struct err err;
	char want[128];

	(void)state;
	assert_non_null(s = store_open("no/such//folder/", &options, &err));
	snprintf(want, sizeof(want), "%s/no/such//folder", root);
	assert_string_equal(store_identity(s), want);
	assert_non_null(ss = store_session_new(s, &err));
	assert_true(store_probe(ss, true, &err));
	assert_true(store_list(ss, &list_ops, &l, &err));
	assert_int_equal(store_head(ss, "a", &o, &err), STORE_ABSENT);
	assert_false(store_get(ss, "a", &o, collect, NULL, &err));
	assert_int_equal(err.kind, ERR_NOT_FOUND);
	assert_true(store_delete(ss, "a", &err));
	assert_int_equal(access("no", F_OK), -1);
	store_session_free(ss);
	store_free(s);
}

static void
probes(void **state)
{
	struct err err;

	(void)state;
	assert_true(store_probe(session, true, &err));
	assert_listing("");
	if (geteuid() != 0)
		return;
	assert_int_equal(chmod(root, 0755), 0);
	assert_int_equal(chmod("t", 0755), 0);
	assert_int_equal(seteuid(65534), 0);
	assert_true(store_probe(session, false, &err));
	assert_false(store_probe(session, true, &err));
	assert_int_equal(seteuid(0), 0);
	assert_int_equal(err.kind, ERR_DENIED);
	assert_int_equal(chmod("t", 0700), 0);
	assert_int_equal(seteuid(65534), 0);
	assert_false(store_probe(session, false, &err));
	assert_int_equal(seteuid(0), 0);
	assert_int_equal(err.kind, ERR_DENIED);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(puts_whole_files),
		TEST(put_does_not_leave_the_root),
		TEST(a_failed_put_leaves_nothing),
		TEST(heads_and_deletes),
		TEST(changes_while_reading_are_noticed),
		TEST(swapped_folders_do_not_lead_outside),
		TEST(opens_what_urls_say),
		TEST(missing_folders_may_be_read),
		TEST(probes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
