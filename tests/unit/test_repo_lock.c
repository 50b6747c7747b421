/*
 * Who may be at work in a repository, over a folder: threads, processes, and
 * processes that were killed.  What a bucket does is shown by
 * tests/integration/test_prune.py.
 */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <time.h>

#include "state_files.h"

#include "base/cancel.h"
#include "base/log.h"
#include "repo/lock.h"
#include "repo/lock_process.h"
#include "store/store.h"

#define LAPSE_MS 1200
#define RENEW_MS 150
#define PATIENCE_MS 20000

static char logged[1 << 16];

static void
on_log(enum log_level level, const char *line, void *arg)
{
	size_t len = strlen(logged);

	(void)level;
	(void)arg;
	snprintf(logged + len, sizeof(logged) - len, "%s\n", line);
}

static struct store *
open_store(void)
{
	const struct store_options options = { .create = true,
		.despite_cancel = true };
	struct store *s;
	struct err err;

	if ((s = store_open("store", &options, &err)) == NULL)
		fail_msg("%s", err.message);
	return s;
}

static uint64_t lapse_ms = LAPSE_MS;

static struct repo_lock *
take(struct store *s, enum repo_lock_kind kind, uint64_t patience_ms,
    struct err *err)
{
	static const char *const commands[] = { "restore", "backup", "prune" };
	const struct repo_lock_options o = { .store = s, .kind = kind,
		.command = commands[kind], .patience_ms = patience_ms,
		.lapse_ms = lapse_ms, .renew_ms = RENEW_MS };

	return repo_lock_take(&o, err);
}

static struct repo_lock *
must_take(struct store *s, enum repo_lock_kind kind)
{
	struct repo_lock *l;
	struct err err;

	if ((l = take(s, kind, PATIENCE_MS, &err)) == NULL)
		fail_msg("%s (%s)", err.message, err.hint);
	return l;
}

/* How many objects there are in store/locks. */
static unsigned
objects(void)
{
	FILE *p = popen("ls -A store/locks 2>/dev/null | wc -l", "r");
	unsigned n = 0;

	assert_non_null(p);
	assert_int_equal(fscanf(p, "%u", &n), 1);
	pclose(p);
	return n;
}

static void
any_number_share(void **state)
{
	struct store *s = open_store();
	struct repo_lock *l[3], *alone;
	struct err err;
	char pid[64];
	int i;

	(void)state;
	l[0] = must_take(s, REPO_LOCK_ADD);
	l[1] = must_take(s, REPO_LOCK_ADD);
	l[2] = must_take(s, REPO_LOCK_READ);
	assert_int_equal(objects(), 3);
	assert_null(take(s, REPO_LOCK_REMOVE, 0, &err));
	assert_int_equal(err.kind, ERR_LOCKED);
	assert_int_equal(err_exit_status(err.kind, false), 3);
	snprintf(pid, sizeof(pid), "(pid %d on ", (int)getpid());
	assert_non_null(strstr(err.message, pid));
	assert_non_null(strstr(err.message, ", since 20"));
	assert_non_null(strstr(err.hint, "lapses by itself after 1 second"));
	assert_int_equal(objects(), 3);
	for (i = 0; i < 3; i++)
		assert_true(repo_lock_held(l[i], &err));
	repo_lock_free(l[0]);
	repo_lock_free(l[2]);
	assert_null(take(s, REPO_LOCK_REMOVE, 0, &err));
	assert_non_null(strstr(err.message, "backup (pid "));
	repo_lock_free(l[1]);
	assert_int_equal(objects(), 0);

	/* One that removes is alone. */
	alone = must_take(s, REPO_LOCK_REMOVE);
	assert_null(take(s, REPO_LOCK_ADD, 0, &err));
	assert_int_equal(err.kind, ERR_LOCKED);
	assert_non_null(strstr(err.message, "prune (pid "));
	assert_null(take(s, REPO_LOCK_READ, 0, &err));
	assert_null(take(s, REPO_LOCK_REMOVE, 0, &err));
	assert_true(repo_lock_held(alone, &err));
	assert_int_equal(objects(), 1);
	repo_lock_free(alone);
	repo_lock_free(NULL);
	store_free(s);
}

