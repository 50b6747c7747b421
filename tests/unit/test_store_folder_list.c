#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "folder_fixture.h"

#include "base/cancel.h"

static void
lists_in_order(void **state)
{

	(void)state;
	make("t/b", "22");
	make("t/a/z", "1");
	make("t/a/y/x", "");
	make("t/a-b", "333");
	make("t/c/.hidden", "1");
	make("t/.spaceferry-tmp-0123456789abcdef", "left over");
	make("t/.spaceferry-tmp-notes", "kept");
	make("t/\xc3\xa9t\xc3\xa9 +%#?&'(!~*\\\"\n", "1");
	assert_int_equal(mkdir("t/empty", 0755), 0);
	assert_listing(".spaceferry-tmp-notes 4\na-b 3\nb 2\n"
	    "\xc3\xa9t\xc3\xa9 +%#?&'(!~*\\\"\n 1\n"
	    "a/z 1\na/y/x 0\nc/.hidden 1\n");
}

static void
follows_links_inside(void **state)
{
	char target[128];

	(void)state;
	make("t/d/f", "1");
	make("t/g", "22");
	assert_int_equal(symlink("d", "t/d2"), 0);
	assert_int_equal(symlink("../g", "t/d/g"), 0);
	snprintf(target, sizeof(target), "%s/t/d", root);
	assert_int_equal(symlink(target, "t/d3"), 0);
	assert_listing("g 2\nd/f 1\nd/g 2\nd2/f 1\nd2/g 2\nd3/f 1\nd3/g 2\n");
	assert_get("d3/g", "22");
}

static void
reports_oddities(void **state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd;

	(void)state;
	make("t/ok", "1");
	make("out/secret", "s");
	make("t-beside/secret", "s");
	make("u/secret", "s");		/* as long a path as the root's */
	make("t/d/f", "1");
	assert_int_equal(symlink("../out/secret", "t/1-file"), 0);
	assert_int_equal(symlink("../out", "t/2-folder"), 0);
	assert_int_equal(symlink("/etc/passwd", "t/3-absolute"), 0);
	assert_int_equal(symlink("../t-beside", "t/4-beside"), 0);
	assert_int_equal(symlink("../u", "t/4-other"), 0);
	assert_int_equal(symlink("nothing", "t/5-dangling"), 0);
	assert_int_equal(symlink("ok/x", "t/5-through-a-file"), 0);
	assert_int_equal(symlink("6-self", "t/6-self"), 0);
	assert_int_equal(symlink("..", "t/d/up"), 0);
	assert_int_equal(symlink(".", "t/d/here"), 0);
	assert_int_equal(mkfifo("t/7-fifo", 0600), 0);
	assert_int_equal(symlink("7-fifo", "t/7-link"), 0);
	assert_true((fd = socket(AF_UNIX, SOCK_STREAM, 0)) >= 0);
	strcpy(address.sun_path, "t/8-socket");
	assert_int_equal(bind(fd, (struct sockaddr *)&address,
	    sizeof(address)), 0);
	close(fd);
	make("t/9-\xff\x01", "1");
	make("t/d\xe9/f", "1");
	assert_listing("!outside 1-file\n!outside 2-folder\n"
	    "!outside 3-absolute\n!outside 4-beside\n!outside 4-other\n"
	    "!dangling 5-dangling\n"
	    "!dangling 5-through-a-file\n!loop 6-self\n!special 7-fifo\n"
	    "!special 7-link\n!special 8-socket\n!name 9-\\xff\\x01\n"
	    "!name d\\xe9\nok 1\nd/f 1\n!loop d/here\n!loop d/up\n");
	assert_int_equal(get_error("1-file"), ERR_REFUSED);
	assert_int_equal(get_error("2-folder/secret"), ERR_REFUSED);
	assert_int_equal(get_error("4-beside/secret"), ERR_REFUSED);
	assert_int_equal(get_error("4-other/secret"), ERR_REFUSED);
	assert_int_equal(get_error("7-fifo"), ERR_REFUSED);
	assert_int_equal(get_error("d"), ERR_REFUSED);
	assert_int_equal(get_error("nothing"), ERR_NOT_FOUND);
	assert_int_equal(get_error("../out/secret"), ERR_REFUSED);
}

