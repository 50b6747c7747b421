#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "doctor/memory.h"

#define MIB ((uint64_t)1 << 20)

static char root[] = "/tmp/spaceferry-memory-XXXXXX";

/* Writes a file below root, with its folders. */
static void
put(const char *name, const char *text)
{
	char path[512], *slash;
	struct err err;

	snprintf(path, sizeof(path), "%s/%s", root, name);
	slash = strrchr(path, '/');
	*slash = '\0';
	assert_true(file_make_folders(path, 0700, &err));
	*slash = '/';
	assert_true(file_replace(path, text, strlen(text), &err));
}

static void
empty(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s/*", root);
	assert_int_equal(system(command), 0);
}

static int
set_up(void **state)
{

	(void)state;
	return mkdtemp(root) == NULL;
}

static int
tear_down(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", root);
	return system(command);
}

static uint64_t
available(const char *words)
{
	struct doctor_memory m;

	doctor_memory_look(root, &m);
	assert_non_null(strstr(m.limit, words));
	return m.available;
}

static void
machine_alone(void **state)
{

	(void)state;
	empty();
	assert_true(available("") == UINT64_MAX);
	put("proc/meminfo", "MemTotal:       8000000 kB\n"
	    "MemAvailable:    102400 kB\n");
	assert_true(available("machine") == 100 * MIB);
	/* No group, or one without a limit. */
	put("proc/self/cgroup", "0::/\n");
	put("sys/fs/cgroup/memory.max", "max\n");
	assert_true(available("machine") == 100 * MIB);
}

/* A container sees its own group at the top, a service one below others. */
static void
groups_of_version_2(void **state)
{

	(void)state;
	empty();
	put("proc/meminfo", "MemAvailable:    1024000 kB\n");
	put("proc/self/cgroup", "0::/\n");
	put("sys/fs/cgroup/memory.max", "209715200\n");
	put("sys/fs/cgroup/memory.current", "157286400\n");
	put("sys/fs/cgroup/memory.stat", "anon 5\ninactive_file 52428800\n");
	assert_true(available("container") == 100 * MIB);
	put("proc/self/cgroup", "0::/app.slice/web.service\n");
	assert_true(available("container") == 100 * MIB);
	put("sys/fs/cgroup/app.slice/memory.max", "31457280\n");
	assert_true(available("container") == 30 * MIB);
	put("sys/fs/cgroup/app.slice/web.service/memory.max", "20971520\n");
	put("sys/fs/cgroup/app.slice/web.service/memory.current", "99999999\n");
	assert_true(available("container") == 0);
}

static void
groups_of_version_1(void **state)
{

	(void)state;
	empty();
	put("proc/meminfo", "MemAvailable:    1024000 kB\n");
	put("proc/self/cgroup", "12:cpu:/docker/x\n4:memory:/docker/x\n");
	put("sys/fs/cgroup/memory/memory.limit_in_bytes",
	    "9223372036854771712\n");
	assert_true(available("machine") == 1000 * MIB);
	put("sys/fs/cgroup/memory/docker/x/memory.limit_in_bytes",
	    "104857600\n");
	put("sys/fs/cgroup/memory/docker/x/memory.usage_in_bytes",
	    "73400320\n");
	put("sys/fs/cgroup/memory/docker/x/memory.stat",
	    "inactive_file 1\ntotal_inactive_file 20971520\n");
	assert_true(available("container") == 50 * MIB);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(machine_alone),
		cmocka_unit_test(groups_of_version_2),
		cmocka_unit_test(groups_of_version_1),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