struct later {
	struct repo_lock *l;
	unsigned ms;
};

static void *
free_later(void *arg)
{
	struct later *later = arg;

	usleep(later->ms * 1000);
	repo_lock_free(later->l);
	return NULL;
}

static void
who_waits_goes_on_and_says_for_whom(void **state)
{
	static const enum repo_lock_kind kinds[][2] = {
		{ REPO_LOCK_REMOVE, REPO_LOCK_ADD },
		{ REPO_LOCK_REMOVE, REPO_LOCK_READ },
		{ REPO_LOCK_REMOVE, REPO_LOCK_REMOVE },
		{ REPO_LOCK_ADD, REPO_LOCK_REMOVE },
	};
	struct store *s = open_store();
	struct later later = { .ms = 100 };
	pthread_t thread;
	size_t i;

	(void)state;
	for (i = 0; i < 4; i++) {
		logged[0] = '\0';
		later.l = must_take(s, kinds[i][0]);
		assert_int_equal(pthread_create(&thread, NULL, free_later,
		    &later), 0);
		repo_lock_free(must_take(s, kinds[i][1]));
		assert_int_equal(pthread_join(thread, NULL), 0);
		assert_non_null(strstr(logged, i < 3 ? "waiting for prune (pid" :
		    "waiting for backup (pid"));
		assert_int_equal(objects(), 0);
	}
	store_free(s);
}

/* A child that holds a lock until it is killed. */
static pid_t
holder(enum repo_lock_kind kind)
{
	int ready[2];
	pid_t pid;
	char c;

	assert_int_equal(pipe(ready), 0);
	if ((pid = fork()) == 0) {
		must_take(open_store(), kind);
		c = 'x';
		_exit(write(ready[1], &c, 1) == 1 ? pause() : 1);
	}
	assert_true(pid > 0);
	close(ready[1]);
	assert_int_equal(read(ready[0], &c, 1), 1);
	close(ready[0]);
	return pid;
}

static void
kill_it(pid_t pid)
{
	int status;

	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
}

static void
of_a_killed_process_is_free_at_once(void **state)
{
	struct store *s = open_store();
	struct err err;
	pid_t pid;

	(void)state;
	pid = holder(REPO_LOCK_REMOVE);
	assert_null(take(s, REPO_LOCK_ADD, 0, &err));
	kill_it(pid);
	repo_lock_free(must_take(s, REPO_LOCK_ADD));
	assert_int_equal(objects(), 1);

	pid = holder(REPO_LOCK_ADD);
	assert_null(take(s, REPO_LOCK_REMOVE, 0, &err));
	kill_it(pid);
	repo_lock_free(must_take(s, REPO_LOCK_REMOVE));
	assert_int_equal(objects(), 2);
	assert_int_equal(system("rm store/locks/*"), 0);
	store_free(s);
}

static void
processes_are_told_apart(void **state)
{
	struct lock_process self, p;

	(void)state;
	lock_process_self(&self);
	assert_true(self.boot[0] != '\0' && self.pidns != 0 && self.start != 0);
	assert_false(lock_process_is_gone(&self, &self));
	p = self;
	p.start--;		/* another process had this number */
	assert_true(lock_process_is_gone(&p, &self));
	p.boot[0] ^= 1;		/* but not since this boot */
	assert_false(lock_process_is_gone(&p, &self));
	p = self;
	p.start--;
	p.pidns--;
	assert_false(lock_process_is_gone(&p, &self));
	p.pidns = 0;
	assert_false(lock_process_is_gone(&p, &self));
	p = self;
	p.start--;
	p.host[0] ^= 1;
	assert_false(lock_process_is_gone(&p, &self));
	p = self;
	p.start = 0;		/* not known */
	assert_false(lock_process_is_gone(&p, &self));
	memset(&p, 0, sizeof(p));
	assert_false(lock_process_is_gone(&p, &self));
}

