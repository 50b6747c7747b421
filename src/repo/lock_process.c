#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "repo/lock_process.h"

/* Reads what fits of a small file; "" when it cannot. */
static void
read_small(const char *path, char *out, size_t size)
{
	ssize_t n = -1;
	int fd;

	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) >= 0) {
		n = read(fd, out, size - 1);
		close(fd);
	}
	out[n > 0 ? n : 0] = '\0';
}

/* When pid began; 0 when that cannot be told. */
static uint64_t
start_of(uint64_t pid)
{
	char path[64], text[1024], *p;
	int field;

	snprintf(path, sizeof(path), "/proc/%llu/stat",
	    (unsigned long long)pid);
	read_small(path, text, sizeof(text));
	/* The name, in parentheses, may hold anything. */
	if ((p = strrchr(text, ')')) == NULL)
		return 0;
	for (field = 2; field < 22; field++) {
		if ((p = strchr(p, ' ')) == NULL)
			return 0;
		p++;
	}
	return strtoull(p, NULL, 10);
}

void
lock_process_self(struct lock_process *p)
{
	struct stat st;

	memset(p, 0, sizeof(*p));
	if (gethostname(p->host, sizeof(p->host) - 1) != 0)
		p->host[0] = '\0';
	read_small("/proc/sys/kernel/random/boot_id", p->boot,
	    sizeof(p->boot));
	p->boot[strcspn(p->boot, "\n")] = '\0';
	if (stat("/proc/self/ns/pid", &st) == 0)
		p->pidns = (uint64_t)st.st_ino;
	p->pid = (uint64_t)getpid();
	p->start = start_of(p->pid);
}

bool
lock_process_is_gone(const struct lock_process *p,
    const struct lock_process *self)
{
	uint64_t start;

	if (p->boot[0] == '\0' || p->pidns == 0 || p->pid == 0 ||
	    p->pid > INT32_MAX || strcmp(p->boot, self->boot) != 0 ||
	    strcmp(p->host, self->host) != 0 || p->pidns != self->pidns)
		return false;
	if (kill((pid_t)p->pid, 0) != 0 && errno == ESRCH)
		return true;
	/* Others' processes may be hidden in /proc. */
	start = start_of(p->pid);
	return start != 0 && p->start != 0 && start != p->start;
}
