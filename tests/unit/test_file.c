#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"

static char root[64];

static int
make_root(void **state)
{

	(void)state;
	snprintf(root, sizeof(root), "/tmp/sf-test-file-XXXXXX");
	return mkdtemp(root) == NULL || chdir(root) != 0;
}

static int
remove_root(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf '%s'", root);
	return chdir("/") != 0 || system(command) != 0;
}

static size_t
entries(const char *folder)
{
	DIR *d = opendir(folder);
	size_t n = 0;

	assert_non_null(d);
	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n - 2;
}

static void
assert_holds(const char *path, const char *want)
{
	struct buf b;
	struct err err;

	buf_init(&b, 4096);
	if (!file_read(path, &b, &err))
		fail_msg("%s", err.message);
	assert_string_equal(buf_str(&b), want);
	buf_free(&b);
}

static void
finish_commits(void **state)
{
	struct file_writer *w;
	struct stat st;
	struct err err;

	(void)state;
	assert_true(file_replace("f", "old", 3, &err));
	assert_int_equal(stat("f", &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_non_null(w = file_writer_new("f", 0640, &err));
	assert_true(file_writer_write(w, "ne", 2, &err));
	assert_true(file_writer_write(w, "w", 1, &err));
	assert_holds("f", "old");
	assert_true(file_writer_finish(w, &err));
	file_writer_free(w);
	assert_holds("f", "new");
	assert_int_equal(stat("f", &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_int_equal(entries("."), 1);
}

static void
free_rolls_back(void **state)
{
	struct file_writer *w;
	struct err err;

	(void)state;
	assert_non_null(w = file_writer_new("g", 0, &err));
	assert_true(file_writer_write(w, "lost", 4, &err));
	assert_int_equal(entries("."), 1);
	file_writer_free(w);
	assert_int_equal(entries("."), 0);
	file_writer_free(NULL);
}

static void
a_failed_finish_rolls_back(void **state)
{
	struct file_writer *w;
	struct err err;

	(void)state;
	assert_int_equal(mkdir("taken", 0700), 0);
	assert_non_null(w = file_writer_new("taken", 0, &err));
	assert_false(file_writer_finish(w, &err));
	file_writer_free(w);
	assert_int_equal(entries("."), 1);
	assert_non_null(strstr(err.message, "taken"));
}

static void
longest_names_fit(void **state)
{
	char name[256];
	struct err err;

	(void)state;
	memset(name, 'n', 255);
	name[255] = '\0';
	assert_true(file_replace(name, "x", 1, &err));
	assert_holds(name, "x");
}

static void
temp_names_are_known_by_sight(void **state)
{
	char a[FILE_TEMP_NAME_SIZE], b[FILE_TEMP_NAME_SIZE];
	struct err err;

	(void)state;
	assert_true(file_temp_name(a, &err));
	assert_true(file_temp_name(b, &err));
	assert_int_equal(strlen(a), FILE_TEMP_NAME_SIZE - 1);
	assert_string_not_equal(a, b);
	assert_true(file_is_temp_name(a));
	a[FILE_TEMP_NAME_SIZE - 2] = '\0';
	assert_false(file_is_temp_name(a));
	assert_false(file_is_temp_name(".spaceferry-tmp-notes"));
	assert_false(file_is_temp_name("spaceferry-tmp-0123456789abcdef"));
	assert_false(file_is_temp_name(""));
}

static void
temp_names_tell_for_what_they_are(void **state)
{
	char a[FILE_TEMP_NAME_SIZE], b[FILE_TEMP_NAME_SIZE];
	struct err err;

	(void)state;
	assert_true(file_temp_name_of("x/y", a, &err));
	assert_true(file_is_temp_name(a));
	assert_true(file_is_temp_name_of(a, "y"));
	assert_true(file_is_temp_name_of(a, "z/y"));
	assert_false(file_is_temp_name_of(a, "x"));
	assert_false(file_is_temp_name_of("y", "y"));
	assert_true(file_temp_name_of("y", b, &err));
	assert_string_not_equal(a, b);
	assert_true(file_temp_name_of(a, b, &err));
	assert_true(file_is_temp_name_of(b, "y"));
}

static void
a_temporary_file_is_held(void **state)
{
	struct file_writer *w;
	struct dirent *e;
	struct err err;
	DIR *dir;
	int fd = -1;

	(void)state;
	assert_non_null(w = file_writer_new("held", 0, &err));
	assert_non_null(dir = opendir("."));
	while ((e = readdir(dir)) != NULL) {
		if (file_is_temp_name_of(e->d_name, "held"))
			fd = open(e->d_name, O_RDONLY);
	}
	closedir(dir);
	assert_true(fd >= 0);
	assert_false(file_hold(fd));
	file_writer_free(w);
	assert_true(file_hold(fd));
	close(fd);
}

static void
read_keeps_to_the_maximum(void **state)
{
	struct buf b;
	struct err err;

	(void)state;
	assert_true(file_replace("ten", "0123456789", 10, &err));
	buf_init(&b, 10);
	assert_true(file_read("ten", &b, &err));
	assert_int_equal(b.len, 10);
	buf_free(&b);
	buf_init(&b, 9);
	assert_false(file_read("ten", &b, &err));
	assert_int_equal(err.kind, ERR_TOO_LARGE);
	buf_free(&b);
	buf_init(&b, 16);
	assert_true(buf_append_str(&b, "before"));
	assert_true(file_read("ten", &b, &err));
	assert_memory_equal(b.data, "before0123456789", 16);
	buf_free(&b);
	assert_false(file_read("nothing", &b, &err));
	assert_int_equal(err.kind, ERR_NOT_FOUND);
	assert_false(file_read(".", &b, &err));
	buf_free(&b);
}

static void
reads_large_files(void **state)
{
	size_t i, len = 3 * 65536 + 7;
	char *data = malloc(len);
	struct buf b;
	struct err err;

	(void)state;
	assert_non_null(data);
	for (i = 0; i < len; i++)
		data[i] = (char)(i * 31 >> 3);
	assert_true(file_replace("large", data, len, &err));
	buf_init(&b, 1 << 20);
	assert_true(file_read("large", &b, &err));
	assert_int_equal(b.len, len);
	assert_memory_equal(b.data, data, len);
	buf_free(&b);
	free(data);
}

static void
makes_folders(void **state)
{
	struct stat st;
	struct err err;

	(void)state;
	assert_true(file_make_folders("a/b//c/", 0700, &err));
	assert_int_equal(stat("a/b/c", &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_true(file_make_folders("a/b/c", 0700, &err));
	assert_true(file_make_folders("/", 0700, &err));
	assert_true(file_make_folders(".", 0700, &err));
	assert_int_equal(symlink("a", "link"), 0);
	assert_true(file_make_folders("link/new", 0700, &err));
	assert_int_equal(stat("a/new", &st), 0);
	assert_true(file_replace("a/file", "", 0, &err));
	assert_false(file_make_folders("a/file", 0700, &err));
	assert_false(file_make_folders("a/file/x", 0700, &err));
	assert_int_equal(err.kind, ERR_NOT_FOUND);
	assert_non_null(strstr(err.message, "a/file"));
}

static void
errors_have_the_right_kind(void **state)
{
	struct err err;
	int fd;

	(void)state;
	assert_null(file_writer_new("no/such/folder/f", 0, &err));
	assert_int_equal(err.kind, ERR_NOT_FOUND);
	assert_false(file_sync_folder_of("no/such", &err));
	assert_true(file_sync_folder_of("here", &err));
	assert_true((fd = open("/dev/full", O_WRONLY)) >= 0);
	assert_false(file_write_all(fd, "x", 1, "/dev/full", &err));
	close(fd);
	assert_int_equal(err.kind, ERR_DISK);
	assert_non_null(strstr(err.message, "/dev/full"));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_root, remove_root)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(finish_commits),
		TEST(free_rolls_back),
		TEST(a_failed_finish_rolls_back),
		TEST(longest_names_fit),
		TEST(temp_names_are_known_by_sight),
		TEST(temp_names_tell_for_what_they_are),
		TEST(a_temporary_file_is_held),
		TEST(read_keeps_to_the_maximum),
		TEST(reads_large_files),
		TEST(makes_folders),
		TEST(errors_have_the_right_kind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
