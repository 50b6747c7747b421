#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "doctor/memory.h"

static void
lower(struct doctor_memory *m, uint64_t available, const char *limit)
{

	if (available >= m->available)
		return;
	m->available = available;
	m->limit = limit;
}

/* The number behind name in a file of "NAME number" lines; with an empty name
 * the first number.  False when there is none ("max"). */
static bool
read_number(const char *path, const char *name, uint64_t *n)
{
	char line[256];
	size_t len = strlen(name);
	bool found = false;
	FILE *f;

	if ((f = fopen(path, "re")) == NULL)
		return false;
	while (!found && fgets(line, sizeof(line), f) != NULL)
		found = strncmp(line, name, len) == 0 &&
		    sscanf(line + len, "%" SCNu64, n) == 1;
	fclose(f);
	return found;
}

static void
look_at_machine(const char *root, struct doctor_memory *m)
{
	char path[PATH_MAX];
	uint64_t kib;

	snprintf(path, sizeof(path), "%s/proc/meminfo", root);
	if (read_number(path, "MemAvailable:", &kib))
		lower(m, kib * 1024, "available on this machine");
}

/* One group: what its limit leaves, pages that can be dropped not counted. */
static void
look_at_group(const char *folder, bool v1, struct doctor_memory *m)
{
	char path[PATH_MAX + 64];
	uint64_t limit, used = 0, cache = 0;

	snprintf(path, sizeof(path), "%s/%s", folder,
	    v1 ? "memory.limit_in_bytes" : "memory.max");
	if (!read_number(path, "", &limit))
		return;
	snprintf(path, sizeof(path), "%s/%s", folder,
	    v1 ? "memory.usage_in_bytes" : "memory.current");
	if (!read_number(path, "", &used))
		used = 0;
	snprintf(path, sizeof(path), "%s/memory.stat", folder);
	if (!read_number(path, v1 ? "total_inactive_file " : "inactive_file ",
	    &cache))
		cache = 0;
	used = used > cache ? used - cache : 0;
	lower(m, limit > used ? limit - used : 0,
	    "left in this control group (container)");
}

/* The group and all above it, up to where they are mounted.  What a container
 * does not see of the path is not there; its own group is at the top then. */
static void
look_at_groups(const char *root, const char *mount, char *group, bool v1,
    struct doctor_memory *m)
{
	char folder[PATH_MAX];
	char *slash;

	for (;;) {
		if (snprintf(folder, sizeof(folder), "%s%s%s", root, mount,
		    strcmp(group, "/") == 0 ? "" : group) <
		    (int)sizeof(folder))
			look_at_group(folder, v1, m);
		if ((slash = strrchr(group, '/')) == NULL ||
		    strcmp(group, "/") == 0)
			return;
		slash[slash == group] = '\0';
	}
}

static void
look_at_container(const char *root, struct doctor_memory *m)
{
	char path[PATH_MAX], line[PATH_MAX], *group;
	FILE *f;

	snprintf(path, sizeof(path), "%s/proc/self/cgroup", root);
	if ((f = fopen(path, "re")) == NULL)
		return;
	while (fgets(line, sizeof(line), f) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		if (strncmp(line, "0::/", 4) == 0)
			look_at_groups(root, "/sys/fs/cgroup", line + 3, false,
			    m);
		else if ((group = strstr(line, ":memory:/")) != NULL)
			look_at_groups(root, "/sys/fs/cgroup/memory", group +
			    strlen(":memory:"), true, m);
	}
	fclose(f);
}

void
doctor_memory_look(const char *root, struct doctor_memory *out)
{
	struct rlimit limit;

	out->available = UINT64_MAX;
	out->limit = "";
	look_at_machine(root, out);
	look_at_container(root, out);
	if (getrlimit(RLIMIT_AS, &limit) == 0 &&
	    limit.rlim_cur != RLIM_INFINITY)
		lower(out, limit.rlim_cur, "allowed by ulimit -v");
}
