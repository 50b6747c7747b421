#include "match_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cancel.h"
#include "cli/rewrite_backup.h"
#include "cli/rewrite_diff.h"

static const struct fixture_rules rules_of_all = {
	{ "https://old.example", "https://new.example", NULL }
};

/* Takes libc's place: a file system with hard links, or one without. */
static bool no_links;

int
link(const char *from, const char *to)
{

	if (!no_links)
		return linkat(AT_FDCWD, from, AT_FDCWD, to, 0);
	errno = EPERM;
	return -1;
}

#define OLD "https://old.example"
#define NEW "https://new.example"

/* A file without a name that holds text. */
static int
file_of(const char *text, size_t len)
{
	int fd = memfd_create("test", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, len), (ssize_t)len);
	return fd;
}

/* The diff of text under that name; freed by the caller. */
static char *
diff_of(const char *name, const char *text, size_t len, bool colour)
{
	struct match_rules *rules = fixture_rules(&rules_of_all);
	struct rewrite_lines *lines;
	int fd = file_of(text, len);
	struct err err;
	size_t size;
	char *out;
	FILE *f;

	assert_non_null(f = open_memstream(&out, &size));
	assert_non_null(lines = rewrite_lines_new(fd, name, rules, &err));
	assert_true(rewrite_diff(lines, name, colour, f, &err));
	rewrite_lines_free(lines);
	match_rules_free(rules);
	fclose(f);
	close(fd);
	return out;
}

static void
expect(const char *text, const char *want)
{
	char *out = diff_of("f", text, strlen(text), false);

	assert_string_equal(out, want);
	free(out);
}

#define HEAD "--- a/f\n+++ b/f\n"

static void
one_change(void **state)
{

	(void)state;
	expect("", "");
	expect("nothing\n", "");
	expect(OLD "\n", HEAD "@@ -1 +1 @@\n-" OLD "\n+" NEW "\n");
	expect(OLD, HEAD "@@ -1 +1 @@\n-" OLD "\n\\ No newline at end of file\n+"
	    NEW "\n\\ No newline at end of file\n");
	expect("a\n" OLD "/x\nend", HEAD "@@ -1,3 +1,3 @@\n a\n-" OLD "/x\n+"
	    NEW "/x\n end\n\\ No newline at end of file\n");
	expect("1\n2\n3\n4\n5\n" OLD "\n7\n8\n9\n10\n", HEAD
	    "@@ -3,7 +3,7 @@\n 3\n 4\n 5\n-" OLD "\n+" NEW "\n 7\n 8\n 9\n");
	/* Line ends are bytes like others. */
	expect("a\r\n" OLD "\r\n\r\n", HEAD "@@ -1,3 +1,3 @@\n a\r\n-" OLD
	    "\r\n+" NEW "\r\n \r\n");
	/* One that matches and stays as it is is no change. */
	expect("x\n" NEW "\n", "");
}

/* A run of changes: first what was, then what becomes. */
static void
runs(void **state)
{

	(void)state;
	expect(OLD "/1\n" OLD "/2\nx\n" OLD "/3\n", HEAD "@@ -1,4 +1,4 @@\n-" OLD
	    "/1\n-" OLD "/2\n+" NEW "/1\n+" NEW "/2\n x\n-" OLD "/3\n+" NEW
	    "/3\n");
}

/* Six unchanged lines keep two changes together, seven part them. */
static void
hunks(void **state)
{

	(void)state;
	expect(OLD "\n1\n2\n3\n4\n5\n6\n" OLD "\n", HEAD "@@ -1,8 +1,8 @@\n-" OLD
	    "\n+" NEW "\n 1\n 2\n 3\n 4\n 5\n 6\n-" OLD "\n+" NEW "\n");
	expect(OLD "\n1\n2\n3\n4\n5\n6\n7\n" OLD "\n", HEAD
	    "@@ -1,4 +1,4 @@\n-" OLD "\n+" NEW "\n 1\n 2\n 3\n"
	    "@@ -6,4 +6,4 @@\n 5\n 6\n 7\n-" OLD "\n+" NEW "\n");
	/* Lines behind the first hunk are there for the second one. */
	expect("a\n" OLD "\n1\n2\n3\n4\n5\n6\n7\n8\n" OLD "\nz\n", HEAD
	    "@@ -1,5 +1,5 @@\n a\n-" OLD "\n+" NEW "\n 1\n 2\n 3\n"
	    "@@ -8,5 +8,5 @@\n 6\n 7\n 8\n-" OLD "\n+" NEW "\n z\n");
}