/* From elsewhere: nothing but its not being renewed says that it is dead. */
static void
lapses_when_nothing_is_heard_of_it(void **state)
{
	static const char theirs[] = "{\"state\":\"held\",\"kind\":\"add\","
	    "\"command\":\"backup\",\"host\":\"elsewhere\",\"pid\":7,"
	    "\"started\":\"2026-01-01T00:00:00Z\",\"lapses_after_ms\":1200}";
	static const char ended[] = "{\"state\":\"ended\"}\n";
	struct store *s = open_store();
	struct repo_lock *l;
	struct err err;

	(void)state;
	repo_lock_free(must_take(s, REPO_LOCK_READ)); /* makes the folder */
	spill("store/locks/00000001.json", theirs, sizeof(theirs) - 1);
	spill("store/locks/00000002.json", ended, sizeof(ended) - 1);
	spill("store/locks/no lock", theirs, sizeof(theirs) - 1);
	spill("store/locks/00000003.json.x", theirs, sizeof(theirs) - 1);
	/* It is in nobody's way but theirs that remove. */
	repo_lock_free(must_take(s, REPO_LOCK_ADD));
	assert_null(take(s, REPO_LOCK_REMOVE, 0, &err));
	assert_non_null(strstr(err.message, "backup (pid 7 on elsewhere, since "
	    "2026-01-01T00:00:00Z)"));
	l = must_take(s, REPO_LOCK_REMOVE);
	assert_int_equal(objects(), 5);
	repo_lock_free(l);

	/* What cannot be understood is in everybody's, until it lapses. */
	spill("store/locks/00000002.json", "\xff{this is no lock of this format",
	    33);
	assert_null(take(s, REPO_LOCK_ADD, 0, &err));
	assert_non_null(strstr(err.message, "a run of unknown kind"));
	repo_lock_free(must_take(s, REPO_LOCK_ADD));
	store_free(s);
}

static void
wait_until_lost(struct repo_lock *l, struct err *err)
{
	int i;

	for (i = 0; i < 500 && repo_lock_held(l, err); i++)
		usleep(10000);
	assert_false(repo_lock_held(l, err));
	assert_int_equal(err->kind, ERR_LOCKED);
	assert_true(err->hint[0] != '\0');
	assert_true(cancel_requested());
	cancel_reset();
}

static void
that_is_lost_stops_everything(void **state)
{
	struct store *s = open_store();
	struct repo_lock *l;
	struct err err;

	(void)state;
	l = must_take(s, REPO_LOCK_ADD);
	assert_int_equal(system("rm store/locks/*"), 0);
	wait_until_lost(l, &err);
	assert_non_null(strstr(err.message, "somebody removed the lock"));
	repo_lock_free(l);

	/* Nothing can be written: no renewal. */
	l = must_take(s, REPO_LOCK_ADD);
	assert_int_equal(system("mv store/locks store/away && "
	    "echo > store/locks"), 0);
	wait_until_lost(l, &err);
	repo_lock_free(l);
	assert_int_equal(system("rm -r store/locks store/away"), 0);
	store_free(s);
}

static void
is_renewed_after_a_stop(void **state)
{
	struct store *s = open_store();
	struct repo_lock *l;
	struct err err;

	(void)state;
	l = must_take(s, REPO_LOCK_ADD);
	cancel_request();
	usleep((LAPSE_MS + LAPSE_MS / 2) * 1000);
	assert_true(repo_lock_held(l, &err));
	cancel_reset();
	assert_null(take(s, REPO_LOCK_REMOVE, 0, &err));
	assert_int_equal(err.kind, ERR_LOCKED);
	cancel_request();
	/* Who waits is stopped, and leaves nothing behind. */
	assert_null(take(s, REPO_LOCK_REMOVE, PATIENCE_MS, &err));
	assert_int_equal(err.kind, ERR_CANCELLED);
	assert_int_equal(objects(), 1);
	repo_lock_free(l);
	cancel_reset();
	assert_int_equal(objects(), 0);
	store_free(s);
}

