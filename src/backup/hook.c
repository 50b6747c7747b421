#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "backup/hook.h"
#include "base/cancel.h"
#include "base/log.h"

#define POLL_MS 20
#define GRACE_MS 5000		/* between SIGTERM and SIGKILL */
#define OWN 3			/* variables that we set */

extern char **environ;

/* What a child does not get to see, and what we set ourselves. */
static bool
is_kept_back(const char *variable)
{
	static const char *const names[] = {
		"SPACEFERRY_FROM", "SPACEFERRY_TO", "SPACEFERRY_REPO",
		"SPACEFERRY_PASSPHRASE", "SPACEFERRY_NAMING_KEY",
		"SPACEFERRY_PING", "SPACEFERRY_COMMAND", "SPACEFERRY_STATUS",
		"SPACEFERRY_SNAPSHOT",
	};
	size_t i, len = strcspn(variable, "=");

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strlen(names[i]) == len &&
		    memcmp(variable, names[i], len) == 0)
			return true;
	}
	return false;
}

/* The child's environment: pointers into ours, then own[], which is freed by
 * free_environment().  NULL when memory is out. */
static char **
make_environment(const struct hook *h, char *own[OWN])
{
	const char *const values[OWN] = { h->job, h->status, h->snapshot };
	static const char *const names[OWN] = { "SPACEFERRY_COMMAND",
	    "SPACEFERRY_STATUS", "SPACEFERRY_SNAPSHOT" };
	size_t i, n = 0;
	char **list;

	for (i = 0; environ[i] != NULL; i++)
		continue;
	if ((list = calloc(i + OWN + 1, sizeof(*list))) == NULL)
		return NULL;
	for (i = 0; environ[i] != NULL; i++) {
		if (!is_kept_back(environ[i]))
			list[n++] = environ[i];
	}
	for (i = 0; i < OWN; i++) {
		if (values[i] == NULL)
			continue;
		if (asprintf(&own[i], "%s=%s", names[i], values[i]) < 0) {
			own[i] = NULL;
			free(list);
			return NULL;
		}
		list[n++] = own[i];
	}
	return list;
}

/* A group of its own, every signal as a shell expects it. */
static int
set_attributes(posix_spawnattr_t *a)
{
	sigset_t all, none;

	sigfillset(&all);
	sigemptyset(&none);
	posix_spawnattr_setpgroup(a, 0);
	posix_spawnattr_setsigdefault(a, &all);
	posix_spawnattr_setsigmask(a, &none);
	return posix_spawnattr_setflags(a, POSIX_SPAWN_SETPGROUP |
	    POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
}

static int
set_files(posix_spawn_file_actions_t *f)
{
	int rc;

	rc = posix_spawn_file_actions_addopen(f, STDIN_FILENO, "/dev/null",
	    O_RDONLY, 0);
	if (rc == 0)
		rc = posix_spawn_file_actions_adddup2(f, STDERR_FILENO,
		    STDOUT_FILENO);
	if (rc == 0)
		rc = posix_spawn_file_actions_addclosefrom_np(f,
		    STDERR_FILENO + 1);
	return rc;
}

static bool
start(const struct hook *h, char **environment, pid_t *pid, struct err *err)
{
	char *const argv[] = { (char *)(uintptr_t)"sh",
	    (char *)(uintptr_t)"-c", (char *)(uintptr_t)"--",
	    (char *)(uintptr_t)h->command, NULL };
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attributes;
	int rc;

	if (posix_spawnattr_init(&attributes) != 0)
		return err_nomem(err, h->option);
	if (posix_spawn_file_actions_init(&files) != 0) {
		posix_spawnattr_destroy(&attributes);
		return err_nomem(err, h->option);
	}
	if ((rc = set_attributes(&attributes)) == 0 &&
	    (rc = set_files(&files)) == 0)
		rc = posix_spawn(pid, "/bin/sh", &files, &attributes, argv,
		    environment);
	posix_spawn_file_actions_destroy(&files);
	posix_spawnattr_destroy(&attributes);
	return rc == 0 || err_set_errno(err, ERR_DENIED, rc,
	    "%s: /bin/sh cannot be run", h->option);
}

static void
pause_ms(long ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000 };

	nanosleep(&t, NULL);
}

/* True once pid has ended, or cannot be waited for (*status is -1 then). */
static bool
has_ended(pid_t pid, int *status)
{
	pid_t got;

	do {
		got = waitpid(pid, status, WNOHANG);
	} while (got < 0 && errno == EINTR);
	if (got < 0)
		*status = -1;
	return got != 0;
}

/* Ends the whole group: asked first, then made to. */
static void
end_group(pid_t pid)
{
	uint64_t until = cancel_now() + (uint64_t)GRACE_MS * 1000000;
	int status;
	bool ended = false;

	kill(-pid, SIGTERM);
	while (!ended && cancel_now() < until) {
		pause_ms(POLL_MS);
		ended = has_ended(pid, &status);
	}
	kill(-pid, SIGKILL);
	while (!ended) {
		pause_ms(POLL_MS);
		ended = has_ended(pid, &status);
	}
}

static bool
judge(const struct hook *h, int status, struct err *err)
{

	if (status == -1)
		return err_set(err, ERR_DENIED, "%s: how it ended cannot be "
		    "learnt", h->option);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return true;
	if (WIFEXITED(status))
		err_set(err, ERR_DENIED, "%s: the command ended with status %d",
		    h->option, WEXITSTATUS(status));
	else
		err_set(err, ERR_DENIED, "%s: the command was ended by signal %d",
		    h->option, WTERMSIG(status));
	return err_hint(err, "what it wrote stands above, on stderr");
}

static bool
wait_for(const struct hook *h, pid_t pid, struct err *err)
{
	uint64_t started = cancel_now();
	int status = 0;

	while (!has_ended(pid, &status)) {
		if (!h->despite_cancel && cancel_requested()) {
			end_group(pid);
			return cancel_err(err);
		}
		if ((cancel_now() - started) / 1000000 >= h->patience_ms) {
			end_group(pid);
			err_set(err, ERR_DENIED, "%s: the command did not end in "
			    "%.1f s and was killed", h->option,
			    (double)h->patience_ms / 1000);
			return err_hint(err, "--patience says how long it may "
			    "take");
		}
		pause_ms(POLL_MS);
	}
	return judge(h, status, err);
}

bool
hook_run(const struct hook *h, struct err *err)
{
	char *own[OWN] = { NULL, NULL, NULL };
	char **environment;
	pid_t pid;
	bool ok;
	size_t i;

	log_info("%s runs", h->option);
	environment = make_environment(h, own);
	if (environment == NULL)
		ok = err_nomem(err, h->option);
	else
		ok = start(h, environment, &pid, err) && wait_for(h, pid, err);
	free(environment);
	for (i = 0; i < OWN; i++)
		free(own[i]);
	return ok;
}
