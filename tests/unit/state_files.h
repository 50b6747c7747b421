/* What the tests of the state share: a folder of their own, whole files, and
 * children in which things go wrong. */
#ifndef STATE_FILES_H
#define STATE_FILES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/hash.h"
#include "state/place.h"

#ifndef OWN_FSYNC
/* No power is cut here: nothing needs to reach the disk. */
int
fsync(int fd)
{

	return fd < 0;
}
#endif

static char root[64];
static struct place *place_here;

/* The working folder, which no run has locked. */
static inline struct place *
here(void)
{

	if (place_here == NULL)
		place_here = place_folder(".", NULL);
	assert_non_null(place_here);
	return place_here;
}

/* Makes root and goes there. */
static inline int
make_root(void **state)
{

	(void)state;
	snprintf(root, sizeof(root), "/tmp/sf-test-state-XXXXXX");
	return mkdtemp(root) == NULL || chdir(root) != 0;
}

static inline int
remove_root(void **state)
{
	char command[128];

	(void)state;
	place_free(place_here);
	place_here = NULL;
	snprintf(command, sizeof(command), "rm -rf '%s'", root);
	return chdir("/") != 0 || system(command) != 0;
}

static inline void
must(bool ok, const struct err *err)
{

	if (!ok)
		fail_msg("%s (%s)", err->message, err->hint);
}

/* The whole file; the caller frees b. */
static inline void
slurp(const char *path, struct buf *b)
{
	struct err err;

	buf_init(b, (size_t)256 << 20);
	must(file_read(path, b, &err), &err);
}

static inline void
spill(const char *path, const void *data, size_t len)
{
	FILE *f = fopen(path, "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

static inline bool
exists(const char *path)
{

	return access(path, F_OK) == 0;
}

static inline unsigned
mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_mode & 07777;
}

static inline off_t
file_size(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_size;
}

static inline size_t
count_newlines(const uint8_t *data, size_t len)
{
	size_t i, n = 0;

	for (i = 0; i < len; i++)
		n += data[i] == '\n';
	return n;
}

/* Runs what in a child, whose limits, rights and mounts are its own.  what
 * returns NULL when all is as it should be, else what is not; "skip" when this
 * machine does not allow the trial. */
static inline void
in_child(const char *(*what)(void))
{
	char said[200] = "";
	int fds[2], status;
	ssize_t n;
	pid_t pid;

	assert_int_equal(pipe(fds), 0);
	if ((pid = fork()) == 0) {
		const char *wrong = what();

		if (wrong != NULL)
			(void)!write(fds[1], wrong, strlen(wrong));
		_exit(0);
	}
	assert_true(pid > 0);
	close(fds[1]);
	n = read(fds[0], said, sizeof(said) - 1);
	close(fds[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	if (n > 0 && strcmp(said, "skip") == 0)
		skip();
	if (n > 0)
		fail_msg("%s", said);
}

/* For children: says what is wrong and where. */
#define WRONG_(line, text) "line " #line ": " text
#define WRONG__(line, text) WRONG_(line, text)
#define WANT(condition) do {						\
		if (!(condition))					\
			return WRONG__(__LINE__, #condition);		\
	} while (0)

#endif