static void
nothing_may_be_written(void **state)
{
	struct store *s = open_store();
	struct repo_lock *l;
	struct err err;

	(void)state;
	/* Not as rights: tests may run as root, who has all of them. */
	assert_int_equal(system("rm -rf store/locks && touch store/locks"), 0);
	assert_null(take(s, REPO_LOCK_ADD, 0, &err));
	assert_null(take(s, REPO_LOCK_REMOVE, 0, &err));
	if (geteuid() != 0) {
		assert_int_equal(system("rm store/locks; chmod a-w store"), 0);
		logged[0] = '\0';
		l = must_take(s, REPO_LOCK_READ);
		assert_non_null(strstr(logged, "reading without a lock"));
		assert_true(repo_lock_held(l, &err));
		repo_lock_free(l);
		assert_null(take(s, REPO_LOCK_ADD, 0, &err));
		assert_int_equal(err.kind, ERR_DENIED);
		assert_int_equal(system("chmod u+w store"), 0);
	}
	assert_int_equal(system("rm -rf store/locks"), 0);
	store_free(s);
}

/* --- a race --- */

#define RACERS 6
#define RACE_MS 1500

/* Shared by the processes: who is in, and whether that was ever wrong. */
struct arena {
	atomic_int sharing, removing, wrong;
	atomic_int times[3];
};

static uint64_t
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static void
be_inside(struct arena *a, enum repo_lock_kind kind, unsigned ms)
{
	atomic_int *mine = kind == REPO_LOCK_REMOVE ? &a->removing :
	    &a->sharing;

	atomic_fetch_add(mine, 1);
	atomic_fetch_add(&a->times[kind], 1);
	usleep(ms * 1000);
	if (atomic_load(&a->removing) > 1 || (atomic_load(&a->removing) > 0 &&
	    atomic_load(&a->sharing) > 0))
		atomic_fetch_add(&a->wrong, 1);
	atomic_fetch_sub(mine, 1);
}

static int
race(struct arena *a, unsigned number)
{
	uint64_t end = now_ms() + RACE_MS;
	struct store *s = open_store();
	enum repo_lock_kind kind;
	struct repo_lock *l;
	struct err err;

	lapse_ms = 60000;	/* however slow the machine is */
	srandom(number + (unsigned)now_ms());
	while (now_ms() < end) {
		kind = number < RACERS / 2 ? REPO_LOCK_REMOVE :
		    (enum repo_lock_kind)(number % 2);
		if ((l = take(s, kind, PATIENCE_MS, &err)) == NULL) {
			fprintf(stderr, "%s\n", err.message);
			return 1;
		}
		be_inside(a, kind, (unsigned)random() % 20);
		if (!repo_lock_held(l, &err))
			return 2;
		repo_lock_free(l);
		usleep((unsigned)random() % 40000);
	}
	store_free(s);
	return 0;
}

static void
excludes(void **state)
{
	FILE *f = fopen("arena", "wb+");
	struct arena *a;
	unsigned i;
	int status;

	(void)state;
	assert_non_null(f);
	assert_int_equal(ftruncate(fileno(f), sizeof(*a)), 0);
	a = mmap(NULL, sizeof(*a), PROT_READ | PROT_WRITE, MAP_SHARED,
	    fileno(f), 0);
	assert_true(a != MAP_FAILED);
	for (i = 0; i < RACERS; i++)
		if (fork() == 0)
			_exit(race(a, i));
	for (i = 0; i < RACERS; i++) {
		assert_true(wait(&status) > 0);
		assert_int_equal(status, 0);
	}
	assert_int_equal(a->wrong, 0);
	print_message("read %d, add %d, remove %d times\n", a->times[0],
	    a->times[1], a->times[2]);
	for (i = 0; i < 3; i++)
		assert_true(a->times[i] > 2);
	assert_int_equal(objects(), 0);
	munmap(a, sizeof(*a));
	fclose(f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_number_share),
		cmocka_unit_test(who_waits_goes_on_and_says_for_whom),
		cmocka_unit_test(processes_are_told_apart),
		cmocka_unit_test(lapses_when_nothing_is_heard_of_it),
		cmocka_unit_test(that_is_lost_stops_everything),
		cmocka_unit_test(is_renewed_after_a_stop),
		cmocka_unit_test(nothing_may_be_written),
		cmocka_unit_test(of_a_killed_process_is_free_at_once),
		cmocka_unit_test(excludes),
	};

	log_set_handler(on_log, NULL, LOG_INFO);
	return cmocka_run_group_tests_name("repo_lock", tests, make_root,
	    remove_root);
}