static void
names(void **state)
{
	static const struct {
		const char *name, *want;
	} cases[] = {
		{ ".env", "--- a/.env\n+++ b/.env\n" },
		{ "conf/a b", "--- a/conf/a b\t\n+++ b/conf/a b\t\n" },
		{ "a\tb", "--- \"a/a\\tb\"\n+++ \"b/a\\tb\"\n" },
		{ "\"\\\a\x1b", "--- \"a/\\\"\\\\\\a\\033\"\n"
		    "+++ \"b/\\\"\\\\\\a\\033\"\n" },
		{ "\xc3\xa9 x", "--- \"a/\\303\\251 x\"\n"
		    "+++ \"b/\\303\\251 x\"\n" },
	};
	char *out;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		out = diff_of(cases[i].name, OLD, strlen(OLD), false);
		*strchr(out, '@') = '\0';
		assert_string_equal(out, cases[i].want);
		free(out);
	}
}

/* The escapes stand around whole lines, before what ends them. */
static void
colour(void **state)
{
	char *out = diff_of("f", "x\n" OLD "\n", strlen(OLD) + 3, true);

	(void)state;
	assert_string_equal(out, "\033[1m--- a/f\033[m\n\033[1m+++ b/f\033[m\n"
	    "\033[36m@@ -1,2 +1,2 @@\033[m\n x\n\033[31m-" OLD
	    "\033[m\n\033[32m+" NEW "\033[m\n");
	free(out);
}

/* A hunk far longer than what is held of the file. */
static void
long_hunk(void **state)
{
	enum { LINES = 40000 };
	static const char line[] = OLD "/0123456789/0123456789\n";
	size_t len = (sizeof(line) - 1) * LINES, i, minus = 0, plus = 0;
	char *text = malloc(len + 1), *out, *p;

	(void)state;
	assert_non_null(text);
	for (i = 0; i < LINES; i++)
		memcpy(text + i * (sizeof(line) - 1), line, sizeof(line));
	out = diff_of("f", text, len, false);
	p = strchr(out, '@');
	assert_int_equal(strncmp(p, "@@ -1,40000 +1,40000 @@\n", 24), 0);
	for (p += 24; *p == '-'; p = strchr(p, '\n') + 1) {
		assert_int_equal(strncmp(p + 1, line, sizeof(line) - 1), 0);
		minus++;
	}
	for (; *p == '+'; p = strchr(p, '\n') + 1)
		plus++;
	assert_true(minus == LINES && plus == LINES && *p == '\0');
	free(out);
	free(text);
}

static enum rewrite_lines_step
first_line(int fd, struct err *err)
{
	struct match_rules *rules = fixture_rules(&rules_of_all);
	struct rewrite_line line;
	struct rewrite_lines *l;
	enum rewrite_lines_step step;

	assert_non_null(l = rewrite_lines_new(fd, "huge", rules, err));
	step = rewrite_lines_next(l, &line, err);
	if (step == REWRITE_LINES_LINE) {
		assert_int_equal(line.old_len, REWRITE_LINE_MAX);
		assert_int_equal(rewrite_lines_next(l, &line, err),
		    REWRITE_LINES_LINE);
		assert_int_equal(line.offset, REWRITE_LINE_MAX);
		assert_int_equal(line.number, 2);
	}
	rewrite_lines_free(l);
	match_rules_free(rules);
	return step;
}

/* A line as long as may be, and one that is a byte longer. */
static void
longest_line(void **state)
{
	char *text = malloc(REWRITE_LINE_MAX + 1);
	struct err err;
	int fd;

	(void)state;
	assert_non_null(text);
	memset(text, 'a', REWRITE_LINE_MAX + 1);
	text[REWRITE_LINE_MAX - 1] = '\n';
	fd = file_of(text, REWRITE_LINE_MAX + 1);
	assert_int_equal(first_line(fd, &err), REWRITE_LINES_LINE);
	close(fd);
	text[REWRITE_LINE_MAX - 1] = 'a';
	fd = file_of(text, REWRITE_LINE_MAX + 1);
	assert_int_equal(first_line(fd, &err), REWRITE_LINES_ERROR);
	assert_int_equal(err.kind, ERR_TOO_LARGE);
	assert_string_equal(err.message, "huge: line 1 is longer than 16 MiB");
	close(fd);
	free(text);
}