/* Two folders that link to each other end; so do links that multiply. */
static void
links_do_not_multiply(void **state)
{
	struct listing l = { .stop_after = 0 };
	char from[32], to[32];
	struct err err;
	int i;

	(void)state;
	make("t/a/f", "1");
	make("t/b/g", "1");
	assert_int_equal(symlink("../b", "t/a/b"), 0);
	assert_int_equal(symlink("../a", "t/b/a"), 0);
	assert_listing("a/f 1\na/b/g 1\n!loop a/b/a\n"
	    "b/g 1\nb/a/f 1\n!loop b/a/b\n");
	for (i = 0; i < 30; i++) {
		snprintf(from, sizeof(from), "t/%d", i);
		assert_int_equal(mkdir(from, 0755), 0);
		snprintf(from, sizeof(from), "t/%d/next", i);
		snprintf(to, sizeof(to), "../%d", i + 1);
		assert_int_equal(symlink(to, from), 0);
	}
	make("t/30/end", "1");
	buf_init(&l.text, 1 << 20);
	assert_true(store_list(session, &list_ops, &l, &err));
	assert_non_null(strstr(buf_str(&l.text), "\n30/end 1\n"));
	assert_non_null(strstr(buf_str(&l.text), "!loop 0/next/"));
	buf_free(&l.text);
}

static void
unreadable_entries(void **state)
{

	(void)state;
	make("t/closed/f", "1");
	make("t/secret", "1");
	make("t/open", "1");
	assert_int_equal(chmod("t/closed", 0), 0);
	assert_int_equal(chmod("t/secret", 0), 0);
	assert_int_equal(chmod("t/open", 0644), 0);
	assert_int_equal(chmod("t", 0755), 0);
	assert_int_equal(chmod(root, 0755), 0);
	/* Nothing is unreadable for root: be somebody else. */
	if (geteuid() == 0)
		assert_int_equal(seteuid(65534), 0);
	assert_listing("open 1\n!unreadable secret\n!unreadable closed\n");
	assert_int_equal(get_error("secret"), ERR_DENIED);
	assert_int_equal(get_error("closed/f"), ERR_DENIED);
	if (getuid() == 0)
		assert_int_equal(seteuid(0), 0);
}

/* Deeper than a path can be, with few file descriptors and little stack. */
static void
deep_trees(void **state)
{
	struct listing l = { .stop_after = 0 };
	struct rlimit before, few;
	char name[201];
	struct err err;
	int i;

	(void)state;
	memset(name, 'n', 200);
	name[200] = '\0';
	assert_int_equal(chdir("t"), 0);
	for (i = 0; i < 25; i++) {
		make("f", "1");
		assert_int_equal(mkdir(name, 0755), 0);
		assert_int_equal(chdir(name), 0);
	}
	assert_int_equal(chdir(root), 0);
	assert_int_equal(chdir("t"), 0);
	for (i = 0; i < 1500; i++) {
		assert_int_equal(mkdir("d", 0755), 0);
		assert_int_equal(chdir("d"), 0);
	}
	make("bottom", "1");
	assert_int_equal(chdir(root), 0);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	few = before;
	few.rlim_cur = 32;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	buf_init(&l.text, 1 << 20);
	assert_true(store_list(session, &list_ops, &l, &err));
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	/* 20 names of 200 bytes and their slashes make 4019 bytes. */
	assert_int_equal(l.objects, 21 + 1);
	assert_int_equal(l.oddities, 1);
	assert_non_null(strstr(buf_str(&l.text), "d/d/bottom 1\n"));
	assert_non_null(strstr(buf_str(&l.text), "!name n"));
	buf_free(&l.text);
}

/* More names than are held at once. */
static void
large_folders_are_sorted(void **state)
{
	const size_t n = 20000;
	struct listing l = { .stop_after = 0 };
	char name[32], last[32] = "";
	const char *line;
	struct err err;
	size_t i;

	(void)state;
	assert_int_equal(mkdir("t/many", 0755), 0);
	for (i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "t/many/%zu", i * 7919 % n);
		close(open(name, O_CREAT | O_WRONLY, 0644));
	}
	buf_init(&l.text, 1 << 20);
	assert_true(store_list(session, &list_ops, &l, &err));
	assert_int_equal(l.objects, n);
	for (line = buf_str(&l.text); *line != '\0';
	    line = strchr(line, '\n') + 1) {
		assert_int_equal(sscanf(line, "%31s", name), 1);
		assert_true(strcmp(last, name) < 0);
		strcpy(last, name);
	}
	buf_free(&l.text);
}

static void
callbacks_stop_the_walk(void **state)
{
	struct listing l = { .stop_after = 2 };
	struct err err;

	(void)state;
	make("t/a", "");
	make("t/b", "");
	make("t/c", "");
	make("t/d/e", "");
	buf_init(&l.text, 1 << 20);
	assert_false(store_list(session, &list_ops, &l, &err));
	assert_int_equal(err.kind, ERR_DISK);
	assert_int_equal(l.objects, 2);
	cancel_request();
	assert_false(store_list(session, &list_ops, &l, &err));
	assert_int_equal(err.kind, ERR_CANCELLED);
	cancel_reset();
	buf_free(&l.text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(lists_in_order),
		TEST(follows_links_inside),
		TEST(reports_oddities),
		TEST(links_do_not_multiply),
		TEST(unreadable_entries),
		TEST(deep_trees),
		TEST(large_folders_are_sorted),
		TEST(callbacks_stop_the_walk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