/* A line that grows past what a line may become. */
static void
grown_line(void **state)
{
	static const struct fixture_rules growing = { { "https://o",
	    "https://a-much-longer-name.example/with/a/path/that/goes/on/and/on/"
	    "and/on/to/its/end", NULL } };
	struct match_rules *rules = fixture_rules(&growing);
	size_t n = REWRITE_LINE_MAX / 10, i;
	char *text = malloc(n * 10);
	struct rewrite_line line;
	struct rewrite_lines *l;
	struct err err;
	int fd;

	(void)state;
	assert_non_null(text);
	for (i = 0; i < n; i++)
		memcpy(text + i * 10, "https://o ", 10);
	fd = file_of(text, n * 10);
	assert_non_null(l = rewrite_lines_new(fd, "f", rules, &err));
	assert_int_equal(rewrite_lines_next(l, &line, &err),
	    REWRITE_LINES_ERROR);
	assert_int_equal(err.kind, ERR_TOO_LARGE);
	assert_non_null(strstr(err.message, "line 1 would be longer"));
	rewrite_lines_free(l);
	match_rules_free(rules);
	close(fd);
	free(text);
}

static void
a_stop(void **state)
{
	int fd = file_of(OLD, strlen(OLD));
	struct err err;

	(void)state;
	cancel_request();
	assert_int_equal(first_line(fd, &err), REWRITE_LINES_ERROR);
	assert_int_equal(err.kind, ERR_CANCELLED);
	cancel_reset();
	close(fd);
}

/* Where the file system has no hard links. */
static void
backup_by_copy(void **state)
{
	char folder[] = "/tmp/rewrite-backup-XXXXXX", path[64], got[16];
	struct timespec times[2] = { { 5, 0 }, { 1000000000, 7 } };
	int fd = file_of("secret\n", 7), copy;
	struct stat st;
	struct err err;
	bool exists;

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/f.bak", folder);
	assert_int_equal(fchmod(fd, 0640), 0);
	assert_int_equal(futimens(fd, times), 0);
	assert_true(rewrite_backup_copy(fd, path, &exists, &err));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_int_equal(st.st_mtim.tv_sec, 1000000000);
	assert_int_equal(st.st_mtim.tv_nsec, 7);
	assert_true((copy = open(path, O_RDONLY)) >= 0);
	assert_int_equal(read(copy, got, sizeof(got)), 7);
	assert_memory_equal(got, "secret\n", 7);
	close(copy);
	/* What is there stays. */
	assert_int_equal(chmod(path, 0600), 0);
	assert_false(rewrite_backup_copy(fd, path, &exists, &err));
	assert_true(exists);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	unlink(path);
	rmdir(folder);
	close(fd);
}

/* The first free name, with hard links and without. */
static void
backup_names(void **state)
{
	char folder[] = "/tmp/rewrite-backup-XXXXXX", path[64];
	struct stat was, st;
	struct err err;
	char *backup;
	int fd, i;

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/f", folder);
	assert_true((fd = open(path, O_RDWR | O_CREAT, 0600)) >= 0);
	assert_int_equal(write(fd, "secret\n", 7), 7);
	assert_int_equal(fstat(fd, &was), 0);
	for (i = 0; i < 4; i++) {
		no_links = i % 2 == 1;
		if (!rewrite_backup_make(path, fd, &backup, &err))
			fail_msg("%s", err.message);
		assert_string_equal(backup + strlen(folder), i == 0 ?
		    "/f.bak" : i == 1 ? "/f.bak.1" : i == 2 ? "/f.bak.2" :
		    "/f.bak.3");
		assert_int_equal(stat(backup, &st), 0);
		assert_true((st.st_ino == was.st_ino) == !no_links);
		assert_int_equal(st.st_size, 7);
		assert_int_equal(st.st_mode & 07777, 0600);
		assert_int_equal(st.st_mtim.tv_nsec, was.st_mtim.tv_nsec);
		free(backup);
	}
	no_links = false;
	close(fd);
	snprintf(path, sizeof(path), "rm -r %s", folder);
	assert_int_equal(system(path), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_change),
		cmocka_unit_test(runs),
		cmocka_unit_test(hunks),
		cmocka_unit_test(names),
		cmocka_unit_test(colour),
		cmocka_unit_test(long_hunk),
		cmocka_unit_test(longest_line),
		cmocka_unit_test(grown_line),
		cmocka_unit_test(a_stop),
		cmocka_unit_test(backup_by_copy),
		cmocka_unit_test(backup_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
